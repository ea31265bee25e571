"""Evaluations and feature importances, from the request to the answer, as both kinds of versions tell them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from harness.stored import Loop
from harness.system import ADMIN_KEY, System, running, wait_until

QUERY = {"api-version": "2022-09-01-preview"}
NEW = {"name": "better", "arguments": "--cb_explore_adf --squarecb --gamma_scale 20 -q Fj"}
ACTIONS = [{"id": one, "features": [{"kind": one}]} for one in "ab"]
NOW = datetime.now(UTC)
PERIOD = {
    "name": "first",
    "startTime": (NOW - timedelta(hours=1)).isoformat(),
    "endTime": (NOW + timedelta(hours=1)).isoformat(),
}
ASKED = PERIOD | {"policies": [NEW]}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("evaluations")) as made:
        made.configure()
        with made.client() as client:
            for number in range(120):
                day = "weekend" if number % 3 == 0 else "week"
                body = {"eventId": f"e{number}", "contextFeatures": [{"day": day}], "actions": ACTIONS}
                chosen = client.post("rank", json=body).json()["rewardActionId"]
                value = float(chosen == ("a" if day == "week" else "b"))
                assert client.post(f"events/e{number}/reward", json={"value": value}).status_code == 204
        Loop(made).wait_until_done()
        yield made


@pytest.fixture
def admin(system: System) -> Iterator[httpx.Client]:
    with system.client(system.settings["ADMIN_KEYS"]) as client:
        yield client


def newest(admin: httpx.Client) -> str:
    """The endpoint of 2022-09-01-preview."""
    return str(admin.base_url).replace("/v1.0/", "/").replace("/v1.1-preview.3/", "/")


def ended(admin: httpx.Client, path: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        told: dict[str, Any] = admin.get(path).json()
        return told if told["status"] not in ("pending", "Running", "NotSubmitted") else None

    return wait_until(look, "the evaluation has ended", 120)


def completed(loop: Loop) -> list[datetime]:
    """When the result of each evaluation was stored."""
    return [one.last_modified for one in loop.listed() if one.name.endswith("/result.json")]


def test_an_evaluation_of_v1_is_made_answered_listed_applied_and_deleted(system: System, admin: httpx.Client) -> None:
    made = admin.post("evaluations", json=ASKED)
    assert made.status_code == 201, made.text
    name = made.json()["id"]
    assert made.json()["status"] == "pending"
    assert made.headers["location"].endswith(f"/evaluations/{name}")
    told = ended(admin, f"evaluations/{name}")
    assert told["status"] == "completed", told
    results = {one["name"]: one for one in told["policyResults"]}
    assert set(results) == {"Online", "Baseline1", "BaselineRand", "better"}
    online, better = results["Online"]["totalSummary"], results["better"]["totalSummary"]
    rewards = [one["_label_cost"] for one in _log(system)]
    assert online["ipsEstimatorDenominator"] == better["ipsEstimatorDenominator"] == len(rewards) == 120
    assert online["averageReward"] == pytest.approx(-sum(rewards) / 120)
    assert sum(one["ipsEstimatorDenominator"] for one in results["better"]["summary"]) == 120
    assert results["better"]["arguments"].startswith(NEW["arguments"])
    (listed,) = [one for one in admin.get("evaluations").json() if one["id"] == name]
    assert listed["policyResults"][0]["summary"] == []
    apply = {"evaluationId": name, "policyName": "BETTER"}
    assert admin.post("configurations/applyFromEvaluation", json=apply).status_code == 204
    assert admin.get("configurations/policy").json()["name"] == "better"
    refused = admin.post("configurations/applyFromEvaluation", json=apply | {"policyName": "Baseline1"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "LearningSettingsNotFound")
    admin.delete("configurations/policy")
    assert admin.delete(f"evaluations/{name}").status_code == 204
    gone = admin.get(f"evaluations/{name}")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "EvaluationNotFound")


def _log(system: System) -> list[dict[str, Any]]:
    import json

    return [json.loads(line) for line in Loop(system).joined_log().splitlines()]


def test_an_evaluation_of_2022_has_a_course_over_time(admin: httpx.Client) -> None:
    path = f"{newest(admin)}evaluations/of%20mine%2F1"
    for _ in range(2):
        assert admin.put(path, params=QUERY, json=ASKED).status_code == 200
    other = admin.put(path, params=QUERY, json=ASKED | {"name": "other"})
    assert (other.status_code, other.json()["error"]["code"]) == (400, "EvaluationAlreadyExists")
    window = {"startTime": PERIOD["startTime"], "endTime": PERIOD["endTime"]}

    def look() -> dict[str, Any] | None:
        told: dict[str, Any] = admin.get(path, params=QUERY | window).json()
        return told if told["status"] == "Succeeded" else None

    told = wait_until(look, "the evaluation has ended", 120)
    values = {one["name"]: one for one in told["content"]["value"]}
    low, high = values["better"]["summary"]["confidenceInterval"]
    assert low <= values["better"]["summary"]["expectedReward"] <= high
    course = values["Online"]["timeseries"]["data"]
    assert course
    assert course[-1]["expectedReward"] == pytest.approx(values["Online"]["summary"]["expectedReward"])
    page = admin.get(f"{newest(admin)}evaluations", params=QUERY | {"maxpagesize": 1}).json()
    assert page["value"][0]["id"] == "of mine/1"
    assert admin.delete(path, params=QUERY).status_code == 204


def test_features_are_judged(admin: httpx.Client) -> None:
    path = f"{newest(admin)}featureImportances/one"
    assert admin.put(path, params=QUERY, json=PERIOD).status_code == 200

    def look() -> dict[str, Any] | None:
        told: dict[str, Any] = admin.get(path, params=QUERY).json()
        return told if told["status"] not in ("Running", "NotSubmitted") else None

    told = wait_until(look, "it has ended", 120)
    assert told["status"] == "Succeeded", told
    scores = [one["score"] for one in told["featureScores"]]
    assert scores == sorted(scores, reverse=True)
    assert {one["featureName"] for one in told["featureScores"]} >= {"day", "kind"}
    assert admin.delete(path, params=QUERY).status_code == 204
    assert admin.get(path, params=QUERY).json()["error"]["code"] == "FeatureImportanceNotFound"


def test_a_period_without_a_log_names_the_one_that_there_is(admin: httpx.Client) -> None:
    long_ago = ASKED | {"startTime": "2020-01-01T00:00:00Z", "endTime": "2020-02-01T00:00:00Z"}
    refused = admin.post("evaluations", json=long_ago).json()["error"]
    assert refused["code"] == "InvalidEvaluationContract"
    assert f"{NOW:%Y-%m-}" in refused["message"]
    again = admin.put(f"{newest(admin)}evaluations/x", params=QUERY, json=long_ago).json()["error"]
    assert again["code"] == "NoLogsExistInDateRange"


def test_a_period_to_the_ends_of_time_is_taken_and_told(admin: httpx.Client) -> None:
    """The least and the greatest time of .NET, also of clients east of Greenwich."""
    always = {"startTime": "0001-01-01T00:00:00+14:00", "endTime": "9999-12-31T23:59:59.9999999Z"}
    made = admin.post("evaluations", json=ASKED | always)
    assert made.status_code == 201
    told = admin.get(f"evaluations/{made.json()['id']}").json()
    assert (told["startTime"][:10], told["endTime"]) == ("0001-01-01", "9999-12-31T23:59:59Z")
    assert ended(admin, f"evaluations/{made.json()['id']}")["status"] == "completed"
    newer = f"{newest(admin)}evaluations/{made.json()['id']}"
    assert len(admin.get(newer, params=QUERY | always).json()["content"]["value"]) == 4
    assert len(admin.get("evaluations").json()) == 1
    assert admin.delete(newer, params=QUERY).status_code == 204


def test_what_is_damaged_is_told_and_can_be_deleted(system: System, admin: httpx.Client) -> None:
    loop, name = Loop(system), admin.post("evaluations", json=ASKED).json()["id"]
    ended(admin, f"evaluations/{name}")
    for file in ("result.json", "job.json"):
        [blob] = [one for one in loop.names("evaluations/") if one.endswith(file)]
        loop.write(blob, b'{"v":1,"asked":')
        told = admin.get(f"evaluations/{name}")
        assert (told.status_code, told.json()["error"]["code"]) == (503, "OperationNotAllowed")
        assert "is damaged" in told.json()["error"]["message"]
    assert admin.get("evaluations").json() == []
    assert admin.delete(f"evaluations/{name}").status_code == 204
    assert loop.names("evaluations/") == []


def test_policies_of_the_other_kind_are_refused_with_what_to_do(admin: httpx.Client) -> None:
    several = {"name": "several", "arguments": "--ccb_explore_adf --epsilon 0.2 --cb_type mtr -q ::"}
    refused = admin.post("evaluations", json=ASKED | {"policies": [NEW, several]})
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["target"]) == (
        400, "InvalidEvaluationContract", "policies[1].arguments",
    )  # fmt: skip
    assert error["innerError"]["code"] == "InvalidPolicyConfiguration"
    assert "write --cb_explore_adf instead" in error["message"]
    again = admin.put(f"{newest(admin)}evaluations/kinds", params=QUERY, json=ASKED | {"policies": [several]})
    assert (again.status_code, again.json()["error"]["code"]) == (400, "InvalidEvaluationContract")


def test_a_policy_that_vw_does_not_start_is_refused_with_the_reason(admin: httpx.Client) -> None:
    wrong = {"name": "wrong", "arguments": "--cb_explore_adf --coin --ftrl"}
    asked = ASKED | {"policies": [NEW, wrong]}
    url, query = f"{newest(admin)}evaluations/wrong", QUERY
    for refused in (admin.post("evaluations", json=asked), admin.put(url, params=query, json=asked)):
        error = refused.json()["error"]
        assert (refused.status_code, error["code"]) == (400, "InvalidPolicyConfiguration")
        assert error["target"] == "policies[1].arguments"
        assert "in policies[1].arguments: " in error["message"]
        assert "You can only use one of" in error["message"]
    assert admin.get(f"{newest(admin)}evaluations", params=query).json()["value"] == []


def test_a_loop_with_many_evaluations_costs_the_others_no_more_than_turns(system: System, admin: httpx.Client) -> None:
    owner, url = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}, f"{system.url}/loops/other"
    assert httpx.put(url, headers=owner, timeout=30).status_code == 201
    made = admin.get("configurations/service").json()
    with httpx.Client(base_url=f"{url}/personalizer/v1.1-preview.3/", headers=owner, timeout=30) as other:
        assert other.put("configurations/service", json=made).status_code == 200
        for number in range(10):
            assert other.post("rank", json={"eventId": f"o{number}", "actions": ACTIONS}).status_code == 201
        Loop(system, loop="other").wait_until_done()
        system.evaluator.stop()
        names = [admin.post("evaluations", json=ASKED).json()["id"] for _ in range(6)]
        name = other.post("evaluations", json=ASKED).json()["id"]
        system.evaluator.start()
        assert ended(other, f"evaluations/{name}")["status"] == "completed"
        assert {ended(admin, f"evaluations/{one}")["status"] for one in names} == {"completed"}
        [result] = completed(Loop(system, loop="other"))
        assert result < max(completed(Loop(system)))
        for one in names:
            admin.delete(f"evaluations/{one}")
    assert httpx.delete(url, headers=owner, timeout=30).status_code == 204
