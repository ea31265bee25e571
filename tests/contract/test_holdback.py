"""A holdback in a real run: who configures it, what is logged of it, learned from it, traced and measured."""

import json
import math
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from harness.stored import Loop
from harness.system import ADMIN_KEY, CONFIGURATION, PROJECT, System, running, wait_until

from shared.vw.policy import MULTI_SLOT_ARGUMENTS

GUIDE = PROJECT / "docs" / "monitoring.md"
SHARE, VISITS = 0.25, 600
ACTIONS = [{"id": one, "features": [{"kind": one}]} for one in ("news", "sport", "film")]
# What is earned, on average: the baseline is the first action.
EARNED = {"news": 0.2, "sport": 0.8, "film": 0.2}
SLOTS = [{"id": "top", "baselineAction": "news"}, {"id": "side", "baselineAction": "film"}]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("holdback")) as made:
        made.configure()
        yield made


@pytest.fixture
def admin(system: System) -> Iterator[httpx.Client]:
    with system.client(ADMIN_KEY) as client:
        yield client


def config(system: System) -> dict[str, Any]:
    """What is stored."""
    found: dict[str, Any] = json.loads(Loop(system).read(Loop(system).name("config.json")))
    return found


def report(system: System, **query: Any) -> httpx.Response:
    headers = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
    return httpx.get(f"{system.url}/loops/default/holdback", headers=headers, params=query, timeout=30)


def trace(system: System, event_id: str) -> dict[str, Any]:
    headers = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
    told: dict[str, Any] = httpx.get(
        f"{system.url}/loops/default/events/{event_id}", headers=headers, timeout=30
    ).json()
    return told


def follows(system: System, share: float) -> None:
    """Puts a share, and waits until Rank follows it: with all held back, the baseline is certain."""
    system.configure(holdbackPercentage=share)
    with system.client() as client:
        wait_until(lambda: (_probability(client) == 1) == (share == 1), "Rank follows the holdback")


def _probability(client: httpx.Client) -> float:
    asked = {"contextFeatures": [{"day": "x"}], "actions": ACTIONS, "deferActivation": True}
    ranking = client.post("rank", json=asked).json()["ranking"]
    return next(one["probability"] for one in ranking if one["id"] == "news")


def test_a_put_without_it_leaves_it_and_bad_shares_are_refused(system: System, admin: httpx.Client) -> None:
    def put(**changed: Any) -> httpx.Response:
        return admin.put("configurations/service", json=CONFIGURATION | changed)

    assert admin.get("configurations/service").json()["holdbackPercentage"] == 0
    assert put(holdbackPercentage=SHARE).json()["holdbackPercentage"] == SHARE
    first = config(system)["holdback"]
    for again in (put(defaultReward=0.5), put(holdbackPercentage=None), put(holdbackPercentage=SHARE)):
        assert again.json()["holdbackPercentage"] == SHARE
        assert config(system)["holdback"] == first
    for wrong in (-0.1, 1.1, "much", [0.1], True):
        refused = put(holdbackPercentage=wrong)
        assert refused.status_code == 400
        assert "holdbackPercentage" in refused.text
    assert put(holdbackPercentage=0.5).status_code == 200
    second = config(system)["holdback"]
    assert second["share"] == 0.5
    assert (second["salt"], second["since"]) > ("", first["since"])
    assert second["salt"] != first["salt"]
    assert put(holdbackPercentage=0).json()["holdbackPercentage"] == 0
    assert config(system)["holdback"] is None


def test_what_is_needed_is_told_before_it_is_switched_on(system: System) -> None:
    told = report(system).json()
    assert (told["holdbackPercentage"], told["since"], told["lift"]) == (0, None, None)
    assert told["needed"] == {"percentage": 0.05, "difference": None, "decisions": None, "lately": 0}
    for query in ({"percentage": 0}, {"percentage": 1}, {"percentage": "x"}, {"difference": -1}, {"difference": "nan"}):
        assert report(system, **query).status_code == 400


def test_the_call_of_the_guide_answers(system: System) -> None:
    (call,) = [one for one in re.findall(r"```bash\n(.*?)```", GUIDE.read_text(), re.DOTALL) if "/holdback?" in one]
    call = call.replace("http://127.0.0.1:7071", system.url).replace("local-admin-key", ADMIN_KEY)
    told = json.loads(subprocess.run(["bash", "-c", call], check=True, capture_output=True, text=True).stdout)
    assert (told["needed"]["percentage"], told["needed"]["difference"]) == (0.05, 0.01)


def visit(system: System, number: int, name: str) -> dict[str, float]:
    """So many visits, by people who come ten times each; the rewards by event id, logged when it returns."""
    rewards = {}
    with system.client() as client:
        for one in range(number):
            body = {"eventId": f"{name}{one}", "contextFeatures": [{"day": str(one % 3)}], "actions": ACTIONS}
            chosen = client.post("rank", json=body | {"holdbackId": f"{name} {one // 10}"}).json()
            rewards[chosen["eventId"]] = float((one * 37 % 100) < 100 * EARNED[chosen["rewardActionId"]])
            value = {"value": rewards[chosen["eventId"]]}
            assert client.post(f"events/{chosen['eventId']}/reward", json=value).status_code == 204
    Loop(system).wait_until_done()
    return rewards


def test_it_is_logged_learned_traced_and_measured(system: System) -> None:
    follows(system, 1.0)
    follows(system, SHARE)
    visit(system, 300, "before ")
    rewards = visit(system, VISITS, "visit ")
    lines = {line["EventId"]: line for line in map(json.loads, Loop(system).joined_log().splitlines())}
    mine = [lines[one] for one in rewards]
    held = {line["EventId"]: line["_holdback"] for line in mine}
    assert all(line["a"][0] == 1 for line in mine if line["_holdback"]["arm"] == "baseline")
    assert len({(one["window"], one["share"]) for one in held.values()}) == 1
    for person in range(VISITS // 10):
        arms = [held[f"visit {one}"] for one in range(10 * person, 10 * person + 10)]
        assert len({(one["arm"], one["bucket"]) for one in arms}) == 1, "one person stays in one arm"
    for line in mine:
        logged = dict(zip(line["a"], line["p"], strict=True))
        assert logged[1] >= SHARE
        assert sum(logged.values()) == pytest.approx(1)
        assert line["_label_probability"] == line["p"][0]
    # Of events in the arm of the policy, its own probabilities are expected.
    own = [(line["a"][0] == 1, (dict(zip(line["a"], line["p"], strict=True))[1] - SHARE) / (1 - SHARE)) for line in mine
           if line["_holdback"]["arm"] == "policy"]  # fmt: skip
    spread = math.fsum(p * (1 - p) for _, p in own)
    assert abs(math.fsum(shown - p for shown, p in own)) < 4.5 * math.sqrt(max(spread, 1))

    assert Loop(system).weights() == Loop(system).replayed()
    for event_id in list(rewards)[:5]:
        assert trace(system, event_id)["holdback"] == held[event_id]

    told = report(system, difference=0.2).json()
    everything = [line for line in lines.values() if line.get("_holdback", {}).get("share") == SHARE]
    everything = [line for line in everything if not line.get("_skipLearn")]
    for arm in ("policy", "baseline"):
        earned = [-line["_label_cost"] for line in everything if line["_holdback"]["arm"] == arm]
        assert told[arm]["decisions"] == len(earned)
        assert told[arm]["averageReward"] == pytest.approx(math.fsum(earned) / len(earned))
        assert told[arm]["rewarded"] == sum(map(bool, earned))
    assert told["lift"]["value"] == pytest.approx(told["policy"]["averageReward"] - told["baseline"]["averageReward"])
    assert told["lift"]["lower"] is None or told["lift"]["lower"] < told["lift"]["value"] < told["lift"]["upper"]
    assert (told["needed"]["percentage"], told["needed"]["difference"]) == (SHARE, 0.2)
    assert 100 < told["needed"]["decisions"] < 2_000
    assert told["needed"]["lately"] >= VISITS

    follows(system, 0.0)
    after = report(system).json()
    assert (after["since"], after["lift"], after["baseline"]["decisions"]) == (None, None, 0)


def test_with_slots_all_baselines_are_shown(system: System, admin: httpx.Client) -> None:
    policy = {"name": "slots", "arguments": MULTI_SLOT_ARGUMENTS}
    assert admin.put("configurations/policy", json=policy).status_code == 200
    system.configure(holdbackPercentage=0.5)
    answers = Counter[tuple[str, ...]]()
    with system.client() as client:
        for number in range(60):
            body = {"eventId": f"slots {number}", "actions": ACTIONS, "slots": SLOTS, "holdbackId": f"{number % 20}"}
            answer = client.post("multislot/rank", json=body | {"contextFeatures": [{"a": 1}]})
            assert answer.status_code == 201, answer.text
            answers[tuple(one["rewardActionId"] for one in answer.json()["slots"])] += 1
    Loop(system).wait_until_done()
    lines = [line for line in map(json.loads, Loop(system).joined_log().splitlines()) if "slots " in line["EventId"]]
    assert len(lines) == 60
    held = [line for line in lines if line["_holdback"]["arm"] == "baseline"]
    assert 0 < len(held) < 60
    assert all([slot["_a"][0] for slot in line["_outcomes"]] == line["_ba"] for line in held)
    assert answers["news", "film"] >= len(held)
    assert trace(system, held[0]["EventId"])["holdback"]["arm"] == "baseline"
    told = report(system).json()
    assert told["baseline"]["decisions"] == len(held)
    assert told["policy"]["decisions"] == 60 - len(held)
