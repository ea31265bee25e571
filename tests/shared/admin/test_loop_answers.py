"""What `GET /loops/{loop}` tells of exploration."""

import msgspec
import pytest
from harness.trained import Deployment

from shared.admin import loops
from shared.loops import checkpoint
from shared.loops.artifacts import Artifact
from shared.loops.checkpoint import Checkpoint
from shared.loops.model_records import ModelRecord, Past
from shared.serving.service import Service
from shared.vw.experience import Experience
from shared.vw.schedule import Fall, Schedule
from shared.vw.schema import Schema


@pytest.mark.parametrize("fall", [None, Fall(1_200, "2026-01-01T00:00:00Z", 0.1, 0.4)])
async def test_it_tells_how_far_it_has_come_and_why_it_began_anew(parts: Service, fall: Fall | None) -> None:
    deployed = Deployment(parts)
    past = Past(Schema(), Experience(Schedule(1_500, 1_200 if fall else 0, fall=fall)))
    model = ModelRecord("v", Artifact("v", ""), Artifact("v", ""), "2026-01-01T00:00:00Z", "", past=past)
    state = msgspec.structs.replace(Checkpoint(), model=model)
    await deployed.storage.put(checkpoint.name(deployed.home("default")), checkpoint.encode(state))
    told = (await loops.described(parts, "default")).wire()["exploration"]
    anew = {"at": "2026-01-01T00:00:00Z", "averageReward": 0.1, "usualReward": 0.4}
    assert told == ({"events": 300, "beganAnew": anew} if fall else {"events": 1_500})
