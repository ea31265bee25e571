"""Multi-slot operations over HTTP: the contract's examples, calls of the wrong kind, and that a loop learns."""

import itertools
import json
import random
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from harness.slots import ACTIONS, CONFIG, LIKED, SLOTS, body
from harness.stored import Loop
from harness.system import ADMIN_KEY, System, running, wait_until

from shared.loops.config import LoopConfig

VERSIONS = ["v1.1-preview.1", "v1.1-preview.2", "v1.1-preview.3"]
# The request examples of the swagger, v1.1-preview.3.
RANK_EXAMPLE: dict[str, Any] = {
    "contextFeatures": [
        {"user": {"profileType": "AnonymousUser", "latLong": "47.6,-122.1"}},
        {"environment": {"dayOfMonth": "28", "monthOfYear": "8", "weather": "Sunny"}},
        {"device": {"mobile": True, "windows": True}},
        {"recentActivity": {"itemsInCart": 3}},
    ],
    "actions": [
        {"id": "NewsArticle", "features": [{"type": "News"}]},
        {"id": "SportsArticle", "features": [{"type": "Sports"}]},
        {"id": "EntertainmentArticle", "features": [{"type": "Entertainment"}]},
    ],
    "slots": [
        {
            "id": "Main Article",
            "features": [{"size": "Large", "position": "Top Middle"}],
            "excludedActions": ["SportsArticle"],
            "baselineAction": "EntertainmentArticle",
        },
        {"id": "Side Bar", "features": [{"size": "Small"}], "baselineAction": "NewsArticle"},
    ],
    "eventId": "75269AD0-BFEE-4598-8196-C57383D38E10",
    "deferActivation": False,
}
REWARD_EXAMPLE = {"reward": [{"slotId": "Main Article", "value": 0.5}, {"slotId": "Side Bar", "value": 0.6}]}
SINGLE: list[tuple[str, Any]] = [
    ("rank", {"actions": ACTIONS}),
    ("events/e/reward", {"value": 1}),
    ("events/e/activate", None),
]
MULTI: list[tuple[str, Any]] = [
    ("multislot/rank", body()),
    ("multislot/events/e/reward", REWARD_EXAMPLE),
    ("multislot/events/e/activate", None),
]


@pytest.fixture(scope="module")
def slots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system of its own, whose loop is multi-slot."""
    with running(tmp_path_factory.mktemp("slots"), DEFAULT_POLICY="multi-slot") as system:
        system.configure(rewardWaitTime="PT1S", rewardAggregation="sum", defaultReward=0.125)
        yield system


@pytest.fixture(scope="module")
def client(slots: System) -> Iterator[httpx.Client]:
    with slots.client() as client:
        client.base_url = httpx.URL(f"{slots.url}/personalizer/{VERSIONS[-1]}/")
        yield client


def ranked(client: httpx.Client, request: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("multislot/rank", json=request)
    assert answer.status_code == 201, answer.text
    given: dict[str, Any] = answer.json()
    return given


def rewarded(client: httpx.Client, event_id: str, **values: float) -> None:
    rewards = [{"slotId": slot, "value": value} for slot, value in values.items()]
    answer = client.post(f"multislot/events/{event_id}/reward", json={"reward": rewards})
    assert answer.status_code == 204, answer.text


@pytest.mark.parametrize("version", VERSIONS)
def test_the_examples_of_the_contract(slots: System, client: httpx.Client, version: str) -> None:
    url = f"{slots.url}/personalizer/{version}/multislot"
    answer = client.post(f"{url}/rank", json=RANK_EXAMPLE)
    assert answer.status_code == 201, answer.text
    assert answer.headers["content-type"] == "application/json"
    given = answer.json()
    assert set(given) == {"slots", "eventId"}
    assert given["eventId"] == RANK_EXAMPLE["eventId"]
    assert [set(slot) for slot in given["slots"]] == [{"id", "rewardActionId"}] * 2
    assert [slot["id"] for slot in given["slots"]] == ["Main Article", "Side Bar"]
    first, second = (slot["rewardActionId"] for slot in given["slots"])
    assert first in {"NewsArticle", "EntertainmentArticle"}
    assert second in {"NewsArticle", "SportsArticle", "EntertainmentArticle"} - {first}
    for path, content in (("reward", REWARD_EXAMPLE), ("activate", None)):
        answer = client.post(f"{url}/events/{given['eventId']}/{path}", json=content)
        assert (answer.status_code, answer.content) == (204, b"")


def test_the_same_event_id_is_the_same_draw_and_none_is_a_new_one(client: httpx.Client) -> None:
    assert ranked(client, body(eventId="same")) == ranked(client, body(eventId="same"))
    assert ranked(client, body())["eventId"] != ranked(client, body(eventId=None))["eventId"]


@pytest.mark.parametrize(
    ("path", "content", "code"),
    [
        ("rank", {"actions": ACTIONS}, "InvalidRankRequest"),
        ("rank", body(slots=[SLOTS[0] | {"baselineAction": "x"}]), "InvalidRankRequest"),
        ("rank", b"{", "BadRequest"),
        ("events/e/reward", {"value": 1}, "InvalidRewardRequest"),
        ("events/e/reward", {"reward": [{"slotId": "s", "value": 2}]}, "InvalidRewardRequest"),
        (f"events/{'x' * 257}/reward", REWARD_EXAMPLE, "InvalidRewardRequest"),
        (f"events/{'x' * 257}/activate", None, "InvalidEventIdToActivate"),
    ],
)
def test_bad_input_is_refused(client: httpx.Client, path: str, content: Any, code: str) -> None:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    answer = client.post(f"multislot/{path}", content=raw)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


@pytest.mark.parametrize(("path", "content"), SINGLE)
def test_single_slot_calls_of_a_multi_slot_loop(client: httpx.Client, path: str, content: Any) -> None:
    answer = client.post(path, json=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidMultiSlotApiAccess")
    assert "is multi-slot: call multi-slot operations" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("path", "content"), MULTI)
def test_multi_slot_calls_of_a_single_slot_loop(system: System, path: str, content: Any) -> None:
    with system.client() as app:
        answer = app.post(path, json=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidMultiSlotApiAccess")
    assert "is single-slot: call single-slot operations" in answer.json()["error"]["message"]


def outcomes(slots: System, event_id: str) -> dict[str, Any]:
    """The joined line of an event, once there is one."""

    def line() -> dict[str, Any] | None:
        lines = map(json.loads, Loop(slots).joined_log().splitlines())
        return next((one for one in lines if one["EventId"] == event_id), None)

    found: dict[str, Any] = wait_until(line, f"{event_id} is joined")
    return found


def test_rewards_are_joined_by_slot(slots: System, client: httpx.Client) -> None:
    given = ranked(client, body(eventId="joined"))
    rewarded(client, "joined", top=0.25, nowhere=1.0)
    rewarded(client, "joined", top=0.5)
    ranked(client, body(eventId="deferred", deferActivation=True))
    ranked(client, body(eventId="activated", deferActivation=True))
    rewarded(client, "activated", side=1.0)
    assert client.post("multislot/events/activated/activate").status_code == 204
    line, deferred, activated = (outcomes(slots, one) for one in ("joined", "deferred", "activated"))
    assert [one["_label_cost"] for one in line["_outcomes"]] == [-0.75, -0.125]
    assert [ACTIONS[one["_a"][0]]["id"] for one in line["_outcomes"]] == [
        slot["rewardActionId"] for slot in given["slots"]
    ]
    assert [one["SlotId"] for one in line["o"]] == ["nowhere"]
    assert deferred["_skipLearn"] is True
    assert "_skipLearn" not in activated
    assert [one["_label_cost"] for one in activated["_outcomes"]] == [-0.125, -1.0]


def test_a_loop_learns_what_is_right_in_each_slot(slots: System, client: httpx.Client) -> None:
    rng, numbers = random.Random(1), itertools.count()

    def play() -> list[float]:
        """How often each slot got what is liked there, in 40 events."""
        right = [0, 0]
        for _ in range(40):
            context = rng.choice(list(LIKED))
            given = ranked(client, body(context, eventId=f"learn-{next(numbers)}"))
            found = [
                float(slot["rewardActionId"] == liked)
                for slot, liked in zip(given["slots"], LIKED[context], strict=True)
            ]
            rewarded(client, given["eventId"], top=found[0], side=found[1])
            right = [count + int(one) for count, one in zip(right, found, strict=True)]
        return [count / 40 for count in right]

    wait_until(lambda: min(play()) >= 0.7, "both slots get what is liked there", 60)
    loop = Loop(slots)
    loop.wait_until_done()
    assert loop.weights() == loop.replayed()


def test_a_loop_whose_policy_changes_kind_serves_and_learns_the_other_kind(slots: System, client: httpx.Client) -> None:
    """And back again: each time it learns those events of the log that its policy can."""
    loop = Loop(slots)
    stored = loop.name("config.json")

    def choose(config: LoopConfig) -> None:
        given = json.loads(loop.read(stored)) | {"policy": json.loads(config.encoded())["policy"]}
        loop.write(stored, json.dumps(given).encode())

    def trained_with(option: str) -> bool:
        state = loop.checkpoint()
        return option in state["model"]["arguments"].split() and state["failure"] is None

    choose(LoopConfig())
    assert client.post("rank", json={"actions": ACTIONS, "eventId": "single"}).status_code == 201
    wait_until(lambda: trained_with("--cb_explore_adf"), "a single-slot model")
    assert client.post("multislot/rank", json=body()).status_code == 400
    choose(CONFIG)
    ranked(client, body(eventId="back"))
    wait_until(lambda: trained_with("--ccb_explore_adf"), "a multi-slot model")

    def liked() -> bool:
        given = [ranked(client, body("evening", eventId=f"again-{number}")) for number in range(20)]
        return sum(one["slots"][0]["rewardActionId"] == LIKED["evening"][0] for one in given) >= 12

    wait_until(liked, "the model that learned the whole log serves", 20)


def test_a_trace_tells_every_slot_before_and_after_it_is_logged(slots: System, client: httpx.Client) -> None:
    given = ranked(client, body(eventId="traced"))
    rewarded(client, "traced", **{SLOTS[0]["id"]: 0.5})
    with slots.client(ADMIN_KEY) as admin:
        admin.base_url = httpx.URL(f"{slots.url}/loops/default/events/")
        early = admin.get("traced").json()
        trace = wait_until(
            lambda: admin.get("traced").json().get("learnedBy") and admin.get("traced").json(), "learned"
        )
    assert early["status"] in ("waiting", "closing", "learned")
    for told in (early, trace):
        chosen = [(slot["id"], slot["ranking"][0]["id"]) for slot in told["slots"]]
        assert chosen == [(slot["id"], slot["rewardActionId"]) for slot in given["slots"]]
        assert [slot["reward"] for slot in told["slots"]] == [0.5] + [0.125] * (len(SLOTS) - 1)
        assert [(one["slot"], one["value"]) for one in told["observations"]] == [(SLOTS[0]["id"], 0.5)]
