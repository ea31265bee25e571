"""The command `optimise`: chosen on one part of the log, judged on the other."""

import json
from pathlib import Path
from typing import Any

import pytest
from harness.evaluation import Done, run
from harness.logs import World, encoded, log

CONTRARY = "slow=--cb_explore_adf --cb_type mtr --epsilon 0.3 -l 0.0001"


def optimised(tmp_path: Path, data: bytes) -> tuple[Done, dict[str, Any]]:
    file, found = tmp_path / "log.dsjson", tmp_path / "found.json"
    file.write_bytes(data)
    done = run("optimise", "--log", file, "--policy", CONTRARY, "--json", found, "--html", tmp_path / "report.html")
    assert done.status == 0, done.stderr
    return done, json.loads(found.read_bytes())


def test_a_better_policy_is_found_and_judged_on_events_that_did_not_choose_it(tmp_path: Path) -> None:
    done, found = optimised(tmp_path, encoded(log(3_000)))
    names = {one["name"]: one for one in found["policies"]}
    assert len(names) == 8  # three that need no model, the best single action, three finalists, and the owner's
    best = names[found["chosen"]]
    assert best["value"] > names["slow"]["upper"]
    assert best["verdict"]["promoted"]
    assert best["decisions"] == names["Online"]["decisions"] == pytest.approx(1_500, abs=60)
    assert f"{found['chosen']} was chosen of 60 candidates on the" in done.stdout
    body = json.loads(done.stdout.rpartition("PUT configurations/policy with ")[2])
    assert body == {"name": best["name"], "arguments": best["arguments"]}
    assert best["name"] in (tmp_path / "report.html").read_text()


def test_rewards_that_do_not_depend_on_the_action_promote_nothing(tmp_path: Path) -> None:
    done, found = optimised(tmp_path, encoded(log(1_500, world=World(earns=((0.4,) * 3,) * 2))))
    assert not any(one["verdict"]["promoted"] for one in found["policies"] if one["name"] == found["chosen"])
    assert "Keep the policy that serves" in done.stdout


def test_a_log_of_a_moment_gets_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "log.dsjson"
    file.write_bytes(encoded(log(25)))
    for command in ("optimise", "features"):
        done = run(command, "--log", file, "--policy", "default", "--policy", "personalizer")
        assert done.status == 1
        assert "Traceback" not in done.stderr
    assert "leave out all --policy but one" in done.stderr
    done = run("optimise", "--log", file)
    assert "must have at least 50 events" in done.stderr
