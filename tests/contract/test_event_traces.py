"""What an administrator is told about one event."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from azure.eventhub import EventData, EventHubProducerClient
from harness.stored import PARTITIONS, Loop
from harness.system import ADMIN_KEY, APP_KEY, System, wait_until

from shared.hubs import events

WAIT = 3
BODY = {
    "contextFeatures": [{"weather": "sun"}],
    "actions": [{"id": name, "features": [{"kind": name}]} for name in "abc"],
}
Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="module", autouse=True)
def patient(system: System) -> Any:
    """A wait that is long enough to look at an event before it closes."""
    system.configure(rewardWaitTime=f"PT{WAIT}S", defaultReward=0.125)
    yield
    system.configure()


@pytest.fixture(scope="module")
def ask(system: System) -> Ask:
    """The answer to a trace."""

    def get(event_id: str, loop: str = "default", key: str = ADMIN_KEY) -> httpx.Response:
        headers = {"Ocp-Apim-Subscription-Key": key}
        return httpx.get(f"{system.url}/loops/{loop}/events/{event_id}", headers=headers, timeout=30)

    return get


def rank(app: httpx.Client, event_id: str, **more: Any) -> dict[str, Any]:
    answer = app.post("rank", json=BODY | {"eventId": event_id} | more)
    assert answer.status_code == 201
    ranked: dict[str, Any] = answer.json()
    return ranked


def reward(app: httpx.Client, event_id: str, value: float) -> None:
    assert app.post(f"events/{event_id}/reward", json={"value": value}).status_code == 204


def settled(ask: Ask, event_id: str, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The trace as soon as it is done."""

    def look() -> dict[str, Any] | None:
        trace: dict[str, Any] = ask(event_id).json()
        return trace if done(trace) else None

    found: dict[str, Any] = wait_until(look, f"{event_id} is settled", 30)
    return found


def test_an_event_is_told_while_it_waits_and_when_it_was_learned(system: System, app: httpx.Client, ask: Ask) -> None:
    ranked, begun = rank(app, "traced/1"), events.now()
    reward(app, "traced%2F1", 0.75)
    app.post("events/traced%2F1/activate")
    observed = events.now()
    waiting = ask("traced%2F1").json()
    assert waiting["status"] == "waiting"
    assert waiting["rankedAt"] < waiting["waitingUntil"]
    learned = settled(ask, "traced%2F1", lambda trace: trace["status"] == "learned")
    assert learned["learnedBy"] > "2"
    assert learned["learnedAt"] > learned["rankedAt"]
    for trace in (waiting, learned):
        assert (trace["eventId"], trace["loop"], trace["mode"]) == ("traced/1", "default", "Online")
        assert trace["ranking"] == ranked["ranking"]
        assert trace["chosenAction"] == ranked["rewardActionId"]
        assert trace["context"] == BODY["contextFeatures"]
        assert trace["actions"] == BODY["actions"]
        assert trace["reward"] == 0.75
        kinds = [(one["kind"], one.get("value"), one["fate"]) for one in trace["observations"]]
        assert kinds == [("reward", 0.75, "joined"), ("activation", None, "joined")]
        assert all(begun <= one["at"] <= observed for one in trace["observations"])
    assert {key: waiting[key] for key in waiting.keys() & learned.keys() - {"status"}} == {
        key: learned[key] for key in waiting.keys() & learned.keys() - {"status"}
    }
    log = next(line for line in Loop(system).joined() if line.event_id == "traced/1")
    assert log.model == learned["model"]
    assert f"models/{learned['learnedBy']}" in "".join(Loop(system).names("models/"))


def test_what_does_not_count_is_told_with_its_reason(system: System, app: httpx.Client, ask: Ask) -> None:
    reward(app, "unranked", 0.5)
    rank(app, "never shown", deferActivation=True)
    rank(app, "twice")
    rank(app, "twice")
    rank(app, "unrewarded")
    store_twice(system, "twice")
    assert [one["fate"] for one in ask("unranked").json()["observations"]] == ["orphan"]
    time.sleep(WAIT + 0.5)
    reward(app, "unrewarded", 1)
    skipped = settled(ask, "never%20shown", lambda trace: trace["status"] == "skipped")
    assert "learnedBy" not in skipped
    twice = settled(ask, "twice", lambda trace: trace["status"] == "learned" and "repeatedAt" in trace)
    assert len(twice["repeatedAt"]) == 1
    assert [one["fate"] for one in twice["observations"]] == ["joined", "duplicate"]
    late = settled(ask, "unrewarded", lambda trace: "observations" in trace)
    assert (late["status"], late["reward"]) == ("learned", 0.125)
    assert [(one["fate"], one["value"]) for one in late["observations"]] == [("late", 1)]


def store_twice(system: System, event_id: str) -> None:
    """Appends one reward two times, as a producer that was not answered does."""
    event = events.encode(events.Observation(1, "default", event_id, events.now(), "reward", "nonce", 0.5))
    connection = system.settings["EVENT_HUBS_CONNECTION_STRING"]
    with EventHubProducerClient.from_connection_string(connection, eventhub_name="observations") as producer:
        for _ in range(2):
            producer.send_event(EventData(event), partition_id=str(events.partition_of(event_id, PARTITIONS)))


def test_an_event_of_another_loop_is_none(system: System, app: httpx.Client, ask: Ask) -> None:
    headers = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
    made = httpx.put(f"{system.url}/loops/stranger", headers=headers, timeout=30).json()
    rank(app, "private")
    reward(app, "private", 1)
    assert ask("private").json()["status"] == "waiting"
    answer = ask("private", "stranger", made["adminKeys"][0])
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "EventNotFound")
    assert ask("private", "default", made["adminKeys"][0]).status_code == 401
    assert ask("private", "default", APP_KEY).status_code == 403
    assert ask("private", "nowhere").status_code == 404
    assert httpx.delete(f"{system.url}/loops/stranger", headers=headers, timeout=30).status_code == 204


def test_an_event_goes_with_its_log(system: System, app: httpx.Client, ask: Ask) -> None:
    rank(app, "deleted")
    settled(ask, "deleted", lambda trace: trace["status"] == "learned")
    loop = Loop(system)
    loop.wait_until_done()
    for name in loop.names("logs/"):
        loop.delete(name)
    answer = ask("deleted")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "EventNotFound")


def test_an_id_that_cannot_be_one_is_refused(ask: Ask) -> None:
    assert ask("x" * 257).json()["error"]["code"] == "InvalidRequest"
    assert ask("%22%00").status_code == 404
