"""A Reward that a client repeats, since its answer was lost, counts once if the client gives its calls an id."""

import json
from typing import Any

import azure.functions as func
import msgspec
import pytest
from harness.slots import CONFIG
from harness.trained import AT_ONCE, Deployment, trainer

import reward_function
from shared.serving.service import Service

ONE, OTHER = {"x-ms-client-request-id": "one"}, {"x-ms-client-request-id": "other"}
SUM = msgspec.structs.replace(AT_ONCE, aggregation="sum")


def request(body: Any, event_id: str, headers: dict[str, str]) -> func.HttpRequest:
    data = json.dumps(body).encode()
    return func.HttpRequest("POST", "/", headers=headers, route_params={"eventId": event_id}, body=data)


@pytest.mark.parametrize(
    ("calls", "counted"),
    [
        ([(0.25, ONE), (0.25, ONE)], 0.25),
        ([(0.25, ONE), (0.5, ONE)], 0.75),  # a gateway's id
        ([(0.25, ONE), (0.25, OTHER)], 0.5),
        ([(0.25, {}), (0.25, {})], 0.5),
    ],
)
async def test_what_counts_of_two_rewards(
    parts: Service, calls: list[tuple[float, dict[str, str]]], counted: float
) -> None:
    deployed = Deployment(parts)
    await deployed.make("default", config=SUM)
    for value, headers in calls:
        for event_id in ("a", "b"):
            answer = await reward_function.reward(request({"value": value}, event_id, headers), parts)
            assert answer.status_code == 204
    await deployed.rank("a", "b")
    async with trainer(parts) as one:
        await one.tick()
    assert await deployed.joined() == {"a": counted, "b": counted}


async def test_each_slot_of_a_repeated_multi_slot_reward_counts_once(parts: Service) -> None:
    deployed = Deployment(parts)
    await deployed.make("default", config=msgspec.structs.replace(AT_ONCE, policy=CONFIG.policy))
    body = {"reward": [{"slotId": "top", "value": 1}, {"slotId": "side", "value": 1}]}
    for _ in range(2):
        answer = await reward_function.multi_slot_reward(request(body, "a", ONE), parts)
        assert answer.status_code == 204
    await deployed.rank("a")
    async with trainer(parts) as one:
        await one.tick()
    assert await deployed.counts() == {"skipped": 1, "matched": 2, "duplicate_observations": 2}
