"""What becomes of events that come twice, late, early or without their partner."""

import time
from collections import Counter
from collections.abc import Iterator

import httpx
import msgspec
import pytest
from azure.eventhub import EventData, EventHubProducerClient
from harness.load import ACTIONS
from harness.stored import Line, Loop
from harness.system import System, running

from shared import events

WAIT, DEFAULT = 4, -0.125


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("system")) as system:
        system.configure(rewardWaitTime=f"PT{WAIT}S", defaultReward=DEFAULT)
        yield system


class Client:
    """Calls that have to succeed."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def rank(self, event_id: str, deferred: bool = False) -> None:
        body = {"eventId": event_id, "actions": ACTIONS, "deferActivation": deferred}
        assert self._client.post("rank", json=body).status_code == 201

    def reward(self, event_id: str, value: float) -> None:
        assert self._client.post(f"events/{event_id}/reward", json={"value": value}).status_code == 204

    def activate(self, event_id: str) -> None:
        assert self._client.post(f"events/{event_id}/activate").status_code == 204


def test_each_event_has_the_fate_its_order_and_time_give_it(system: System) -> None:
    with system.client() as http:
        client = Client(http)
        client.reward("early", 0.25)
        client.rank("early")

        client.rank("twice")
        client.reward("twice", 0.5)
        client.reward("twice", 0.75)

        client.rank("again")
        client.rank("again")
        client.reward("again", 0.625)

        client.rank("deferred", deferred=True)
        client.reward("deferred", 0.5)
        client.rank("shown", deferred=True)
        client.activate("shown")
        client.reward("shown", 0.375)
        client.rank("shown unrewarded", deferred=True)
        client.activate("shown unrewarded")
        client.rank("activated needlessly")
        client.activate("activated needlessly")

        client.rank("late")
        time.sleep(WAIT + 0.1)
        client.reward("late", 1)
        client.activate("late")
        client.rank("again")
    Loop(system).wait_until_done()
    joined = {(line.event_id, line.reward, line.skipped, line.outcomes) for line in Loop(system).joined()}
    assert joined == {
        ("early", 0.25, False, 1),
        ("twice", 0.5, False, 2),
        ("again", 0.625, False, 1),
        ("again", DEFAULT, False, 0),
        ("deferred", 0.5, True, 1),
        ("shown", 0.375, False, 2),
        ("shown unrewarded", DEFAULT, False, 1),
        ("activated needlessly", DEFAULT, False, 1),
        ("late", DEFAULT, False, 0),
    }
    assert Counter(Loop(system).late()) == {("late", "late"): 2, ("duplicate_ranks", "again"): 1}
    fates = {"learned": 8, "rewarded": 4, "skipped": 1, "duplicate_ranks": 1, "matched": 9, "late": 2}
    assert Loop(system).counts() == fates


def test_a_rank_that_was_stored_but_not_acknowledged_counts_once_when_it_is_sent_again_much_later(
    system: System,
) -> None:
    event = events.Interaction(
        v=events.VERSION,
        loop="default",
        id="stored twice",
        at=events.now(),
        mode="Online",
        deferred=False,
        model="N/A",
        a=[1, 2],
        p=[0.5, 0.5],
        c=msgspec.Raw(
            b'{"_multi":[{"_tag":"a","i":{"constant":1,"id":"a"}},{"_tag":"b","i":{"constant":1,"id":"b"}}]}'
        ),
    )
    with EventHubProducerClient.from_connection_string(
        system.settings["EVENT_HUBS_CONNECTION_STRING"], eventhub_name="interactions"
    ) as producer:
        for pause in (0, WAIT + 1):
            time.sleep(pause)
            producer.send_event(EventData(events.encode(event)), partition_id="0")
    loop = Loop(system)
    loop.wait_until_done()
    assert [line for line in loop.joined() if line.event_id == event.id] == [
        Line(event.id, 1, 0.5, DEFAULT, False, 0, "N/A")
    ]
    assert ("duplicate_ranks", event.id) in loop.late()


@pytest.mark.soak
def test_a_reward_for_an_unknown_event_is_an_orphan_after_two_minutes(system: System) -> None:
    loop = Loop(system)
    before = loop.counts().get("orphans", 0)
    with system.client() as http:
        Client(http).reward("nobody", 1)
        deadline = time.monotonic() + 300
        while ("orphans", "nobody") not in loop.late():
            assert time.monotonic() < deadline
            Client(http).rank(f"company-{time.monotonic()}")
            time.sleep(1)
    assert loop.counts()["orphans"] == before + 1
