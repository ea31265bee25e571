"""The demo: what it draws, what it takes for learning, and that it tells a loop that learns from one that does not."""

import functools
import io
import math
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from harness.system import ADMIN_KEY, APP_KEY, PROJECT, running

from simulator.display import COLUMNS, ROWS, WIDTH, Log, Screen, Snapshot, bar, cell, chart, display, line, panel
from simulator.score import Encounter, doubts, last_part, parts, score


def encounters(reward: Callable[[float], float], count: int = 400, seconds: float = 40) -> list[Encounter]:
    """Visits at even distances; random earns 0.2, the best 0.8."""
    times = [seconds * i / count for i in range(count)]
    return [Encounter(at, reward(at), 0.2, 0.8) for at in times]


def snapshot(seen: list[Encounter], elapsed: float = 40, failed: int = 0, age: float | None = 2.4) -> Snapshot:
    return Snapshot("shop", "A shop. " * 15, 40, elapsed, seen, failed, 3 if age else 0, age)


def learned(at: float) -> float:
    return 0.2 if at < 20 else 0.8


def test_a_score_compares_with_random_and_best() -> None:
    seen = [Encounter(0, 1, 0.5, 0.75), Encounter(0, 0, 0.25, 0.75), Encounter(0, 1, 0.25, 0.5)]
    found = score(seen)
    assert found is not None
    assert (found.events, found.reward) == (3, pytest.approx(2 / 3))
    assert (found.uniform, found.optimal) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert found.gain == pytest.approx(1)
    # The advantages 0.5, -0.25 and 0.75 have the sample variance 13/48.
    assert found.standard_errors == pytest.approx((1 / 3) / math.sqrt(13 / 48 / 3))
    assert score(seen[:1]) is None


def test_the_parts_of_a_run_are_equally_long_and_the_last_quarter_is_judged() -> None:
    seen = encounters(learned)
    assert [one and one.gain for one in parts(seen, 40, 4)] == pytest.approx([0, 0, 1, 1])
    assert parts(seen, 80, 4)[2:] == [None, None]
    last = last_part(encounters(lambda at: 0.8 if at >= 30 else 0.2), 40)
    assert last is not None
    assert (last.events, last.gain) == (100, pytest.approx(1))


def clicks(rng: Random, rate: float, count: int) -> list[Encounter]:
    return [Encounter(0, float(rng.random() < rate), 0.3, 0.8) for _ in range(count)]


def test_random_choice_is_not_taken_for_learning_and_learning_is_not_missed() -> None:
    rng = Random(1)
    assert all(doubts(score(clicks(rng, 0.3, 300))) for _ in range(2_000))
    assert not any(doubts(score(clicks(rng, 0.6, 300))) for _ in range(200))


def test_what_is_certain_but_little_or_much_but_uncertain_is_not_enough() -> None:
    rng = Random(2)
    [little] = doubts(score(clicks(rng, 0.35, 20_000)))
    assert re.fullmatch(r"\d+% of the possible gain was reached, not 25%", little)
    [uncertain] = doubts(score(clicks(rng, 0.6, 20)))
    assert re.fullmatch(r"the reward is \d\.\d standard errors above random, not 4", uncertain)
    assert doubts(None) == ["there were no visits in the last part of the run"]


def test_bars_are_as_long_as_what_they_show() -> None:
    assert [bar(share, 4) for share in (-0.3, 0, 0.5, 1, 1.2)] == ["░░░░", "░░░░", "██░░", "████", "████"]
    assert [cell(0.5, row, 0, 1) for row in (0, ROWS // 2 - 1, ROWS // 2, ROWS - 1)] == ["█", "█", "▄", " "]


def test_a_chart_rises_from_random_to_best() -> None:
    rows = chart(snapshot(encounters(learned)))
    assert len(rows) == ROWS
    assert all(len(row) == WIDTH for row in rows)
    [best] = [row for row in rows if "best possible 0.80" in row]
    [random] = [row for row in rows if "random 0.20" in row]
    assert rows.index(best) < rows.index(random)
    above = rows[rows.index(random) - 1][-COLUMNS:]
    assert above == " " * (COLUMNS // 2) + "█" * (COLUMNS // 2)


def test_the_rest_of_a_run_is_still_empty() -> None:
    rows = chart(snapshot(encounters(lambda at: 0.8, seconds=20), elapsed=20))
    assert rows[-1][-COLUMNS:] == "█" * (COLUMNS // 2) + " " * (COLUMNS // 2)


def test_a_panel_fits_and_says_everything() -> None:
    shown = panel(snapshot(encounters(learned), failed=2))
    assert max(map(len, shown)) <= WIDTH
    assert len(shown) < 24
    text = "\n".join(shown)
    for expected in (
        "shop",
        "now  0.50",
        "total  0.50",
        " 50% of the gain",
        "400 visits, 10/s, 2 failed",
        "model 3, 2 s old",
    ):
        assert expected in text


def test_before_the_first_visits_there_is_little_to_say() -> None:
    empty = snapshot([], elapsed=0, age=None)
    assert any("no model yet" in row for row in panel(empty))
    assert line(empty).endswith("0 visits, 0/s  no model yet")
    assert len(panel(empty)) == len(panel(snapshot(encounters(learned))))


def test_a_log_line_says_the_same() -> None:
    assert line(snapshot(encounters(learned))) == (
        "shop  40 of 40 s  █████░░░░░  50%  reward 0.50 now, 0.50 in all (random 0.20, best 0.80)  400 visits, 10/s  "
        "model 3, 2 s old"
    )


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def _large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "40")


@pytest.mark.usefixtures("_large")
def test_only_a_terminal_is_redrawn_and_not_in_colour_if_told_so() -> None:
    assert isinstance(display(io.StringIO(), {}), Log)
    assert isinstance(display(Terminal(), {"TERM": "dumb"}), Log)
    for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        terminal = Terminal()
        screen = display(terminal, environment)
        assert isinstance(screen, Screen)
        screen.show(snapshot(encounters(learned)))
        assert ("\x1b[32m" in terminal.getvalue()) is coloured


def test_a_narrow_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LINES", "40")
    assert isinstance(display(Terminal(), {}), Log)


def test_a_screen_goes_back_over_its_own_lines_only() -> None:
    terminal = Terminal()
    screen = Screen(terminal, colour=False)
    now = snapshot(encounters(learned))
    screen.say("first")
    screen.show(now)
    screen.show(now, last=True)
    screen.say("done")
    drawn = "\n".join(panel(now)) + "\n"
    assert terminal.getvalue() == f"first\n{drawn}\x1b[{len(panel(now))}F\x1b[J{drawn}done\n"


def test_a_log_shows_its_last_line_and_few_before() -> None:
    output = io.StringIO()
    log = Log(output)
    for _ in range(5):
        log.show(snapshot(encounters(learned)))
    log.show(snapshot(encounters(learned)), last=True)
    assert len(output.getvalue().splitlines()) == 1 + 2


@contextmanager
def demo(*options: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "simulator", *options]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    # A shell starts what is in the background with SIGINT ignored, which children inherit.
    heard = functools.partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, cwd=PROJECT, env=os.environ | environment, preexec_fn=heard, **pipes) as process:
        try:
            yield process
        finally:
            process.terminate()


def test_a_loop_that_learns_is_seen_to_learn_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with demo("--scenario", "streaming", "--seconds", "25", TMPDIR=str(tmp_path)) as process:
        output, errors = process.communicate(timeout=200)
    assert process.returncode == 0, output + errors
    assert errors == ""
    assert "streaming: learned" in output
    assert output.endswith("The loop learned.\n")
    counted = re.search(r"([\d,]+) ranks and ([\d,]+) rewards acknowledged; ([\d,]+) learned, ([\d,]+) joined", output)
    assert counted is not None
    assert len(set(counted.groups())) == 1
    assert list(tmp_path.glob("open-personalizer-demo-*")) == []


def test_a_loop_that_cannot_learn_in_time_is_not_praised_and_its_configuration_comes_back(tmp_path: Path) -> None:
    with running(tmp_path) as system:
        system.configure(rewardWaitTime="PT7M", modelExportFrequency="PT3M")
        with system.client(ADMIN_KEY) as admin:
            before = admin.get("configurations/service").json()
        keys = ("--key", APP_KEY, "--admin-key", ADMIN_KEY)
        options = ("--scenario", "streaming", "--seconds", "12", "--reward-wait", "600")
        with demo("--url", system.url, *keys, *options) as process:
            output, errors = process.communicate(timeout=200)
        with system.client(ADMIN_KEY) as admin:
            after = admin.get("configurations/service").json()
    assert process.returncode == 1, output + errors
    assert errors == ""
    assert "streaming: not learned" in output
    assert "standard errors above random, not 4" in output
    assert "look at: no model was published within 12 s; rewardWaitTime was 600 s" in output
    assert "did not clearly learn in: streaming." in output
    edited = "lastConfigurationEditDate"
    assert after | {edited: None} == before | {edited: None}
    assert after[edited] > before[edited]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_stops_everything_when_interrupted(tmp_path: Path, number: int, status: int) -> None:
    with demo("--scenario", "cafe", "--seconds", "600", TMPDIR=str(tmp_path)) as process:
        while "visits" not in (text := process.stdout.readline()):
            assert text, process.stderr.read()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 5
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (status, "")
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)
    assert list(tmp_path.glob("open-personalizer-demo-*")) == []


def test_a_wrong_app_key_ends_the_run_early_and_is_named(tmp_path: Path) -> None:
    with running(tmp_path) as system:
        options = ("--url", system.url, "--key", "wrong", "--admin-key", ADMIN_KEY)
        with demo(*options, "--scenario", "cafe", "--seconds", "600") as process:
            output, errors = process.communicate(timeout=200)
    assert (process.returncode, errors) == (1, "")
    assert "0 ranked and rewarded" in output
    assert "look at: the last failed call: ErrorResponseException: " in output


def test_a_service_that_is_not_there_is_reported() -> None:
    with demo("--url", "http://127.0.0.1:9") as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "127.0.0.1:9" in errors
    assert "Traceback" not in errors
