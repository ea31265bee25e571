"""Evaluations of a loop that decides about several slots, from the request to what each version answers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from harness.slots import LIKED, body
from harness.stored import Loop
from harness.system import System, running, wait_until

from shared.vw.policy import DEFAULT_ARGUMENTS, MULTI_SLOT_ARGUMENTS

QUERY = {"api-version": "2022-09-01-preview"}
MINE = {"name": "mine", "arguments": "--ccb_explore_adf --cb_type mtr --epsilon 0.3 -q ::"}
NOW = datetime.now(UTC)
PERIOD = {
    "name": "slots",
    "startTime": (NOW - timedelta(hours=1)).isoformat(),
    "endTime": (NOW + timedelta(hours=1)).isoformat(),
}
ASKED = PERIOD | {"policies": [MINE]}
EVENTS = 80


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("slots"), DEFAULT_POLICY="multi-slot") as made:
        made.configure()
        with made.client() as client:
            client.base_url = httpx.URL(f"{made.url}/personalizer/v1.1-preview.3/")
            for number in range(EVENTS):
                context = list(LIKED)[number % 2]
                given = client.post("multislot/rank", json=body(context, eventId=f"e{number}")).json()["slots"]
                values = [
                    {"slotId": one["id"], "value": float(one["rewardActionId"] == liked)}
                    for one, liked in zip(given, LIKED[context], strict=True)
                ]
                rewarded = client.post(f"multislot/events/e{number}/reward", json={"reward": values})
                assert rewarded.status_code == 204
        Loop(made).wait_until_done()
        yield made


@pytest.fixture
def admin(system: System) -> Iterator[httpx.Client]:
    with system.client(system.settings["ADMIN_KEYS"]) as client:
        client.base_url = httpx.URL(f"{system.url}/personalizer/v1.1-preview.3/")
        yield client


def newest(system: System) -> str:
    return f"{system.url}/personalizer/"


def ended(admin: httpx.Client, path: str, query: dict[str, Any]) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        told: dict[str, Any] = admin.get(path, params=query).json()
        return told if told["status"] not in ("pending", "Running", "NotSubmitted") else None

    return wait_until(look, "the evaluation has ended", 120)


def rewards(system: System, place: int) -> list[float]:
    import json

    return [-json.loads(line)["_outcomes"][place]["_label_cost"] for line in Loop(system).joined_log().splitlines()]


def test_v1_answers_the_first_slot(system: System, admin: httpx.Client) -> None:
    made = admin.post("evaluations", json=ASKED)
    assert made.status_code == 201, made.text
    path = f"evaluations/{made.json()['id']}"
    told = ended(admin, path, {})
    assert told["status"] == "completed", told
    results = {one["name"]: one for one in told["policyResults"]}
    assert set(results) == {"Online", "Baseline1", "BaselineRand", "mine"}
    online, first = results["Online"]["totalSummary"], rewards(system, 0)
    assert online["ipsEstimatorDenominator"] == len(first) == EVENTS
    assert online["averageReward"] == pytest.approx(sum(first) / EVENTS)
    assert sum(one["ipsEstimatorDenominator"] for one in results["mine"]["summary"]) == EVENTS
    assert results["Online"]["arguments"] == MULTI_SLOT_ARGUMENTS
    apply = {"evaluationId": made.json()["id"], "policyName": "mine"}
    assert admin.post("configurations/applyFromEvaluation", json=apply).status_code == 204
    assert admin.get("configurations/policy").json()["name"] == "mine"
    assert admin.delete(path).status_code == 204


def test_2022_answers_all_slots_and_each(system: System, admin: httpx.Client) -> None:
    path = f"{newest(system)}evaluations/slots"
    assert admin.put(path, params=QUERY, json=ASKED).status_code == 200
    told = ended(admin, path, QUERY | {"startTime": PERIOD["startTime"], "endTime": PERIOD["endTime"]})
    assert told["status"] == "Succeeded", told
    values = {(one["name"], one.get("slotId")): one for one in told["content"]["value"]}
    names = ("Online", "Baseline1", "BaselineRand", "mine")
    assert set(values) == {(name, slot) for name in names for slot in (None, "top", "side")}
    top, side = rewards(system, 0), rewards(system, 1)
    for slot, known in ((None, top + side), ("top", top), ("side", side)):
        one = values["Online", slot]
        assert one["summary"]["expectedReward"] == pytest.approx(sum(known) / len(known), abs=1e-6)
        assert one["timeseries"]["data"][-1]["expectedReward"] == pytest.approx(one["summary"]["expectedReward"])
    for one in values.values():
        low, high = one["summary"]["confidenceInterval"]
        assert 0 <= low <= one["summary"]["expectedReward"] <= high <= 1
        assert high > low
    assert admin.delete(path, params=QUERY).status_code == 204


def test_what_is_done_for_one_slot_alone_is_refused(system: System, admin: httpx.Client) -> None:
    single = {"name": "single", "arguments": DEFAULT_ARGUMENTS}
    refused = admin.post("evaluations", json=ASKED | {"policies": [MINE, single]})
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["target"]) == (
        400, "InvalidEvaluationContract", "policies[1].arguments",
    )  # fmt: skip
    assert "write --ccb_explore_adf instead" in error["message"]
    optimising = admin.post("evaluations", json=ASKED | {"enableOfflineExperimentation": True})
    assert optimising.json()["error"]["code"] == "InvalidEvaluationContract"
    assert "only policies that are named are compared" in optimising.json()["error"]["message"]
    path = f"{newest(system)}featureImportances/one"
    features = admin.put(path, params=QUERY, json=PERIOD)
    assert (features.status_code, features.json()["error"]["code"]) == (400, "InvalidContract")
    assert admin.get("evaluations").json() == []
