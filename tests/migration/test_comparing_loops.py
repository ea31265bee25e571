"""Whether the new loop is as good as the old one: policies from blank, and the exported model, against VW itself."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import vowpalwabbit
from harness import migration, slot_logs
from harness.exports import line, write
from harness.logs import START, encoded, log
from harness.migration import Aside, Done

from shared.vw import dsjson

EVENTS, EXPORTED = 3_000, 800
AFTER = 810  # the first event of the next five minutes
OPTIONS = "--cb_explore_adf --epsilon 0.2 --power_t 0.5 --cb_type mtr -q Fj"
AT = START // 1000 + EXPORTED * 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was exported: a log, the policy, and the model that learned the first half of the log."""
    made = tmp_path_factory.mktemp("exported")
    lines = log(EVENTS)
    (made / "log.dsjson").write_bytes(encoded(lines))
    (made / "early.dsjson").write_bytes(encoded(lines[:EXPORTED]))
    (made / "late.dsjson").write_bytes(encoded(lines[AFTER:]))
    (made / "policy.json").write_text(json.dumps({"name": "old", "arguments": OPTIONS}))
    vw(f"{OPTIONS} --save_resume -d {made / 'early.dsjson'} -f {made / 'model.vw'}")
    return made


def vw(arguments: str) -> None:
    vowpalwabbit.Workspace(arg_list=[*arguments.split(), "--dsjson", "--quiet"]).finish()


def run(*arguments: str | Path) -> Done:
    return migration.run("compare", *arguments)


def result(folder: Path, *arguments: str | Path) -> tuple[Done, dict[str, Any]]:
    done = run(
        "--logs", folder / "log.dsjson", "--policy", folder / "policy.json", "--json", folder / "r.json", *arguments
    )
    assert done.status == 0, done.stderr
    return done, json.loads((folder / "r.json").read_bytes())


def test_the_exported_model_is_judged_as_it_was_on_the_events_after_it(folder: Path) -> None:
    os.utime(folder / "model.vw", (AT, AT))
    done, found = result(folder, "--model", folder / "model.vw")
    assert "Is the new loop as good as the old one?" in done.stdout
    assert "learns from blank, earns more than was served" in done.stdout
    assert "The exported model, frozen, earns more than was served" in done.stdout
    assert [one["name"] for one in found["policies"]["policies"]][-2:] == ["old policy", "default"]
    one = next(one for one in found["model"]["policies"] if one["name"] == "exported model")
    assert one["question"].startswith("This model, frozen")
    assert one["decisions"] == EVENTS - AFTER
    assert one["ips"] == pytest.approx(by_vw(folder), abs=1e-6)


def by_vw(folder: Path) -> float:
    """What the model would have earned by importance sampling, with the predictions of VW's own test mode."""
    vw(f"-i {folder / 'model.vw'} -t -d {folder / 'late.dsjson'} -p {folder / 'predictions'}")
    predicted = [one for one in (folder / "predictions").read_text().splitlines() if one]
    total = 0.0
    for logged, text in zip((folder / "late.dsjson").read_bytes().splitlines(), predicted, strict=True):
        event = json.loads(logged)
        pmf = {int(one.split(":")[0]): float(one.split(":")[1]) for one in text.split(",")}
        total += pmf[event["_labelIndex"]] / event["_label_probability"] * -event["_label_cost"]
    return total / len(predicted)


def test_without_events_after_the_export_it_says_why(folder: Path) -> None:
    done, found = result(folder, "--model", folder / "model.vw", "--created", "2026-01-01T00:00:00Z")
    assert found["model"] is None
    assert "The exported model was not judged. The log has no events after 2026-01-01 00:00" in done.stdout
    done, found = result(folder)
    assert "Name the exported model with --model" in found["why"]


def test_what_is_wrong_is_told_in_a_sentence(folder: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"nothing of the kind")
    for arguments, said in {
        ("--logs", folder / "log.dsjson", "--policy", wrong): "not a JSON object",
        ("--logs", folder / "log.dsjson", "--model", wrong): "neither a model of VW nor a zip",
        ("--logs", tmp_path / "none.json"): "is not there",
        ("--logs", folder / "log.dsjson", "--json", tmp_path / "no" / "r.json"): "cannot be written",
        ("--logs", folder / "log.dsjson", "--data", tmp_path): "Name either",
    }.items():
        done = run(*arguments)
        assert (done.status, said in done.stderr, "Traceback" in done.stderr) == (1, True, False), done.stderr
    assert run("--logs", folder / "log.dsjson", "--workers", "0").status == 2


def test_a_loop_is_compared_by_what_it_has_imported(aside: Aside, tmp_path: Path) -> None:
    logs = write(tmp_path / "logs" / "1.json", [line(number) for number in range(600)])
    assert aside.run("import", "--logs", logs).status == 0
    done = aside.run("compare")
    assert done.status == 0, done.stderr
    assert "600 decisions" in done.stdout
    assert "The old policy learns as the default one does." in done.stdout


def test_a_log_of_several_slots_is_compared_with_policies_for_several(tmp_path: Path) -> None:
    (tmp_path / "log.dsjson").write_bytes(b"".join(map(dsjson.encode, slot_logs.log(1_500))))
    done = run("--logs", tmp_path / "log.dsjson", "--json", tmp_path / "r.json")
    assert done.status == 0, done.stderr
    assert "A new loop with the default policy, which learns from blank, earns more than was served" in done.stdout
    found = json.loads((tmp_path / "r.json").read_bytes())["policies"]
    assert [one["slot"] for one in found["slots"]] == ["top"] * 4 + ["side"] * 4
    (tmp_path / "policy.json").write_text(json.dumps({"name": "old", "arguments": OPTIONS}))
    refused = run("--logs", tmp_path / "log.dsjson", "--policy", tmp_path / "policy.json")
    assert refused.status == 1
    assert "decides about one slot" in refused.stderr
