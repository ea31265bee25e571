"""Several processes answer HTTP on one port: `python -m local --workers N`."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from harness.system import PROJECT, wait_until
from harness.workers import Workers, command

APP = """
import os
import sys
import time
from pathlib import Path

import azure.functions as func

HERE = Path(__file__).parent
if (HERE / "one alone").exists() and "--http-only" in sys.argv:
    try:
        (HERE / "first").mkdir()
    except FileExistsError:
        time.sleep(4)  # the other one answers by then
        raise
if (HERE / "broken").exists():
    raise RuntimeError("these words")

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="health")
async def health(req: func.HttpRequest) -> str:
    return str(os.getpid())

@app.timer_trigger(schedule="0 0 0 1 1 *", arg_name="timer")
def train(timer: func.TimerRequest) -> None:
    pass
"""
ELSEWHERE = {"STORAGE_CONNECTION_STRING": "mine", "EVENT_HUBS_CONNECTION_STRING": "theirs"}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "function_app.py").write_text(APP)
    (tmp_path / "host.json").write_text('{"extensions": {"http": {"routePrefix": ""}}}')
    return tmp_path / "function_app.py"


@contextmanager
def running(app: Path, workers: int) -> Iterator[Workers]:
    with command(app.parent / "data", workers, ELSEWHERE, "--app", str(app)) as run:
        yield run


def answer(connection: HTTPConnection) -> int:
    """The process id of who answers."""
    connection.request("GET", "/health")
    return int(connection.getresponse().read())


def answers(run: Workers) -> int:
    connection = run.connect()
    try:
        return answer(connection)
    finally:
        connection.close()


@pytest.mark.parametrize("pause", [0.0, 0.03])
def test_connections_are_spread_over_all_workers(app: Path, pause: float) -> None:
    with running(app, 3) as run:
        run.until("ready: ")
        connections = []
        for _ in range(30):
            connections.append(run.connect())
            time.sleep(pause)
        counts = Counter(map(answer, connections))
        assert set(counts) == set(run.pids().values())
        assert min(counts.values()) >= 3, counts
        for connection in connections:
            connection.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_end_with_the_command(app: Path, number: int) -> None:
    with running(app, 3) as run:
        run.until("ready: ")
        pids = run.pids()
        assert set(pids) == {1, 2, 3}
        run.process.send_signal(number)
        assert run.process.wait(40) == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in pids.values())
        with pytest.raises(ConnectionRefusedError):
            run.connect()
    assert {path.name for path in (app.parent / "data/logs").glob("http*")} == {f"http-{one}.log" for one in pids}


def test_one_that_is_killed_is_replaced_while_others_answer(app: Path) -> None:
    with running(app, 2) as run:
        run.until("ready: ")
        before = run.pids()
        os.kill(before[1], signal.SIGKILL)
        assert {answers(run) for _ in range(20)} <= {*run.pids().values(), before[2]}
        run.until("http-1 was killed by SIGKILL; restarting it")
        wait_until(lambda: answers(run) not in before.values(), "the new one takes its share")
        assert run.pids()[2] == before[2]


def test_one_that_always_ends_is_tried_less_and_less(app: Path) -> None:
    with running(app, 2) as run:
        run.until("ready: ")
        before = run.pids()
        (app.parent / "broken").touch()
        os.kill(before[2], signal.SIGKILL)
        end = time.monotonic() + 8
        while time.monotonic() < end:
            assert answers(run) == before[1]
            time.sleep(0.1)
        tries = [line for line in run.said if line.startswith("http-2 ended with status 1; restarting it")]
        assert 1 <= len(tries) <= 6
        (app.parent / "broken").unlink()
        wait_until(lambda: answers(run) != before[1], "it has come back")


def test_one_of_them_that_cannot_start_is_told(app: Path) -> None:
    (app.parent / "one alone").touch()
    with running(app, 2) as run:
        assert run.process.wait(60) == 1
        run.until("FileExistsError")
        assert any(line.startswith("http-") and "ended with status 1 at start" in line for line in run.said)


def test_a_hung_one_takes_no_connection_from_others(app: Path) -> None:
    with running(app, 2) as run:
        run.until("ready: ")
        pids = run.pids()
        os.kill(pids[1], signal.SIGSTOP)
        try:
            begun = time.monotonic()
            assert {answers(run) for _ in range(50)} == {pids[2]}
            assert time.monotonic() - begun < 10
        finally:
            os.kill(pids[1], signal.SIGCONT)


WRONG = ["0", "-1", "two", "1.5", "65", "²", "1,2"]


@pytest.mark.parametrize(
    ("text", "way"),  # an empty variable counts as not set
    [("", "option"), *((text, way) for text in WRONG for way in ("option", "variable"))],
)
def test_what_is_no_number_of_workers_is_told(text: str, way: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "local", "--data", str(tmp_path / "data")]
    words += [f"--workers={text}"] if way == "option" else []
    environment = os.environ | ({"WORKERS": text} if way == "variable" else {})
    run = subprocess.run(words, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60)
    assert run.returncode == 2
    assert f"'{text}' is no number of workers: write one from 1 to 64, as in make run WORKERS=2" in run.stderr
    assert not (tmp_path / "data").exists()


def test_make_hands_the_number_on() -> None:
    told = subprocess.run(
        ["make", "--dry-run", "--old-file=.venv/local.stamp", "run", "WORKERS=3"],
        cwd=PROJECT, capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    assert '--workers "3"' in told
