"""Joined events as lines of dsjson, the format every VW tool reads."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec

from shared.hubs.events import Interaction, Observation
from shared.joined_log import slot_lines
from shared.joined_log.aggregation import aggregate
from shared.loops.apprentice import Lesson
from shared.loops.config import LoopConfig
from shared.vw import dsjson
from shared.vw.dsjson import Line, Observed, State


class Joined(NamedTuple):
    """One joined event: its line of the log, and what the counters want to know.

    skipped: never activated. foreign: of the other kind than the loop's policy. logged: not to be learned, by its mode.
    lesson: what an apprentice did. rewards: of each slot. context: VW's JSON, None of several slots.
    """

    line: bytes
    rewarded: bool
    skipped: bool
    foreign: bool = False
    logged: bool = False
    lesson: Lesson | None = None
    rewards: Sequence[float] = (0.0,)
    context: bytes | None = None

    @property
    def marked(self) -> bool:
        """True if the line tells Vowpal Wabbit to skip it."""
        return self.skipped or self.logged


_decode = msgspec.json.Decoder(Line).decode


def join_line(interaction: Interaction, at: int, observations: Sequence[Observation], config: LoopConfig) -> Joined:
    """The line of an interaction, closed, with its observations in order. `at`: its enqueued time, ms since 1970.

    The cost is minus the reward; of an apprentice, whose reward is the baseline's, it is -1 if the model's choice was
    the baseline (the first action), else 0. Deferred and never activated, or ranked in mode LoggingOnly: marked to be
    skipped by the learner. An event of the other kind than the loop's policy, single-slot or multi-slot, is logged
    without a mark, and not learned either.
    """
    rewards = [one.value for one in observations if one.kind == "reward" and one.value is not None]
    activated = not interaction.deferred or any(one.kind == "activation" for one in observations)
    logged = interaction.mode == "LoggingOnly" and activated
    foreign = (interaction.slots is not None) != config.policy.parsed.is_multi_slot
    deferred = interaction.mode == "LoggingOnly" and not activated
    if interaction.slots is not None:
        made = slot_lines.line(
            interaction, timestamp(at), observations, config, skip=not activated or logged, deferred=deferred
        )
        return Joined(made.line, made.rewarded, not activated, foreign, logged, made.lesson, made.rewards)
    reward = aggregate(rewards, config.aggregation, config.default_reward)
    lesson = Lesson(interaction.a[0] == 1, reward) if interaction.mode == "Apprentice" and activated else None
    single = Line(
        cost=_cost(interaction.mode, interaction.a, reward),
        probability=interaction.p[0],
        action=interaction.a[0],
        index=interaction.a[0] - 1,
        at=timestamp(at),
        version="1",
        id=interaction.id,
        a=interaction.a,
        c=interaction.c,
        p=interaction.p,
        state=State(interaction.model),
        original_cost=0.0 - reward,
        skip=not activated or logged,
        mode=interaction.mode if interaction.mode != "Online" else None,
        drop=interaction.drop,
        deferred=deferred,
        o=[_observed(one) for one in observations],
        holdback=interaction.holdback,
    )
    earned = (0.0 - single.original_cost,)
    line, context = dsjson.encode(single), bytes(interaction.c)
    return Joined(line, bool(rewards), not activated, foreign, logged, lesson, earned, context)


def _cost(mode: str | None, actions: Sequence[int], reward: float) -> float:
    if mode == "Apprentice":
        return -1.0 if actions[0] == 1 else 0.0
    return 0.0 - reward


def relabelled(lines: bytes, config: LoopConfig, *, imported: bool = False) -> bytes:
    """Lines of the log with the costs that their outcomes have under these settings; other lines as they are.

    imported: of lines that others have written, a label stays that no outcome gives. In our own, a line without an
    outcome was not rewarded.
    """
    return b"".join([_relabelled(line, config, imported) for line in lines.splitlines(keepends=True)])


def _relabelled(line: bytes, config: LoopConfig, imported: bool) -> bytes:
    if dsjson.is_multi_slot(line):
        return slot_lines.relabelled(line, config, imported=imported)
    try:
        known = _decode(line)
    except msgspec.DecodeError:
        return line
    rewards = [one.v for one in known.o if not one.taken and one.v is not None]
    if imported and (not rewards or dsjson.is_of_apprentice(known.cost, known.original_cost, known.action)):
        return line
    reward = aggregate(rewards, config.aggregation, config.default_reward)
    cost = _cost(known.mode, known.a, reward)
    return dsjson.encode(msgspec.structs.replace(known, cost=cost, original_cost=0.0 - reward))


def _observed(one: Observation) -> Observed:
    return Observed(v=one.value, id=one.id, taken=one.kind == "activation", at=one.at)


@lru_cache(1)  # all events of a message have the same
def timestamp(at: int) -> str:
    """Milliseconds since 1970 as ISO 8601 in UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
