"""What becomes of events that come twice, late, early or without their partner."""

import time
from collections import Counter
from collections.abc import Iterator

import httpx
import msgspec
import pytest
from azure.eventhub import EventData, EventHubProducerClient
from harness.load import ACTIONS
from harness.metrics import differences, key, scraped
from harness.stored import Loop
from harness.system import System, running

from shared.hubs import events

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


def store(system: System, event: bytes) -> None:
    """Appends an interaction as a producer that was not answered does again."""
    connection = system.settings["EVENT_HUBS_CONNECTION_STRING"]
    with EventHubProducerClient.from_connection_string(connection, eventhub_name="interactions") as producer:
        producer.send_event(EventData(event), partition_id="0")


def interaction(event_id: str) -> bytes:
    """Two actions, ranked now."""
    context = {"_multi": [{"_tag": name, "i": {"constant": 1, "id": name}} for name in "ab"]}
    return events.encode(
        events.Interaction(
            v=events.VERSION,
            loop="default",
            id=event_id,
            at=events.now(),
            mode="Online",
            deferred=False,
            model="N/A",
            a=[1, 2],
            p=[0.5, 0.5],
            c=msgspec.Raw(msgspec.json.encode(context)),
        )
    )


def test_each_event_has_the_fate_its_order_and_time_give_it(system: System) -> None:
    unanswered = interaction("stored twice")
    store(system, unanswered)
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
    store(system, unanswered)
    Loop(system).wait_until_done()
    joined = Counter((line.event_id, line.reward, line.skipped, line.outcomes) for line in Loop(system).joined())
    assert joined.total() == len(joined)
    assert set(joined) == {
        ("early", 0.25, False, 1),
        ("twice", 0.5, False, 2),
        ("again", 0.625, False, 1),
        ("again", DEFAULT, False, 0),
        ("deferred", 0.5, True, 1),
        ("shown", 0.375, False, 2),
        ("shown unrewarded", DEFAULT, False, 1),
        ("activated needlessly", DEFAULT, False, 1),
        ("late", DEFAULT, False, 0),
        ("stored twice", DEFAULT, False, 0),
    }
    late = {("late", "late"): 2, ("duplicate_ranks", "again"): 1, ("duplicate_ranks", "stored twice"): 1}
    assert Counter(Loop(system).late()) == late
    fates = {"learned": 9, "rewarded": 4, "skipped": 1, "duplicate_ranks": 2, "matched": 9, "late": 2}
    assert Loop(system).counts() == fates
    assert differences(Loop(system), system) == []
    told = scraped(system)
    ledger = {
        key("ranks_total", loop="default", fate="learned"): 9,
        key("ranks_total", loop="default", fate="skipped"): 1,
        key("ranks_total", loop="default", fate="duplicate"): 2,
        key("observations_total", loop="default", fate="on_time"): 9,
        key("observations_total", loop="default", fate="late"): 2,
        key("observations_total", loop="default", fate="orphan"): 0,
        key("defaulted_total", loop="default"): 5,
        key("decisions_total", loop="default"): 9,
        key("reward_sum", loop="default", policy="online"): 0.25 + 0.5 + 0.625 + 0.375 + 5 * DEFAULT,
        key("reward_delay_seconds_bucket", loop="default", le="5"): 6,
        key("reward_delay_seconds_count", loop="default"): 6,
        key("trainer_lag_seconds", loop="default"): 0,
    }
    assert {name: told[name] for name in ledger} == ledger
    assert 0 < told[key("reward_delay_seconds_sum", loop="default")] < 6 * WAIT


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
    loop.wait_until_done()  # what is kept is seen before the run that kept it is committed
    assert loop.counts()["orphans"] == before + 1
    assert differences(loop, system) == []
    assert scraped(system)[key("observations_total", loop="default", fate="orphan")] == before + 1
