"""Multi-slot requests, decisions and models, in this process and with the service's own parts."""

import json
import random
from pathlib import Path
from typing import Any

from harness.learning import train
from shared.hubs import events
from shared.hubs.events import Interaction, Observation
from shared.joined_log.joined_lines import join_line
from shared.loops.config import LearningMode, LoopConfig, Policy
from shared.rank import slots_ranking, slots_wire
from shared.rank.slots_ranking import SlotsDecision
from shared.vw.model import Model
from shared.vw.policy import MULTI_SLOT_ARGUMENTS

CONFIG = LoopConfig(policy=Policy("multi-slot", MULTI_SLOT_ARGUMENTS))
ACTIONS = [{"id": one, "features": [{"kind": one}]} for one in "abcd"]
SLOTS = [
    {"id": "top", "baselineAction": "a", "features": [{"size": "large"}]},
    {"id": "side", "baselineAction": "b", "features": [{"size": "small"}], "excludedActions": ["c"]},
]
# What is right in each slot, by context. "c" is never right at the side, where it is excluded.
LIKED = {"morning": ("c", "a"), "evening": ("b", "d")}


def body(context: str = "morning", **members: Any) -> dict[str, Any]:
    return {"contextFeatures": [{"time": context}], "actions": ACTIONS, "slots": SLOTS} | members


def decide(request: Any, model: Model | None = None, mode: LearningMode = "Online") -> SlotsDecision:
    """The decision about a request: a body as it came, or what it is to say. Raises ApiError."""
    raw = request if isinstance(request, bytes) else json.dumps(request).encode()
    return slots_ranking.decide(slots_wire.rank_request(raw), LoopConfig(mode=mode), model)


def interaction(decision: SlotsDecision, *, deferred: bool = False) -> Interaction:
    """The decision as the trainer reads it from the log."""
    return events.decode_interaction(slots_ranking.event(decision, "default", deferred=deferred))


def chosen(decision: SlotsDecision) -> list[str]:
    """The ids of the drawn actions."""
    return [decision.actions[ranking.order[0]] for ranking in decision.rankings]


def reward(event_id: str, slot: str | None, value: float) -> Observation:
    nonce = events.nonce()
    return Observation(v=1, loop="default", id=event_id, at="", kind="reward", nonce=nonce, value=value, slot=slot)


def lines(count: int = 200) -> list[bytes]:
    """Joined lines of decisions made without a model; each slot is rewarded for what is liked there."""
    rng = random.Random(1)
    made = []
    for number in range(count):
        context = rng.choice(list(LIKED))
        decision = decide(body(context, eventId=f"event-{number}"))
        rewards = [
            reward(decision.event_id, slot.id, float(action == liked))
            for slot, action, liked in zip(decision.slots, chosen(decision), LIKED[context], strict=True)
        ]
        made.append(join_line(interaction(decision), 0, rewards, CONFIG).line)
    return made


def trained(folder: Path, arguments: str = MULTI_SLOT_ARGUMENTS) -> Model:
    """A model that has learned what is liked."""
    return Model("trained", train(folder, lines(), policy=arguments).predict)
