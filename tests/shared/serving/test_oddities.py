"""Ranks that are answered and are most likely a mistake: all are counted, few are told of."""

import json
import logging
from typing import Any

import pytest

from shared.loops.blob_names import DEFAULT_HOME
from shared.monitoring import refused
from shared.rank import wire
from shared.serving import oddities, refusals
from shared.serving.service import Service

ACTIONS = [{"id": "a", "features": [{"x": 1}]}]


def looked_at(parts: Service, **body: Any) -> None:
    unknown: list[str] = []
    request = wire.unusual_request(json.dumps({"actions": ACTIONS} | body).encode(), unknown)
    parts.oddities.rank("default", DEFAULT_HOME, request.context_features, unknown)


async def counted(parts: Service) -> dict[str, int]:
    assert parts._refusals._task is not None
    await parts._refusals._task
    return (await refused.load(parts.storage))[DEFAULT_HOME]


async def test_all_are_counted_and_the_first_is_told(
    parts: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(refusals, "SECONDS", 0.0)
    for _ in range(3):
        looked_at(parts, context=[{"hour": 1}], user="u")
    looked_at(parts, contextFeatures=[{}])
    looked_at(parts, contextFeatures=[{"hour": 1}])
    assert await counted(parts) == {"Noted/UnknownMembers": 3, "Noted/NoContext": 4}
    told = [json.loads(record.message) for record in caplog.records if record.levelno == logging.WARNING]
    assert [one["loop"] for one in told] == ["default", "default"]
    assert "has members that the contract does not know: 'context', 'user'." in told[0]["message"]
    assert "has no contextFeatures" in told[1]["message"]
    answered, noted = refused.families({"default": await counted(parts)})
    assert answered.samples == []
    assert {sample.labels["reason"]: sample.value for sample in noted.samples} == {
        "UnknownMembers": 3, "NoContext": 4,
    }  # fmt: skip


async def test_a_mistake_that_goes_on_is_told_again(
    parts: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(oddities, "SECONDS", 0.0)
    for _ in range(2):
        looked_at(parts)
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"contextFeatures": [{"context": 1}]}, []),
        ({"ContextFeatures": [{"hour": 1}], "EventId": "e"}, []),
        ({"contextFeatures": [{"hour": {"of": 1}}], "modelId": "m"}, ["modelId"]),
        ({"actions": [{"id": 1, "features": [{"x": 1}], "weight": 2}]}, ["weight"]),
    ],
)
def test_only_what_the_contract_does_not_know_is_unknown(body: dict[str, Any], names: list[str]) -> None:
    unknown: list[str] = []
    wire.unusual_request(json.dumps({"actions": ACTIONS} | body).encode(), unknown)
    assert unknown == names
