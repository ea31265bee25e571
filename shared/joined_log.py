"""Joined events as lines of dsjson, the format every VW tool reads."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec

from shared.events import Interaction, Observation
from shared.loops import LoopConfig
from shared.rewards import aggregate


class _Outcome(msgspec.Struct, gc=False, omit_defaults=True, kw_only=True):
    v: float | None = None
    event_id: str = msgspec.field(name="EventId")
    action_taken: bool = msgspec.field(name="ActionTaken")
    at: str = ""


class _State(msgspec.Struct, gc=False):
    m: str


class _Line(msgspec.Struct, gc=False, omit_defaults=True):
    cost: float = msgspec.field(name="_label_cost")
    probability: float = msgspec.field(name="_label_probability")
    action: int = msgspec.field(name="_label_Action")
    index: int = msgspec.field(name="_labelIndex")
    timestamp: str = msgspec.field(name="Timestamp")
    version: str = msgspec.field(name="Version")
    event_id: str = msgspec.field(name="EventId")
    a: list[int]
    c: msgspec.Raw
    p: list[float]
    state: _State = msgspec.field(name="VWState")
    original_cost: float = msgspec.field(name="_original_label_cost")
    skip: bool = msgspec.field(name="_skipLearn", default=False)
    o: list[_Outcome] = []


class Joined(NamedTuple):
    """One joined event: its line of the log, and what the counters want to know."""

    line: bytes
    rewarded: bool
    skipped: bool


class _Named(msgspec.Struct):
    event_id: str = msgspec.field(name="EventId")


_encode = msgspec.json.Encoder().encode
_named = msgspec.json.Decoder(_Named)


def id_of(line: bytes) -> str | None:
    """The event id of a line; None if it has none, being somebody else's."""
    try:
        return _named.decode(line).event_id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def join_line(interaction: Interaction, at: int, observations: Sequence[Observation], config: LoopConfig) -> Joined:
    """The line of an interaction, closed, with its observations in order. `at`: its enqueued time, ms since 1970.

    The cost is minus the reward. Deferred and never activated: marked to be skipped by the learner.
    """
    rewards = [one.value for one in observations if one.kind == "reward" and one.value is not None]
    activated = not interaction.deferred or any(one.kind == "activation" for one in observations)
    cost = 0.0 - aggregate(rewards, config.aggregation, config.default_reward)
    line = _Line(
        cost=cost,
        probability=interaction.p[0],
        action=interaction.a[0],
        index=interaction.a[0] - 1,
        timestamp=timestamp(at),
        version="1",
        event_id=interaction.id,
        a=interaction.a,
        c=interaction.c,
        p=interaction.p,
        state=_State(interaction.model),
        original_cost=cost,
        skip=not activated,
        o=[_outcome(one) for one in observations],
    )
    return Joined(_encode(line) + b"\n", bool(rewards), not activated)


def _outcome(observation: Observation) -> _Outcome:
    taken = observation.kind == "activation"
    return _Outcome(v=observation.value, event_id=observation.id, action_taken=taken, at=observation.at)


@lru_cache(1)  # all events of a message have the same
def timestamp(at: int) -> str:
    """Milliseconds since 1970 as ISO 8601 in UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
