"""Fewer learners than loops: a loop whose model is refused gives its learner to the next one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from harness.load import ACTIONS
from harness.stored import Loop
from harness.system import ADMIN_KEY, CONFIGURATION, System

from shared.serving.service import Service
from shared.settings import load
from shared.training import trainer
from shared.training.trainer import Trainer

LONGEST_SECONDS = 60
EVENTS = 4


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """All but the timers: the test is the trainer."""
    system = System(tmp_path)
    try:
        for part in (system.storage, system.event_hubs, system.http):
            part.start()
            part.ready()
        yield system
    finally:
        system.end()


def make(system: System, name: str) -> None:
    """A loop with a few events whose wait is over in a second."""
    headers = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
    with httpx.Client(base_url=f"{system.url}/loops/{name}/", headers=headers, timeout=30) as client:
        assert client.put("").status_code == 201
        body = CONFIGURATION | {"rewardWaitTime": "PT1S", "modelExportFrequency": "PT1S"}
        assert client.put("personalizer/v1.0/configurations/service", json=body).status_code == 200
        for _ in range(EVENTS):
            assert client.post("personalizer/v1.0/rank", json={"actions": ACTIONS}).status_code == 201


async def test_a_refused_model_keeps_no_other_loop_from_learning(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("refused", "patient"):
        make(system, name)
    loop = Loop(system, loop="refused")
    config = json.loads(loop.read(loop.name("config.json")))
    config["policy"]["arguments"] += " --no_such_option"
    loop.write(loop.name("config.json"), json.dumps(config).encode())
    monkeypatch.setattr(trainer, "LEARNERS", 1)
    service = Service(load(system.settings))
    alone = Trainer(service)
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            while not Loop(system, loop="patient").counts():
                await alone.tick()
                await asyncio.sleep(0.2)
    finally:
        await alone.close()
        await service.close()
    assert loop.counts() == {"rejected": EVENTS}
    assert Loop(system, loop="patient").counts() == {"learned": EVENTS}
