"""The commands of docs/evaluate.md answer, on a loop's log and on the files it was imported from."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from harness import slot_logs
from harness.exports import line, write
from harness.migration import Aside
from harness.stored import Loop
from harness.system import ADMIN_KEY, PROJECT, System, running

from shared.evaluation import diagnostics, features, grid, optimization, plan, recent_log, watching
from shared.evaluation.diagnostics import MEAN_WEIGHTS
from shared.monitoring import reward_drop
from shared.vw import dsjson
from shared.vw.schema import Schema

PAGE = (PROJECT / "docs" / "evaluate.md").read_text()
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [one for one in BLOCKS if not one.startswith("curl")]


def aimed(command: str) -> str:
    """A command, pointed at the loop of the test."""
    return command.replace(".venv/bin/python", shlex.quote(sys.executable)).replace(" --data .data", "")


def test_the_commands_answer(system: System, tmp_path: Path) -> None:
    aside = Aside(system)
    logs = write(tmp_path / "exported" / "logs" / "1.json", [line(number) for number in range(900)]).parent
    assert aside.run("import", "--logs", logs).status == 0
    (tmp_path / "exported" / "page").mkdir()
    (tmp_path / "exported" / "page" / "1.json").write_bytes(b"".join(map(dsjson.encode, slot_logs.log(600))))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STORAGE_")}
    said = []
    for command in COMMANDS:
        done = subprocess.run(
            ["bash", "-euc", aimed(command)],
            cwd=tmp_path,
            env=kept | aside.settings | {"PYTHONPATH": str(PROJECT)},
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert "about" in done.stderr
        said.append(done.stdout)
    compared, by_slot, optimised, explored, ranked, reported = said
    for column in ("reward", "95 % interval", "more than Online", "more than Baseline1", "Best single action"):
        assert column in compared
        assert column in PAGE
    assert "Self-check" in compared
    assert "By slot:" in by_slot
    for sentence in ("If what a slot earns depended on its own action alone", "on average"):
        assert sentence in by_slot
        assert sentence in " ".join(PAGE.split())
    assert "was chosen of 60 candidates" in optimised
    assert "Slower or faster learning is not in" in PAGE
    assert "slower or faster learning is not in it" in explored
    assert "contextFeatures.hour" in ranked
    assert "bold" in reported
    assert (tmp_path / "report.html").read_text().count("<svg") == 2
    found = json.loads((tmp_path / "result.json").read_bytes())
    told = [json.loads(one) for one in (tmp_path / "events.jsonl").read_bytes().splitlines()]
    bold = [one for one in told if one["policy"] == "bold"]
    [ips] = [one["ips"] for one in found["policies"] if one["name"] == "bold"]
    assert abs(sum(one["p_eval"] / one["p_log"] * one["reward"] for one in bold) / len(bold) - ips) < 1e-9


def test_numbers_are_those_of_the_program() -> None:
    assert f"fewer than {diagnostics.EFFECTIVE_EVENTS} expected effective events" in PAGE
    assert re.search(rf"fewer\s+than {diagnostics.REWARDED_EVENTS} rewarded events", PAGE)
    assert re.search(r"within {:g} to {:g}".format(*MEAN_WEIGHTS).replace("0.", r"\."), PAGE)
    assert len(grid.candidates(Schema("F", "j"), 0.2)) == 60
    assert "Sixty candidates" in PAGE
    assert f"In {['no', 'one', 'two', 'three', 'four'][len(plan.TURNS)]} turns" in PAGE
    assert re.search(rf"best\s+{['no', 'one', 'two', 'three'][plan.FINALISTS]} are judged", PAGE)
    assert f"Of more than {features.MOST_GROUPS} some" in PAGE


def test_the_call_of_the_api_is_answered(tmp_path: Path) -> None:
    call, undo = (one for one in BLOCKS if one.startswith("curl"))
    with running(tmp_path) as system:
        system.configure()
        with system.client() as client:
            ranked = {"eventId": "e", "actions": [{"id": "a", "features": [{"x": 1}]}]}
            assert client.post("rank", json=ranked).status_code == 201
        Loop(system).wait_until_done()
        with system.client(ADMIN_KEY) as admin:
            policy = {"name": "changed", "arguments": "--cb_explore_adf --squarecb"}
            assert admin.put("configurations/policy", json=policy).status_code == 200
        asked, undone = (_called(one, system) for one in (call, undo))
    assert json.loads(asked.stdout)["status"] == "pending", asked.stderr
    assert json.loads(undone.stdout)["policy"]["name"] != "changed", undone.stderr


def _called(call: str, system: System) -> subprocess.CompletedProcess[str]:
    for told, here in (("http://127.0.0.1:7071", system.url), ("local-admin-key", ADMIN_KEY)):
        call = call.replace(told, here)
    return subprocess.run(["bash", "-c", call], capture_output=True, text=True, timeout=60)


def test_the_numbers_of_the_automatic_optimisation_are_those_of_the_program() -> None:
    assert f"the last {recent_log.DAYS // 7} weeks of the log".replace("2", "two") in PAGE
    assert re.search(rf"there are\s+{recent_log.ENOUGH_BYTES // 1_000_000} MB", PAGE)
    assert f"For {watching.DAYS_WATCHED} days" in PAGE
    assert f"at {reward_drop.LEVEL:g}, from {reward_drop.LEAST_DECISIONS} decisions".replace("0.", ".", 1) in PAGE
    assert f"the last {optimization.MOST_RUNS} runs" in PAGE
