"""Models made of made-up traffic."""

import asyncio
from pathlib import Path

from benchmarks import parts, traffic
from benchmarks.trainer import fill, train
from shared.hubs import events
from shared.joined_log.joined_lines import join_line
from shared.loops.blob_names import DEFAULT_HOME, blob_name
from shared.loops.config import LoopConfig
from shared.serving.service import Service
from shared.vw import learning


def trained(arguments: str, actions: int, features: int, folder: Path, count: int = 500) -> Path:
    """The file of a model that learned from `count` decisions, as the trainer publishes it for Rank."""
    batch, model, predict = folder / "batch.dsjson", folder / "model.vw", folder / "predict.vw"
    with batch.open("wb") as lines:
        for number in range(count):
            event_id, event = traffic.interaction(number, actions, features)
            reward = events.decode_observation(traffic.reward(event_id, number % 3 / 2))
            lines.write(join_line(events.decode_interaction(event), 0, [reward], LoopConfig()).line)
    learning.learn(arguments, None, batch, model)
    learning.reduce(model, predict)
    return predict


def publish(environment: dict[str, str], count: int = 2_000) -> None:
    """Has the trainer publish a model of `count` decisions for the loop `default`, then restores its configuration."""
    asyncio.run(_publish(environment, count))


async def _publish(environment: dict[str, str], count: int) -> None:
    service = Service(parts.settings(environment))
    await fill(service, count)
    await train(service)
    await service.storage.put(blob_name(DEFAULT_HOME, "config.json"), parts.EARLIER.encoded())
    await service.close()
