"""The command `compare`: what it says, what it writes, and that bad input gets a sentence."""

import contextlib
import functools
import gzip
import json
import re
import signal
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from harness import exports
from harness.evaluation import run
from harness.logs import START, World, encoded, log
from harness.migration import Aside
from harness.system import PROJECT, wait_until

EPSILON = "--cb_explore_adf --cb_type mtr --epsilon 0.3 -q ::"
SQUARE = "--cb_explore_adf --squarecb -q ::"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two hours and a half of a uniform log."""
    file = tmp_path / "log.dsjson"
    file.write_bytes(encoded(log(900)))
    return file


def result(*arguments: str | Path, folder: Path) -> dict[str, Any]:
    """What the command writes as JSON."""
    done = run("compare", *arguments, "--json", folder / "result.json")
    assert done.status == 0, done.stderr
    return json.loads((folder / "result.json").read_bytes())


def by_name(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in found["policies"]}


def test_policies_are_compared_over_files(file: Path, tmp_path: Path) -> None:
    html, events = tmp_path / "report.html", tmp_path / "events.jsonl"
    files: list[str | Path] = ["--json", tmp_path / "result.json", "--html", html, "--events", events]
    done = run("compare", "--log", file, "--policy", f"eps={EPSILON}", "--policy", "default", "--workers", "2", *files)
    assert done.status == 0, done.stderr
    assert "2 learning policies over 900 events: about " in done.stderr
    assert "left" in done.stderr or "all units worked" in done.stderr
    rows = {line.split("  ")[0] for line in done.stdout.splitlines()}
    assert {"Online", "Baseline1", "BaselineRand", "Best single action", "eps", "default"} <= rows
    assert "The smallest difference to Online that this log can show is" in done.stdout
    assert "Self-check passed." in done.stdout
    assert "learning from here on over this log" in done.stdout
    policies = by_name(json.loads((tmp_path / "result.json").read_bytes()))
    assert policies["eps"]["value"] > policies["Online"]["upper"]
    assert policies["eps"]["verdict"]["promoted"]
    told = [json.loads(line) for line in events.read_bytes().splitlines()]
    mine = [one for one in told if one["policy"] == "eps"]
    assert len(mine) == 900
    earned = sum(one["p_eval"] / one["p_log"] * one["reward"] for one in mine) / 900
    assert earned == pytest.approx(policies["eps"]["ips"])
    assert mine[0].keys() == {"policy", "event_id", "at", "action", "p_log", "p_eval", "reward"}
    svgs = html.read_text().split("<svg")[1:]
    assert len(svgs) == 2
    for one in svgs:
        ElementTree.fromstring("<svg" + one.partition("</svg>")[0] + "</svg>")


def test_one_worker_and_two_give_the_same_bits(file: Path, tmp_path: Path) -> None:
    policies = ["--policy", f"a={EPSILON}", "--policy", f"b={SQUARE}", "--policy", "default", "--doubly-robust"]
    one, two = (run("compare", "--log", file, *policies, "--workers", n, "--json", tmp_path / n) for n in ("1", "2"))
    assert (one.status, two.status) == (0, 0)
    assert one.stdout == two.stdout
    assert one.stdout.count("Doubly robust, with a model of the rewards: 0.") == 3
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


class Texts(HTMLParser):
    """The tags of a page, and what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.tags, self.said = set[str](), ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.said += data


def test_the_report_is_one_file_and_shows_texts_as_texts(file: Path, tmp_path: Path) -> None:
    name, html = "<script>alert(1)</script>&amp;", tmp_path / "report.html"
    done = run("compare", "--log", file, "--policy", f"{name}={EPSILON}", "--workers", "1", "--html", html)
    assert done.status == 0, done.stderr
    page, text = Texts(), html.read_text()
    page.feed(text)
    assert name in page.said
    assert page.tags.isdisjoint({"script", "link", "img", "iframe", "b"})
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_a_folder_of_the_old_service_is_read_once_and_what_is_skipped_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    good = [exports.line(number) for number in range(400)]
    odd = [exports.line(0), exports.line(900, _label_probability=0.0), "[dangling reward]", '{"_label_cost":']
    exports.write(folder / "1.json", [*good[:200], *odd])
    (folder / "2.json.gz").write_bytes(gzip.compress("".join(json.dumps(one) + "\n" for one in good[200:]).encode()))
    (folder / "notes.md").write_text("mine")
    found = result("--log", folder, "--workers", "1", folder=tmp_path)
    assert found["decisions"] == 400
    assert set(by_name(found)) >= {"default", "personalizer"}
    assert sum(found["skipped"].values()) == 5
    assert found["skipped"]["there a second time"] == 1


def test_a_file_that_is_cut_off_counts_up_to_its_damage(tmp_path: Path) -> None:
    file = tmp_path / "log.dsjson.gz"
    lines = log(3_000)
    whole = gzip.compress(encoded(lines))
    file.write_bytes(whole[: len(whole) // 2])
    found = result("--log", file, "--policy", EPSILON, "--workers", "1", folder=tmp_path)
    assert 500 < found["decisions"] < 2_500
    assert any("cannot be read (to its end): log.dsjson.gz" in reason for reason in found["skipped"])


def test_a_period_is_rounded_outward_to_five_minutes(file: Path, tmp_path: Path) -> None:
    lines = log(900)
    since, until = lines[100].at, lines[399].at
    found = result("--log", file, "--from", since, "--to", until, "--policy", EPSILON, folder=tmp_path)
    five = 300_000
    begin = (START + 1_000_000) // five * five
    end = -(-(START + 3_990_000) // five) * five
    assert found["decisions"] == sum(begin <= START + number * 10_000 < end for number in range(900))
    assert found["skipped"]["outside the period"] == 900 - found["decisions"]


def test_a_line_that_is_cut_off_in_the_middle_costs_that_line_alone(tmp_path: Path) -> None:
    file = tmp_path / "log.dsjson"
    lines = log(200)
    broken = b'{"_label_cost":0.0,"_label_probability":0.5,"_label_Action":1,"_labelIndex":0,'
    file.write_bytes(encoded(lines[:90]) + broken + b"\n" + encoded(lines[90:]))
    found = result("--log", file, "--policy", EPSILON, "--workers", "1", folder=tmp_path)
    assert (found["decisions"], found["skipped"]) == (200, {"not JSON": 1})


def changed(count: int, **values: Any) -> bytes:
    return encoded(msgspec.structs.replace(one, **values) for one in log(count))


@pytest.mark.parametrize(
    "data",
    [
        changed(1),
        changed(300, cost=-1.0, original_cost=-1.0),
        changed(300, cost=0.0, original_cost=0.0),
        changed(300, cost=25.0, original_cost=25.0),
        encoded(log(300, world=World(earns=((0.0, 0.0, 0.01),) * 2, p=((0.98, 0.01, 0.01),) * 2))),
    ],
    ids=["one event", "equal rewards", "no rewards", "rewards beyond 1", "rare rewards"],
)
def test_odd_logs_give_intervals_within_the_range_of_rewards(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "log.dsjson"
    file.write_bytes(data)
    found = result("--log", file, "--policy", EPSILON, "--workers", "1", folder=tmp_path)
    lowest, highest = found["rewards"]
    for one in found["policies"]:
        assert lowest <= one["lower"] <= one["value"] <= one["upper"] <= highest, one
        assert one["verdict"] is None or not one["verdict"]["promoted"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--policy", "mine=--cb_explore_adf --no_such"], "--no_such"),
        (["--policy", "mine=--cb_explore_adf --cb_type wrong"], "has a value that is not allowed"),
        (["--policy", "mine=--cb_explore_adf -f /tmp/x"], "is not an option of a learning policy"),
        (["--policy", "mine=--cb_explore_adf --coin --ftrl"], "You can only use one of"),
        (["--policy", "mine=--ccb_explore_adf -q ::"], "several slots"),
        (["--policy", "unheard"], "There is no policy 'unheard'"),
        (["--policy", "current"], "There is no policy 'current'"),
        (["--policy", "a=default", "--policy", "A=personalizer"], "Two policies are called 'A'"),
        (["--policy", "Online=default"], "cannot be called 'Online'"),
        (["--policy", "hyper12=default"], "cannot be called 'hyper12'"),
        (["--policy", "=default"], "There is no policy"),
        ([word for number in range(11) for word in ("--policy", f"p{number}=default")], "11 policies"),
        (["--from", "2026-01-02", "--to", "2026-01-01"], "--from is not before --to"),
        (["--from", "2126-01-02"], "in the future"),
        (["--to", "2020-01-01"], "the log reaches from 2025-06-15"),
        (["--from", "yesterday"], "is no time"),
        (["--data", ".data"], "either --log, for files, or --data"),
        (["--workers", "0"], "between 1 and 64"),
        (["--exploration", "1.5"], "not a share between 0 and 1"),
        (["--default-reward", "nan"], "is no number"),
        (["--json", "/nowhere/result.json"], "cannot be written"),
        (["--html", "/nowhere/result.html"], "cannot be written"),
        (["--events", "/nowhere/events"], "cannot be written"),
    ],
)
def test_bad_input_gets_a_sentence(given: list[str], said: str, file: Path) -> None:
    if not any(one.startswith("--policy") for one in given):
        given = [*given, "--policy", EPSILON]
    done = run("compare", "--log", file, *([] if "--workers" in given else ["--workers", "1"]), *given)
    assert done.status in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_lines_of_ours_that_were_altered_cost_those_lines_alone(tmp_path: Path) -> None:
    """VW stops at each of these; a trace ended the command at some."""
    lines = encoded(log(300)).splitlines()
    lines[3] = lines[3].replace(b'"_label_probability":0.3', b'"_label_probability":0e')
    lines[4] = lines[4].replace(b'"_labelIndex":', b'"_labelIndex":1')
    lines[5] = lines[5].replace(b'"a":[', b'"a":[9,')
    lines[6] = re.sub(rb'"a":\[(\d),\d,\d\]', rb'"a":[\1,\1,\1]', lines[6])
    lines[7] = lines[7].replace(b'"_tag":"news"', b'"_tag":7')
    lines[8] = lines[8].replace(b'"id":"news"', b'"id":"n\xffws"')
    lines[9] = re.sub(rb'"_original_label_cost":[^,}]+', b'"_original_label_cost":-1e300', lines[9])
    lines[10] = lines[10].replace(b'"j":[{', b'"j":[')
    file = tmp_path / "log.dsjson"
    file.write_bytes(b"\n".join(lines) + b"\n")
    found = result("--log", file, "--policy", "default", "--workers", "1", folder=tmp_path)
    # Of these eight a tag that is no text and one list of actions can be mended.
    assert (found["failed"], found["decisions"]) == ({}, 294), found["skipped"]
    assert sum(found["skipped"].values()) == 6


def test_odd_lines_of_others_cost_those_lines_alone(tmp_path: Path) -> None:
    odd = [
        exports.line(501, Timestamp="0001-01-01T00:00:00+14:00"),
        exports.line(502, c={"FromUrl": [{"a": "HUGE"}], "_multi": exports.context("night")["_multi"]}),
    ]
    file = exports.write(tmp_path / "log.json", [*(exports.line(number) for number in range(300)), *odd])
    file.write_text(file.read_text().replace('"HUGE"', "1e400"))
    found = result("--log", file, "--policy", EPSILON, "--workers", "1", folder=tmp_path)
    assert (found["failed"], found["decisions"], sum(found["skipped"].values())) == ({}, 300, 2)


def test_lines_without_a_time_are_judged_in_the_order_of_the_files(tmp_path: Path) -> None:
    lines = [exports.line(number) for number in range(400)]
    for one in lines:
        del one["Timestamp"]
    file = exports.write(tmp_path / "log.json", lines)
    found = result("--log", file, "--policy", EPSILON, "--workers", "1", folder=tmp_path)
    assert found["decisions"] == 400
    assert found["until"] - found["since"] == 399_001
    assert any("400 events say no time" in note for note in found["notes"])


def test_the_best_single_action_has_its_id_whoever_wrote_the_log(tmp_path: Path) -> None:
    """Most writers of JSON put spaces between members; others than Rank name actions by their tag alone."""
    spaced = [exports.line(number) for number in range(300)]
    tagged = [exports.line(number) for number in range(300)]
    for one in tagged:
        for action in one["c"]["_multi"]:
            del action["i"]
    for name, lines in (("spaced", spaced), ("tagged", tagged)):
        file = exports.write(tmp_path / f"{name}.json", lines)
        found = result("--log", file, "--policy", EPSILON, "--workers", "1", folder=tmp_path)
        [single] = (one for one in found["policies"] if one["name"] == "Best single action")
        assert any(f"'{topic}'" in single["question"] for topic in exports.TOPICS), single["question"]


def test_a_difference_of_unreliable_figures_is_not_called_decided(tmp_path: Path) -> None:
    file = tmp_path / "log.dsjson"
    rare = World(earns=((0.02, 0.0, 0.0),) * 2, p=((0.98, 0.01, 0.01),) * 2)
    file.write_bytes(encoded(log(3_000, world=rare)))
    done = run("compare", "--log", file, "--policy", EPSILON, "--workers", "1")
    said = done.stdout
    assert "Unreliable: " in said
    assert "is not decided, for the figures are unreliable." in said
    assert "is decided." not in said
    assert "It earns less than" not in said


def test_rare_rewards_have_digits_enough(tmp_path: Path) -> None:
    """Of clicks in a thousand views, four digits are one that counts."""
    file, html = tmp_path / "log.dsjson", tmp_path / "report.html"
    file.write_bytes(encoded(log(3_000, world=World(earns=((0.004, 0.004, 0.004),) * 2))))
    done = run("compare", "--log", file, "--policy", EPSILON, "--workers", "1", "--html", html)
    online = next(line for line in done.stdout.splitlines() if line.startswith("Online"))
    assert re.fullmatch(r"Online +0\.00\d{4} +0\.00\d{4} to 0\.00\d{4} +[-+]0\.00\d{4} ± 0\.00\d{4}", online), online
    for chart in html.read_text().split("<svg")[1:]:
        ticks = re.findall(r"<text [^>]*>(-?[\d.]+)</text>", chart)
        assert len(set(ticks)) == len(ticks) == 5


def test_a_log_of_an_apprentice_alone_judges_the_baseline_alone(tmp_path: Path) -> None:
    file = tmp_path / "log.dsjson"
    file.write_bytes(changed(300, mode="Apprentice", cost=0.0, original_cost=-0.5))
    found = result("--log", file, "--policy", EPSILON, "--workers", "1", folder=tmp_path)
    assert found["decisions"] == 0
    assert by_name(found)["Baseline1"]["decisions"] == 300
    assert by_name(found)["Baseline1"]["value"] == pytest.approx(0.5)
    assert any("No event can be judged" in note for note in found["notes"])
    done = run("compare", "--log", file, "--policy", EPSILON, "--workers", "1", "--html", tmp_path / "report.html")
    assert "Self-check not made." in done.stdout
    assert "Self-check not made." in (tmp_path / "report.html").read_text()
    for command in ("optimise", "features", "explore"):
        done = run(command, "--log", file, "--policy", EPSILON, "--workers", "2")
        assert "Traceback" not in done.stderr


def session(leader: int) -> set[int]:
    """The processes that one has started, and it."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and fields[0] != "Z":
                found.add(int(stat.parent.name))
    return found


@pytest.mark.parametrize(("ending", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_workers_and_learners_end_with_the_command(ending: signal.Signals, status: int, tmp_path: Path) -> None:
    file = tmp_path / "log.dsjson"
    file.write_bytes(encoded(log(20_000)))
    command = [sys.executable, "-m", "evaluation", "optimise", "--log", str(file), "--workers", "2"]
    # A shell starts what is in the background with SIGINT ignored, which children inherit.
    heard = functools.partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    pipes: dict[str, Any] = {"stderr": subprocess.PIPE, "start_new_session": True}
    with subprocess.Popen(command, cwd=PROJECT, preexec_fn=heard, **pipes) as process:
        assert process.stderr is not None
        while b"about" not in process.stderr.readline():
            pass
        assert len(session(process.pid)) > 3
        process.send_signal(ending)
        said = process.stderr.read().decode()
        assert process.wait(30) == status
        wait_until(lambda: not session(process.pid), "all of its processes have ended", 20)
    # A worker that is just starting when its parent is killed says what it has lost.
    assert ending == signal.SIGKILL or "Traceback" not in said
    assert ("Interrupted" in said) == (ending == signal.SIGINT)


def test_files_that_are_not_there_or_no_logs_get_a_sentence(tmp_path: Path) -> None:
    missing = run("compare", "--log", tmp_path / "missing.json")
    empty = run("compare", "--log", tmp_path)
    (tmp_path / "text.json").write_text("no log\n")
    text = run("compare", "--log", tmp_path / "text.json")
    assert (missing.status, empty.status, text.status) == (1, 1, 1)
    assert "is not there" in missing.stderr
    assert "There is no log here" in empty.stderr
    assert "There is no event in these files" in text.stderr


def test_a_loop_is_found_as_the_migration_finds_it(aside: Aside, tmp_path: Path) -> None:
    lines = [exports.line(number) for number in range(600)]
    exports.write(tmp_path / "log.json", lines)
    assert aside.run("import", "--logs", tmp_path / "log.json").status == 0
    json_file = tmp_path / "result.json"
    done = run("compare", "--policy", "current", "--workers", "1", "--json", json_file, **aside.settings)
    assert done.status == 0, done.stderr
    found = json.loads(json_file.read_bytes())
    assert found["decisions"] == 600
    assert by_name(found)["current"]["arguments"].startswith("--cb_explore_adf")
    assert by_name(found)["Online"]["value"] == pytest.approx(1 / 3)
    names = [name for name in aside.loop.names("logs/") if name.endswith(".dsjson.gz")]
    damaged = aside.loop.read(names[0])
    aside.loop.write(names[0], damaged[:-6] + bytes([damaged[-6] ^ 1]) + damaged[-5:])
    done = run("compare", "--policy", "current", "--workers", "1", "--json", json_file, **aside.settings)
    found = json.loads(json_file.read_bytes())
    assert done.status == 0, done.stderr
    assert found["decisions"] == 600 - len(gzip.decompress(damaged).splitlines())
    assert any("damage" in reason for reason in found["skipped"])


def test_an_empty_loop_and_an_unknown_one_get_a_sentence(aside: Aside) -> None:
    empty = run("compare", **aside.settings)
    unknown = run("compare", "--loop", "unknown", **aside.settings)
    assert (empty.status, unknown.status) == (1, 1)
    assert "is empty" in empty.stderr
    assert "There is no loop unknown" in unknown.stderr
