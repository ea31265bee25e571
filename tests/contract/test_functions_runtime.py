"""Microsoft's own binding (azure-functions-runtime, what runs apps on Python 3.13 in Azure) loads and runs the app."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from harness import functions
from harness.functions_runtime import SCRIPT, http, installed, request
from harness.system import ADMIN_KEY, CONFIGURATION, PROJECT, System

from shared.dashboard import sessions

RANK = {"eventId": "runtime", "actions": [{"id": "é", "features": [{"x": 1}]}, {"id": "b", "features": [{"x": 2}]}]}
VERSION = {"api-version": "2022-09-01-preview"}

CALLS: dict[str, tuple[str, dict[str, Any] | None]] = {
    "rank": ("rank", http("POST", "rank", RANK)),
    "reward": ("reward", http("POST", "events/runtime/reward", {"value": 1}, eventId="runtime")),
    "activate": ("activate", http("POST", "events/runtime/activate", eventId="runtime")),
    "no actions": ("rank", http("POST", "rank", {"actions": []})),
    "no key": ("rank", http("POST", "rank", RANK, key="")),
    "rank 2022": ("rank_2022", request("POST", "personalizer/rank", RANK, params={}, query=VERSION)),
    "no version": ("rank_2022", request("POST", "personalizer/rank", RANK, params={})),
    "rank that another route got": ("other", request("POST", "/personalizer/v1.0/rank", RANK)),
    "wrong role": ("other", request("GET", "personalizer/v1.0/configurations/service")),
    "configuration": ("other", request("GET", "personalizer/v1.0/configurations/service", key=ADMIN_KEY)),
    "policy": ("other", request("GET", "personalizer/configurations/policy", key=ADMIN_KEY, query=VERSION)),
    "model": ("other", request("GET", "personalizer/v1.0/model/properties", key=ADMIN_KEY)),
    "health": ("other", request("GET", "health", key="")),
    "unknown": ("other", request("GET", "nowhere", key="")),
    "endpoint": ("other", request("GET", "", key="")),
    "dashboard": ("dashboard", request("GET", "loops.json", key=ADMIN_KEY)),
    "form": ("dashboard", request("GET", "login", key="")),
    "train": ("train", None),
}


@pytest.fixture(scope="module")
def loaded(system: System) -> dict[str, Any]:
    return invoked(system, list(CALLS.values()))


def invoked(system: System, calls: list[tuple[str, dict[str, Any] | None]]) -> dict[str, Any]:
    """What SCRIPT prints."""
    environment = os.environ | system.settings | {"FUNCTIONS_WORKER_RUNTIME": "python"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(installed())],
        input=json.dumps(calls),
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_the_cookie_of_a_session_keeps_its_attributes(system: System) -> None:
    """The worker takes it out of the headers and parses it again."""
    link = request("GET", "enter", key="", query={"link": sessions.link([ADMIN_KEY])})
    link["headers"] = {"host": "shop.azurewebsites.net"}
    (answer,) = invoked(system, [("dashboard", link)])["answers"]
    assert (answer["status"], answer["headers"]["Location"]) == (303, "/dashboard")
    (cookie,) = answer["cookies"]
    known = {name: cookie[name] for name in ("name", "path", "samesite", "max-age", "httponly", "secure", "domain")}
    assert known == {
        "name": "__Host-personalizer",
        "path": "/",
        "samesite": "Strict",
        "max-age": "28800",
        "httponly": True,
        "secure": True,
        "domain": "",
    }


def test_it_finds_all_functions_with_their_triggers(loaded: dict[str, Any]) -> None:
    triggers = {name: bindings[0] for name, bindings in loaded["functions"].items()}
    assert {name for name, one in triggers.items() if one["type"] == "timerTrigger"} == {"evaluate", "train"}
    http_triggers = {name: one for name, one in triggers.items() if one["type"] != "timerTrigger"}
    assert {one["type"] for one in http_triggers.values()} == {"httpTrigger"}
    assert {one["authLevel"].lower() for one in http_triggers.values()} == {"anonymous"}
    routes = {(one["methods"][0], one["route"]) for one in http_triggers.values() if "{*path}" not in one["route"]}
    assert routes == {(route.method, route.template) for route in functions.OWN}
    assert set(http_triggers["other"]["methods"]) == {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def test_every_invocation_succeeds(loaded: dict[str, Any]) -> None:
    failed = {name: one["error"] for name, one in zip(CALLS, loaded["answers"], strict=True) if not one["ok"]}
    assert failed == {}


def test_the_answers_are_the_contract_s(loaded: dict[str, Any]) -> None:
    answers = dict(zip(CALLS, loaded["answers"], strict=True))
    statuses = {name: answers[name]["status"] for name in CALLS if name != "train"}
    well = dict.fromkeys(["configuration", "policy", "model", "health", "dashboard", "form"], 200)
    refused = {"no actions": 400, "no version": 400, "no key": 401, "wrong role": 403, "unknown": 404}
    ranked = dict.fromkeys(["rank", "rank 2022", "rank that another route got"], 201)
    assert statuses == well | refused | ranked | {"reward": 204, "activate": 204, "endpoint": 302}
    rank = json.loads(answers["rank"]["body"])
    assert rank["eventId"] == "runtime"
    assert {one["id"] for one in rank["ranking"]} == {"é", "b"}
    assert sum(one["probability"] for one in rank["ranking"]) == pytest.approx(1, abs=1e-5)
    configuration = json.loads(answers["configuration"]["body"])
    assert {name: configuration[name] for name in CONFIGURATION} == CONFIGURATION
    assert json.loads(answers["no actions"]["body"])["error"]["code"] == "InvalidRankRequest"
    assert json.loads(answers["health"]["body"])["log"]["reachable"]


def test_a_process_with_nothing_to_do_writes_few_lines(system: System) -> None:
    """Each line of any logger at INFO is one that its owner pays for."""
    looks = [CALLS["train"], CALLS["configuration"]] * 60
    told = invoked(system, looks)
    assert all(one["ok"] for one in told["answers"])
    assert {name for name in told["lines"] if name.split(".")[0] == "azure"} == set()
    assert sum(told["lines"].values()) <= 60, told["lines"]
