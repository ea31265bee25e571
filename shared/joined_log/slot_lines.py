"""Joined multi-slot events as lines of dsjson, with one outcome per slot."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from shared.hubs.events import Interaction, Observation, Slot
from shared.joined_log.rewards import aggregate
from shared.loops.apprentice import Lesson
from shared.loops.config import LoopConfig


class _Observed(msgspec.Struct, gc=False, omit_defaults=True, kw_only=True):
    v: float | None = None
    event_id: str = msgspec.field(name="EventId")
    action_taken: bool = msgspec.field(name="ActionTaken")
    slot: str | None = msgspec.field(name="SlotId", default=None)
    at: str = ""


class _Outcome(msgspec.Struct, gc=False):
    cost: float = msgspec.field(name="_label_cost")
    id: str = msgspec.field(name="_id")
    a: list[int] = msgspec.field(name="_a")
    p: list[float] = msgspec.field(name="_p")
    observed: list[_Observed] = msgspec.field(name="_o")
    original_cost: float = msgspec.field(name="_original_label_cost")


class _State(msgspec.Struct, gc=False):
    m: str


class _Line(msgspec.Struct, gc=False, omit_defaults=True):
    timestamp: str = msgspec.field(name="Timestamp")
    version: str = msgspec.field(name="Version")
    event_id: str = msgspec.field(name="EventId")
    c: msgspec.Raw  # VW reads the labels of slots that it has seen: before the outcomes
    outcomes: list[_Outcome] = msgspec.field(name="_outcomes")
    state: _State = msgspec.field(name="VWState")
    baselines: list[int] | None = msgspec.field(name="_ba", default=None)
    mode: str | None = msgspec.field(name="LearningMode", default=None)
    skip: bool = msgspec.field(name="_skipLearn", default=False)
    drop: float | None = msgspec.field(name="pdrop", default=None)
    o: list[_Observed] = []


class Made(NamedTuple):
    """A line, what it teaches an apprentice, and the reward of its first slot."""

    line: bytes
    lesson: Lesson | None
    reward: float


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line).decode


def line(
    interaction: Interaction, timestamp: str, observations: Sequence[Observation], config: LoopConfig, skip: bool
) -> Made:
    """The line of a multi-slot interaction with its observations in order; `skip` keeps the learner from it.

    Rewards count for the slot they name, each slot without one gets the default. Member `o` has the observations that
    belong to none of its slots: activations, which are of the whole event, and rewards that name no slot of it.
    An apprentice imitates the baseline in every slot; its lesson is the first slot's.
    """
    slots = interaction.slots or []
    by_slot: dict[str | None, list[Observation]] = {slot.id: [] for slot in slots}
    others: list[Observation] = []
    for one in observations:
        (by_slot.get(_slot(one, slots), others) if one.kind == "reward" else others).append(one)
    outcomes = [_Outcome(0, slot.id, slot.a, slot.p, list(map(_observed, by_slot[slot.id])), 0) for slot in slots]
    state = _Line(
        timestamp=timestamp,
        version="1",
        event_id=interaction.id,
        c=interaction.c,
        outcomes=outcomes,
        state=_State(interaction.model),
        baselines=interaction.ba,
        mode=interaction.mode if interaction.mode != "Online" else None,
        skip=skip,
        drop=interaction.drop,
        o=list(map(_observed, others)),
    )
    _label(state, config)
    return Made(_encode(state) + b"\n", _lesson(state), 0.0 - outcomes[0].original_cost if outcomes else 0.0)


def _slot(reward: Observation, slots: Sequence[Slot]) -> str | None:
    """The id of the slot that a reward is for; None if it names none, or one that is not there."""
    if reward.index is None:
        return reward.slot
    return slots[reward.index].id if 0 <= reward.index < len(slots) else None


def relabelled(line: bytes, config: LoopConfig) -> bytes:
    """A line with the costs that its outcomes have under these settings; one that is not ours as it is."""
    try:
        known = _decode(line)
    except msgspec.DecodeError:
        return line
    _label(known, config)
    return _encode(known) + b"\n"


def _label(line: _Line, config: LoopConfig) -> None:
    for place, outcome in enumerate(line.outcomes):
        rewards = [one.v for one in outcome.observed if one.v is not None]
        outcome.cost = outcome.original_cost = 0.0 - aggregate(rewards, config.aggregation, config.default_reward)
        if line.mode == "Apprentice":
            outcome.cost = -1.0 if _is_baseline(line, place) else 0.0


def _lesson(line: _Line) -> Lesson | None:
    if line.mode != "Apprentice" or line.skip or not line.outcomes:
        return None
    return Lesson(_is_baseline(line, 0), 0.0 - line.outcomes[0].original_cost)


def _is_baseline(line: _Line, place: int) -> bool:
    return line.baselines is not None and line.outcomes[place].a[0] == line.baselines[place]


def _observed(one: Observation) -> _Observed:
    taken = one.kind == "activation"
    return _Observed(v=one.value, event_id=one.id, action_taken=taken, slot=one.slot, at=one.at)
