"""The learning modes, and explanations of what was learned, as a client and an administrator see them."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from harness.stored import Loop
from harness.system import ADMIN_KEY, CONFIGURATION, System, running, wait_until

# What the application shows by itself, and sends first.
BASELINE = {"morning": "news", "noon": "sport", "night": "film"}
DEFAULT = 0.125


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("modes")) as system:
        system.configure(defaultReward=DEFAULT)
        yield system


def body(moment: str, event_id: str | None = None) -> dict[str, Any]:
    names = sorted(BASELINE.values(), key=lambda name: name != BASELINE[moment])
    actions = [{"id": name, "features": [{"kind": name}]} for name in names]
    return {"eventId": event_id, "contextFeatures": [{"moment": moment}], "actions": actions}


def ask(client: httpx.Client, moment: str) -> dict[str, Any]:
    """The answer to a question that nobody acts on."""
    answer: dict[str, Any] = client.post("rank", json=body(moment) | {"deferActivation": True}).json()
    return answer


def switch(system: System, mode: str) -> None:
    """Changes the mode, and waits until Rank follows it."""
    system.configure(defaultReward=DEFAULT, learningMode=mode)
    with system.client() as client:
        wait_until(
            lambda: (ask(client, "noon")["ranking"][0]["probability"] == 1) == (mode != "Online"),
            f"Rank is in mode {mode}",
        )


def visit(client: httpx.Client, name: str, number: int) -> dict[str, float]:
    """Ranks, always answered with the baseline, of which two in three are rewarded; the rewards by event id."""
    rewards = {}
    for moment, one in zip([*BASELINE] * number, range(number), strict=False):
        event_id = f"{name}{one}"
        answer = client.post("rank", json=body(moment, event_id)).json()
        assert answer["rewardActionId"] == BASELINE[moment]
        rewards[event_id] = DEFAULT
        if one % 3:
            rewards[event_id] = one % 3 / 2
            assert client.post(f"events/{event_id}/reward", json={"value": rewards[event_id]}).status_code == 204
    return rewards


def lines(system: System, rewards: dict[str, float]) -> list[dict[str, Any]]:
    """The joined lines of these events, in order of the log."""
    Loop(system).wait_until_done()
    every = [json.loads(line) for line in Loop(system).joined_log().splitlines()]
    return [line for line in every if line["EventId"] in rewards]


def report(system: System) -> httpx.Response:
    headers = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
    return httpx.get(f"{system.url}/loops/default/apprentice", headers=headers, timeout=30)


def test_logging_only_logs_everything_and_learns_nothing(system: System) -> None:
    assert report(system).json()["error"]["code"] == "ApprenticeModeNeverTurnedOn"
    switch(system, "LoggingOnly")
    with system.client() as client:
        rewards = visit(client, "logged", 12)
    logged = lines(system, rewards)
    assert {line["EventId"]: -line["_label_cost"] for line in logged} == rewards
    assert all((line["p"], line["_skipLearn"]) == ([1, 0, 0], True) for line in logged)
    assert Loop(system).counts()["logged"] == 12
    assert Loop(system).checkpoint()["model"] is None


def test_an_apprentice_answers_the_baseline_learns_it_and_is_counted(system: System) -> None:
    switch(system, "Apprentice")
    with system.client() as client:
        rewards = visit(client, "first", 150)
        system.timers.kill()  # whatever it was about to count, it counts once
        rewards |= visit(client, "second", 150)
        system.timers.start()
        system.timers.ready()
        Loop(system).wait_until_done()
        time.sleep(1)  # until Rank has the model
        rewards |= visit(client, "then", 300)
    ledger = lines(system, rewards)
    assert {line["EventId"]: -line["_original_label_cost"] for line in ledger} == rewards
    assert all(line["_label_cost"] == (-1 if line["a"][0] == 1 else 0) for line in ledger)

    made = report(system).json()
    own = [rewards[line["EventId"]] for line in ledger if line["a"][0] == 1]
    expected = {
        "events": 600,
        "matched": len(own),
        "matchRate": len(own) / 600,
        "baselineReward": pytest.approx(sum(rewards.values()) / 600),
        "ownReward": pytest.approx(sum(own) / 600),
        "ratio": pytest.approx(sum(own) / sum(rewards.values())),
    }
    assert made == {"mode": "Apprentice", "last": expected, "total": expected}
    later = [line["a"][0] == 1 for line in ledger if line["EventId"].startswith("then")]
    assert sum(later) / len(later) > 0.75
    assert Loop(system).counts()["learned"] == 600


def test_online_goes_on_with_what_the_apprentice_has_learned(system: System) -> None:
    before = Loop(system).checkpoint()
    switch(system, "Online")
    rewards = {}
    with system.client() as client:
        for number, moment in enumerate([*BASELINE] * 30):
            answer = client.post("rank", json=body(moment, f"online{number}")).json()
            likely = max(answer["ranking"], key=lambda one: one["probability"])
            assert likely["id"] == BASELINE[moment]
            assert 0.75 < likely["probability"] < 1
            rewards[answer["eventId"]] = -1.0
            assert client.post(f"events/{answer['eventId']}/reward", json={"value": -1}).status_code == 204
    assert {line["_label_cost"] for line in lines(system, rewards)} == {1.0}
    after = Loop(system).checkpoint()
    assert after["apprentice"] == before["apprentice"]
    assert after["model"]["version"] > before["model"]["version"]
    assert Loop(system).weights() == Loop(system).replayed()
    assert report(system).json()["mode"] == "Online"


def test_answers_are_explained_when_the_loop_says_so(system: System) -> None:
    with system.client() as client:
        assert "inferenceExplanation" not in ask(client, "night")
        system.configure(defaultReward=DEFAULT, isInferenceExplainabilityEnabled=True)
        wait_until(lambda: "inferenceExplanation" in ask(client, "night"), "Rank explains its answers")
        asked = body("night") | {"deferActivation": True, "excludedActions": ["sport"]}
        answer = client.post("rank", json=asked).json()
    explained = {
        one["id"]: {share["name"]: share["score"] for share in one["features"]}
        for one in answer["inferenceExplanation"]
    }
    assert explained["sport"] == {}
    assert {"moment", "kind", "id", "moment^kind", "moment^id"} <= explained["film"].keys()
    best = max(answer["ranking"], key=lambda one: one["probability"])["id"]
    assert max(explained, key=lambda name: sum(explained[name].values()) if explained[name] else -9) == best


def test_without_its_model_an_apprentice_begins_again(system: System) -> None:
    with system.client(ADMIN_KEY) as admin:
        assert admin.delete("model").status_code == 204
    assert report(system).json()["error"]["code"] == "ApprenticeModeNeverTurnedOn"


@pytest.mark.parametrize("mode", ["Apprentice", "LoggingOnly"])
def test_every_slot_is_answered_with_its_own_baseline(system: System, mode: str) -> None:
    headers, loop = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}, f"loops/{mode.lower()}"
    with httpx.Client(base_url=f"{system.url}/{loop}", headers=headers, timeout=30) as owner:
        assert owner.put("").status_code == 201
        path = "personalizer/v1.1-preview.3/"
        policy = {"name": "slots", "arguments": "--ccb_explore_adf --cb_type mtr --epsilon 0.2 -q ::"}
        assert owner.put(f"{path}configurations/policy", json=policy).status_code == 200
        for changed in ({"isInferenceExplainabilityEnabled": True}, {"learningMode": mode}):  # rewards and mode apart
            assert owner.put(f"{path}configurations/service", json=CONFIGURATION | changed).status_code == 200
        slots = [{"id": place, "baselineAction": name} for place, name in zip("xyz", BASELINE.values(), strict=True)]
        for _ in range(10):
            answer = owner.post(f"{path}multislot/rank", json=body("night") | {"slots": slots}).json()
            assert [slot["rewardActionId"] for slot in answer["slots"]] == [*BASELINE.values()]
        assert owner.delete("").status_code == 204
