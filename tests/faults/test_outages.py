"""The event log or the storage away for a while, with the default settings: what still answers, and what returns."""

from collections.abc import Iterator

import httpx
import pytest
from harness.load import ACTIONS
from harness.stored import Loop
from harness.system import System, running, wait_until


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("system"), LOG_TIMEOUT_SECONDS="0.5") as system:
        system.configure()
        with system.client() as client:
            rank(client, "first")
            reward(client, "first")
        wait_until(lambda: system.health()["model"]["trained"], "the first model is served")
        yield system


def rank(client: httpx.Client, event_id: str) -> httpx.Response:
    answer = client.post("rank", json={"eventId": event_id, "actions": ACTIONS})
    assert answer.status_code == 201, answer.text
    return answer


def reward(client: httpx.Client, event_id: str, value: float = 0.5) -> httpx.Response:
    return client.post(f"events/{event_id}/reward", json={"value": value})


def is_well(system: System) -> bool:
    health = system.health()
    return bool(health["status"] == "ok" and health["log"]["reachable"] and health["model"]["refreshed"])


def test_without_event_hubs_rank_answers_and_its_events_arrive_later(system: System) -> None:
    system.event_hubs.kill()
    with system.client() as client:
        away = [f"away-{number}" for number in range(40)]
        for event_id in away:
            rank(client, event_id)
        refused = reward(client, "away-0")
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) >= 1
        assert "again" in refused.json()["error"]["message"]
        health = system.health()
        assert health["status"] == "degraded"
        assert health["log"] == {"reachable": False, "dropped": 0}

        system.event_hubs.start()
        wait_until(lambda: reward(client, "away-0").status_code == 204, "rewards are taken again")
        rank(client, "back")
    wait_until(lambda: is_well(system), "health says so")
    Loop(system).wait_until_done()
    joined = [line.event_id for line in Loop(system).joined()]
    assert sorted(joined) == sorted(["first", *away, "back"])


def test_without_storage_everything_that_was_loaded_is_served_and_nothing_is_lost(system: System) -> None:
    before = len(Loop(system).joined())
    system.storage.kill()
    with system.client() as client:
        wait_until(lambda: not system.health()["model"]["refreshed"], "health says that nothing is refreshed")
        assert system.health()["status"] == "degraded"
        assert system.health()["model"]["trained"]
        rank(client, "no-storage")
        assert reward(client, "no-storage").status_code == 204

        system.http.kill()
        system.http.start()
        system.http.ready()
        answer = rank(client, "no-storage-new-process").json()
        assert {one["probability"] for one in answer["ranking"]} == {1 / len(ACTIONS)}

    system.storage.start()
    wait_until(lambda: is_well(system) and system.health()["model"]["trained"], "the model is loaded after all")
    Loop(system).wait_until_done()
    lines = Loop(system).joined()
    assert len(lines) == before + 2
    assert {line.event_id for line in lines} >= {"no-storage", "no-storage-new-process"}
