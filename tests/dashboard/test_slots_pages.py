"""A loop that decides about several slots, as its pages show it, and two of its evaluations side by side."""

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from harness import slots
from harness.pages import World, send, text, visitor
from harness.system import ADMIN_KEY, CONFIGURATION, wait_until

from shared.dashboard import figures
from shared.vw.policy import MULTI_SLOT_ARGUMENTS

LOOP, DECISIONS = "/loops/slots", 12
BASE = f"{LOOP}/personalizer/v1.0"
Ids = tuple[str, str]


@pytest.fixture(scope="module")
def owner(world: World) -> Iterator[httpx.Client]:
    with visitor(world.system.url) as client:
        yield client


@pytest.fixture(scope="module")
def evaluations(world: World, owner: httpx.Client) -> Ids:
    """Two of a loop with some decisions; the later one has a policy that the earlier one has not."""
    headers = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
    with httpx.Client(base_url=world.system.url, headers=headers, timeout=60) as api:
        assert api.put(LOOP).status_code == 201
        policy = {"name": "slots", "arguments": MULTI_SLOT_ARGUMENTS}
        assert api.put(f"{BASE}/configurations/service", json=CONFIGURATION).status_code == 200
        assert api.put(f"{BASE}/configurations/policy", json=policy).status_code == 200
        multi_slot = f"{LOOP}/personalizer/v1.1-preview.3/multislot"
        for number in range(DECISIONS):
            asked = api.post(f"{multi_slot}/rank", json=slots.body(eventId=f"slots-{number}"))
            assert asked.status_code == 201, asked.text
            value = {"reward": [{"slotId": "top", "value": number % 2}, {"slotId": "side", "value": 1}]}
            assert api.post(f"{multi_slot}/events/slots-{number}/reward", json=value).status_code == 204
    wait_until(lambda: _decisions(owner) == DECISIONS, "the decisions are joined")
    first = _asked(owner, "First", "")
    second = _asked(owner, "Second", f"bold: {MULTI_SLOT_ARGUMENTS} --power_t 0")
    for one in (first, second):
        wait_until(lambda one=one: _result(owner, one), "the evaluation is done", 120)
    return first, second


def _decisions(owner: httpx.Client) -> Any:
    return owner.get(f"{LOOP}.json").json()["history"]["decisions"]


def _asked(owner: httpx.Client, name: str, policies: str) -> str:
    day = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds)) for seconds in (-86_400, 60)]
    made = send(owner, f"{LOOP}/evaluation-make", name=name, since=day[0], until=day[1], policies=policies)
    assert made.status_code == 303, made.text
    return made.headers["location"].partition("id=")[2]


def _result(owner: httpx.Client, id_: str) -> Any:
    return owner.get(f"{LOOP}/evaluation.json", params={"id": id_}).json()["result"]


def test_the_overview_tells_what_each_slot_earned(owner: httpx.Client, evaluations: Ids) -> None:
    data, said = owner.get(f"{LOOP}.json").json()["history"], text(owner.get(LOOP).text)
    assert [(one["slot"], one["decisions"], one["online"]["mean"]) for one in data["slots"]] == [
        (1, DECISIONS, 0.5),
        (2, DECISIONS, 1.0),
    ]
    assert "The chart is of the first slot." in said
    for one in data["slots"]:
        assert f" {one['slot']} {figures.count(DECISIONS)} {figures.reward(one['online']['mean'])}" in said
    assert owner.get("/loops/lived.json").json()["history"]["slots"] == []


def test_an_evaluation_tells_each_slot(owner: httpx.Client, evaluations: Ids) -> None:
    result = _result(owner, evaluations[1])
    page = owner.get(f"{LOOP}/evaluation", params={"id": evaluations[1]}).text
    assert re.findall(r"<h3>Slot (\w+)</h3>", page) == ["side", "top"]
    of = {(one["slot"], one["name"]): one for one in result["slots"]}
    assert (of["top", "Online"]["value"], of["side", "Online"]["value"]) == pytest.approx((0.5, 1.0))
    for (slot, name), one in of.items():
        table = page.partition(f'aria-label="Policies in slot {slot}"')[2].partition("</table>")[0]
        assert f"{name} {figures.reward(one['value'])}" in text(table), (slot, name)


def test_two_evaluations_are_seen_side_by_side(owner: httpx.Client, evaluations: Ids) -> None:
    assert "Compare two of them side by side" in owner.get(f"{LOOP}/evaluations").text
    query = {"one": evaluations[1], "other": evaluations[0]}
    data = owner.get(f"{LOOP}/comparison.json", params=query).json()
    assert [data[side]["job"]["name"] for side in ("left", "right")] == ["First", "Second"]
    assert set(data["right"]["policies"]) - set(data["left"]["policies"]) == {"bold"}
    said = text(owner.get(f"{LOOP}/comparison", params=query).text)
    assert "Both are of the same period." in said or "They are of different periods" in said
    assert "bold not in it" in said
    for side in ("left", "right"):
        for one in data[side]["policies"].values():
            assert figures.reward(one["value"]) in said
    assert owner.get(f"{LOOP}/comparison", params={"one": evaluations[0]}).status_code == 404
    assert owner.get("/loops/lived/comparison", params=query).status_code == 404
