"""Automatic optimisation as an administrator sees it, against the whole service."""

import datetime
import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from harness.stored import Loop
from harness.system import ADMIN_KEY, CONFIGURATION, System, running, wait_until

QUERY = {"api-version": "2022-09-01-preview"}
ACTIONS = [{"id": one, "features": [{"kind": one}]} for one in "ab"]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("optimizations")) as made:
        made.configure()
        with made.client() as client:
            for number in range(30):
                body = {"eventId": f"e{number}", "contextFeatures": [{"day": number % 2}], "actions": ACTIONS}
                assert client.post("rank", json=body).status_code == 201
        Loop(made).wait_until_done()
        yield made


def told(system: System) -> dict[str, Any]:
    headers = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
    answer = httpx.get(f"{system.url}/loops/default/optimizations", headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_what_answers_requests_goes_before_the_evaluator(system: System) -> None:
    http, evaluator = (os.getpriority(os.PRIO_PROCESS, part.pid) for part in (system.http, system.evaluator))
    assert evaluator > http


def test_it_runs_at_the_start_that_was_asked_for_and_says_what_it_decided(system: System) -> None:
    assert told(system) == {"enabled": False, "nextRun": None, "watched": None, "heldBy": [], "runs": []}
    start = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=3)
    with system.client(ADMIN_KEY) as admin:
        body = CONFIGURATION | {"isAutoOptimizationEnabled": True, "autoOptimizationFrequency": "P7D"}
        body |= {"autoOptimizationStartDate": start.isoformat()}
        assert admin.put("configurations/service", json=body).status_code == 200
        assert told(system)["nextRun"][:19] in {(start + one).isoformat()[:19] for one in _ROUNDING}
        wait_until(lambda: told(system)["runs"] and told(system)["runs"][0]["status"] != "Running", "it has run", 180)
        (run,) = told(system)["runs"]
        assert run["status"] == "OnlinePolicyRetained"
        assert "must have at least 50 events" in run["reason"]
        assert told(system)["nextRun"][:10] == (start + datetime.timedelta(days=7)).isoformat()[:10]
        newest = str(admin.base_url).replace("/v1.0/", "/").replace("/v1.1-preview.3/", "/")
        for kind, count in (("Auto", 1), ("Manual", 0)):
            query = QUERY | {"filter": f"metadata=evaluationType eq '{kind}'"}
            assert len(admin.get(f"{newest}evaluations", params=query).json()["value"]) == count
        found = httpx.get(f"{str(admin.base_url).replace('v1.0', 'v1.1-preview.3')}evaluations", headers=admin.headers)
        assert [(one["id"], one["evaluationType"]) for one in found.json()] == [(run["evaluationId"], "Auto")]
        assert admin.put("configurations/service", json=body | {"isAutoOptimizationEnabled": False}).is_success
    assert (told(system)["enabled"], told(system)["nextRun"]) == (False, None)


_ROUNDING = [datetime.timedelta(seconds=one) for one in (0, 1)]
