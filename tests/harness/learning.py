"""From request bodies to joined lines and trained models, in this process and with the service's own parts."""

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from shared.hubs import events
from shared.hubs.events import Interaction, Observation
from shared.joined_log.joined_lines import join_line
from shared.loops.config import LoopConfig
from shared.rank import ranking, wire
from shared.rank.ranking import Decision
from shared.vw.learner import Learner
from shared.vw.model import Model
from shared.vw.policy import EARLIER_ARGUMENTS
from shared.vw.zygote import Zygote

PLAIN = [
    {"contextFeatures": [{"time": time}], "actions": [{"id": one, "features": [{"kind": one}]} for one in "abc"]}
    for time in ("morning", "noon", "night")
] * 20


def decide(body: Any, model: Model | None = None, config: LoopConfig | None = None) -> Decision:
    """The decision about a request: a body as it came, or what it is to say. Raises ApiError."""
    request = wire.rank_request(body if isinstance(body, bytes) else json.dumps(body).encode())
    return ranking.decide(request, config or LoopConfig(), model, 7)


def interaction(decision: Decision, *, deferred: bool = False) -> Interaction:
    """The decision as the trainer reads it from the log."""
    return events.decode_interaction(ranking.event(decision, "default", deferred=deferred))


def rewarded(decision: Decision, value: float = 1.0) -> bytes:
    """The joined line of a decision with one reward."""
    made = interaction(decision)
    reward = Observation(v=1, loop="default", id=made.id, at="", kind="reward", nonce="n", value=value)
    return join_line(made, 0, [reward], LoopConfig()).line


def train(folder: Path, lines: Iterable[bytes], previous: Path | None = None, policy: str = "") -> Learner:
    """Trains in a process of its own, as the trainer does; raises TrainingRefused."""
    folder.mkdir(exist_ok=True)

    async def learn() -> Learner:
        async with Zygote() as zygote:
            learner = await Learner.start(zygote, policy or EARLIER_ARGUMENTS, previous, folder)
            await learner.feed(b"".join(lines))
            await learner.finish()
        return learner

    return asyncio.run(learn())


def trained(folder: Path, policy: str = "") -> Model:
    """A model that has learned to prefer action `a`."""
    decisions = [decide(body) for body in PLAIN]
    lines = [rewarded(one, 1.0 if one.ranking.order[0] == 0 else 0.0) for one in decisions]
    return Model("trained", train(folder, lines, policy=policy).predict)
