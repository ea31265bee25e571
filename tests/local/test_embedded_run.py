import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from azure.storage.blob import BlobServiceClient

from local import services
from shared.admin.configuration_body import LONGEST_WAIT

PROJECT = Path(__file__).parents[2]
APP = """
import os
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="api/{*rest}")
async def prefixed(req: func.HttpRequest) -> str:
    return "not this one"

@app.route(route="health")
async def health(req: func.HttpRequest) -> str:
    return "ok"

@app.route(route="setting/{name}")
async def setting(req: func.HttpRequest) -> str:
    return os.environ.get(req.route_params["name"], "")

@app.timer_trigger(schedule="%TRAINER_SCHEDULE%", arg_name="timer")
def train(timer: func.TimerRequest) -> None:
    pass
"""
OWN_SERVERS = ("STORAGE_CONNECTION_STRING", "EVENT_HUBS_CONNECTION_STRING")
UNSET = dict.fromkeys((*OWN_SERVERS, "APP_KEYS", "ADMIN_KEYS", "TRAINER_SCHEDULE"), "")


class Run:
    """`python -m local` with what it says, line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self.url = ""

    def until(self, text: str) -> str:
        for line in self.process.stdout:
            self.lines.append(line)
            if text in line:
                return line
        raise AssertionError(f"ended without {text!r}: {''.join(self.lines)}{self.process.stderr.read()}")

    def ready(self) -> httpx.Client:
        self.url = self.until("ready: ").split()[1]
        return httpx.Client(base_url=self.url)

    def children(self) -> dict[str, int]:
        """Process ids by what is recognisable in the command line."""
        pids = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        marks = {"azurite": "azurite", "--http-only": "http", "--timers-only": "timers", "local.eventhubs": "eventhubs"}
        found = {}
        for pid in map(int, pids):
            command = Path(f"/proc/{pid}/cmdline").read_text()
            found[next((name for mark, name in marks.items() if mark in command), "unknown")] = pid
        return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    folder = tmp_path / "app with space"
    folder.mkdir()
    (folder / "function_app.py").write_text(APP)
    (folder / "host.json").write_text('{"extensions": {"http": {"routePrefix": ""}}}')
    with ExitStack() as stack:
        yield lambda *options, **settings: stack.enter_context(running(folder, options, UNSET | settings))


@contextmanager
def running(folder: Path, options: tuple[str, ...], settings: dict[str, str]) -> Iterator[Run]:
    command = [sys.executable, "-m", "local", "--port", "0", "--data", str(folder / "data")]
    command += ["--app", str(folder / "function_app.py"), *options]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=PROJECT, env=os.environ | settings, **pipes) as process:
        try:
            yield Run(process)
        finally:
            process.terminate()


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_starts_says_how_to_call_it_and_stops_all_it_started(start: Callable[..., Run], number: int) -> None:
    run = start()
    with run.ready() as client:
        assert client.get("/health").text == "ok"
        assert client.get("/setting/APP_KEYS").text == "local-app-key"
        assert client.get("/setting/ADMIN_KEYS").text == "local-admin-key"
        assert client.get("/setting/TRAINER_SCHEDULE").text == "* * * * * *"
    assert "app key: local-app-key\n" in run.lines
    assert "admin key: local-admin-key\n" in run.lines
    children = run.children()
    assert set(children) == {"azurite", "eventhubs", "http", "timers"}
    run.process.send_signal(number)
    assert run.process.wait(40) == 0
    assert all(gone(pid) for pid in children.values())
    assert run.process.stderr.read() == ""


def test_settings_of_the_environment_win(start: Callable[..., Run]) -> None:
    own = {"STORAGE_CONNECTION_STRING": "mine", "EVENT_HUBS_CONNECTION_STRING": "theirs"}
    run = start(**own, APP_KEYS="secret", TRAINER_SCHEDULE="0 0 0 1 1 *")
    with run.ready() as client:
        assert {name: client.get(f"/setting/{name}").text for name in own} == own
        assert client.get("/setting/TRAINER_SCHEDULE").text == "0 0 0 1 1 *"
    assert set(run.children()) == {"http", "timers"}
    assert "app key: as set in APP_KEYS\n" in run.lines


def test_data_is_there_after_a_kill_of_everything(start: Callable[..., Run]) -> None:
    run = start()
    with run.ready() as client:
        text, hubs = (client.get(f"/setting/{name}").text for name in OWN_SERVERS)
    with BlobServiceClient.from_connection_string(text) as service:
        service.create_container("loops").upload_blob("kept", b"1")
    children = run.children()
    run.process.kill()
    again = start()
    with again.ready() as client:
        text, hubs_again = (client.get(f"/setting/{name}").text for name in OWN_SERVERS)
    assert hubs.split(";")[1:] == hubs_again.split(";")[1:]
    with BlobServiceClient.from_connection_string(text) as service:
        assert service.get_blob_client("loops", "kept").download_blob().readall() == b"1"
    assert all(gone(pid) for pid in children.values())


@pytest.mark.parametrize("name", ["azurite", "eventhubs", "http", "timers"])
def test_a_process_that_dies_is_restarted(start: Callable[..., Run], name: str) -> None:
    run = start()
    with run.ready() as client:
        before = run.children()
        os.kill(before[name], signal.SIGKILL)
        assert run.until(f"{name} was killed by SIGKILL; restarting it")
        deadline = time.monotonic() + 30
        while (after := run.children()).keys() != before.keys() or not answers(client):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert {other for other in after if after[other] != before[other]} == {name}


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health").status_code == 200
    except httpx.TransportError:
        return False


def test_a_taken_port_is_told(start: Callable[..., Run]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        run = start("--port", str(taken.getsockname()[1]))
        assert run.process.wait(40) == 1
        assert "make run PORT=" in run.process.stderr.read()


def test_data_in_use_is_told(start: Callable[..., Run]) -> None:
    first = start()
    first.ready().close()
    second = start()
    assert second.process.wait(40) == 1
    complaint = second.process.stderr.read()
    assert f"in use by process {first.process.pid}" in complaint
    assert "make run PORT=7072 DATA=.data-2" in complaint


def test_a_data_folder_that_cannot_be_used_is_told(start: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    run = start("--data", str(tmp_path / "file"))
    assert run.process.wait(40) == 1
    complaint = run.process.stderr.read()
    assert complaint.startswith(f"{tmp_path / 'file'} cannot be used")
    assert "make run PORT=7072 DATA=.data-2" in complaint


@pytest.mark.parametrize("command", ["local", "local.azurite", "local.host"])
@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_what_is_no_port_is_told(command: str, port: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", command, f"--port={port}"], cwd=PROJECT, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 2
    assert f"{port} is no port: write a number from 0 to 65535" in run.stderr


def test_data_without_a_folder_is_told_and_lies_nowhere(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "local", "--data", ""]
    paths = os.environ | {"PYTHONPATH": str(PROJECT)}
    run = subprocess.run(words, cwd=tmp_path, env=paths, capture_output=True, text=True, timeout=60)
    assert run.returncode == 2
    assert "name the folder of the data, as in make run DATA=.data-2" in run.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["local", "local.host"])
@pytest.mark.parametrize(
    "setting", ["APP_KEYS=a,b,c", "LOG_TIMEOUT_SECONDS=soon", "EVENT_HUBS_PARTITIONS=two", "TRAINER_SCHEDULE=often"]
)
def test_a_malformed_setting_is_told_in_one_line(command: str, setting: str, tmp_path: Path) -> None:
    name, _, value = setting.partition("=")
    required = {"APP_KEYS": "app", "ADMIN_KEYS": "admin", **dict.fromkeys(OWN_SERVERS, "UseDevelopmentStorage=true")}
    run = subprocess.run(
        [sys.executable, "-m", command, "--port=0"]
        + (["--data", str(tmp_path / "data")] if command == "local" else []),
        cwd=PROJECT, env=os.environ | required | {name: value}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.count("\n") == 1
    assert value in run.stderr or name in run.stderr
    assert not (tmp_path / "data").exists()


def test_events_are_kept_for_longer_than_the_longest_reward_wait(tmp_path: Path) -> None:
    command = services.event_hubs(tmp_path).command
    assert float(command[command.index("--retention-hours") + 1]) > LONGEST_WAIT / timedelta(hours=1) + 24


def test_an_app_that_cannot_start_is_told_with_its_last_words(start: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "app with space/function_app.py").write_text("raise RuntimeError('these words')")
    run = start(STORAGE_CONNECTION_STRING="mine")
    assert run.process.wait(40) == 1
    complaint = run.process.stderr.read()
    assert "http ended with status 1 at start" in complaint
    assert "RuntimeError: these words" in complaint


def test_help_names_every_option() -> None:
    command = [sys.executable, "-m", "local", "--help"]
    text = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert all(word in text for word in ("--port", "--data", "--app", "EVENT_HUBS_CONNECTION_STRING"))
