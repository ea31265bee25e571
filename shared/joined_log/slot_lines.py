"""Joined multi-slot events as lines of dsjson, with one outcome per slot."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from shared.hubs.events import Interaction, Observation, Slot
from shared.joined_log.aggregation import aggregate
from shared.loops.apprentice import Lesson
from shared.loops.config import LoopConfig
from shared.vw import dsjson
from shared.vw.dsjson import Observed, SlotsLine, State


class Made(NamedTuple):
    """A line, whether one of its slots was rewarded, what it teaches an apprentice, and the rewards of its slots."""

    line: bytes
    rewarded: bool
    lesson: Lesson | None
    rewards: Sequence[float]


_decode = msgspec.json.Decoder(SlotsLine).decode


def line(
    interaction: Interaction, timestamp: str, observations: Sequence[Observation], config: LoopConfig, *,
    skip: bool, deferred: bool = False,
) -> Made:  # fmt: skip
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
    labelled = [dsjson.Slot(0, one.id, one.a, one.p, list(map(_observed, by_slot[one.id])), 0) for one in slots]
    made = SlotsLine(
        at=timestamp,
        version="1",
        id=interaction.id,
        c=interaction.c,
        slots=labelled,
        state=State(interaction.model),
        baselines=interaction.ba,
        mode=interaction.mode if interaction.mode != "Online" else None,
        skip=skip,
        drop=interaction.drop,
        deferred=deferred,
        o=list(map(_observed, others)),
        holdback=interaction.holdback,
    )
    _label(made, config)
    rewarded = any(one.o for one in labelled)
    return Made(dsjson.encode(made), rewarded, _lesson(made), [0.0 - one.original_cost for one in labelled])


def _slot(reward: Observation, slots: Sequence[Slot]) -> str | None:
    """The id of the slot that a reward is for; None if it names none, or one that is not there."""
    if reward.index is None:
        return reward.slot
    return slots[reward.index].id if 0 <= reward.index < len(slots) else None


def relabelled(line: bytes, config: LoopConfig, *, imported: bool) -> bytes:
    """A line with the costs that its outcomes have under these settings; one that is not ours as it is.

    imported: of a line that somebody else has written, the labels of slots stay that no outcome gives.
    """
    try:
        known = _decode(line)
    except msgspec.DecodeError:
        return line
    if imported and _is_of_apprentice(known):
        return line
    _label(known, config, keep=imported)
    return dsjson.encode(known)


def _is_of_apprentice(line: SlotsLine) -> bool:
    """True if the labels say whether the model agreed with a baseline that the line does not tell."""
    if line.baselines is not None:
        return False
    taught = all(slot.cost in (0.0, -1.0) for slot in line.slots)
    return line.mode == "Apprentice" or (taught and any(slot.cost != slot.original_cost for slot in line.slots))


def _label(line: SlotsLine, config: LoopConfig, *, keep: bool = False) -> None:
    """Sets the costs of all slots, or with `keep` of those that have a reward."""
    for place, slot in enumerate(line.slots):
        rewards = [one.v for one in slot.o if one.v is not None]
        if keep and not rewards:
            continue
        slot.cost = slot.original_cost = 0.0 - aggregate(rewards, config.aggregation, config.default_reward)
        if line.mode == "Apprentice":
            slot.cost = -1.0 if _is_baseline(line, place) else 0.0


def _lesson(line: SlotsLine) -> Lesson | None:
    if line.mode != "Apprentice" or line.skip or not line.slots:
        return None
    return Lesson(_is_baseline(line, 0), 0.0 - line.slots[0].original_cost)


def _is_baseline(line: SlotsLine, place: int) -> bool:
    return line.baselines is not None and line.slots[place].a[0] == line.baselines[place]


def _observed(one: Observation) -> Observed:
    return Observed(v=one.value, id=one.id, taken=one.kind == "activation", slot=one.slot, at=one.at)
