"""What is told of one event: what was asked and answered, what was observed, and what became of it."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from shared.loops.reward_sums import has_explored
from shared.rank.wire import RankedAction
from shared.vw import dsjson
from shared.vw.model import UNTRAINED

Status = Literal["waiting", "closing", "learned", "skipped", "rejected", "imported", "neverRanked", "erased"]
Fate = Literal["joined", "late", "orphan", "duplicate", "unreadable"]


class TracedObservation(msgspec.Struct, rename="camel", omit_defaults=True):
    """A reward or an activation. at: when it was received. fate: whether it counts.

    late: outside the window; orphan: nothing was ranked under this id; duplicate: the same call, stored twice.
    """

    kind: str
    at: str
    fate: Fate
    value: Any = None
    slot: str | None = None


class Slot(msgspec.Struct, rename="camel"):
    """One slot of a multi-slot event, its ranking and reward."""

    id: str
    ranking: list[RankedAction]
    explored: bool
    reward: float | None


class Arm(msgspec.Struct):
    """arm: baseline, which was shown, or policy. bucket: of the key that has decided, 0 to 99. share: of the baseline.

    window: names the assignment of keys to arms, which changes with the share.
    """

    arm: Literal["baseline", "policy"]
    bucket: int
    share: float
    window: str


class Trace(msgspec.Struct, rename="camel", omit_defaults=True):
    """An event as its administrator sees it. Members that do not apply are absent; times are ISO 8601 in UTC.

    status: waiting (until `waitingUntil` its observations are awaited), closing (that is over, the next training run
    takes it), learned, skipped (deferred and never activated, or only to be logged), rejected (logged, but the run's
    model was not fit: `refusal`), imported (in the log, from elsewhere: a model learns it when it learns the log anew),
    neverRanked (there are only observations), erased (on `erasedAt`; nothing else is told).
    mode: Online, Apprentice or LoggingOnly. model: the version that ranked it, N/A before the first. explored: the
    action shown was not the most probable one; never before the first model. reward: the aggregated one, or the default
    one. holdback: the arm of a decision that was ranked with a holdback.
    Of an apprentice, chosenAction is the baseline, which was answered; ownAction and ranking are the model's.
    learnedBy: the first model version that has learned it, or only its run if that model is deleted; learnedAt: when
    its run stored it. A reward of a logged event is told as late once the trainer's next run has read it.
    repeatedAt: when the same event was ranked again within its window, which does not count.
    interactions: of the namespaces that the loop's current model crosses, if it has ranked the event.
    context, actions: the shared features, and the candidates with theirs, as logged.
    note: what this answer could not find out.
    """

    event_id: str
    loop: str
    status: Status
    ranked_at: str | None = None
    waiting_until: str | None = None
    learned_by: str | None = None
    learned_at: str | None = None
    refusal: str | None = None
    mode: str | None = None
    model: str | None = None
    explored: bool | None = None
    chosen_action: str | None = None
    own_action: str | None = None
    ranking: list[RankedAction] | None = None
    slots: list[Slot] | None = None
    reward: float | None = None
    holdback: Arm | None = None
    erased_at: str | None = None
    observations: list[TracedObservation] = []
    repeated_at: list[str] = []
    interactions: list[str] | None = None
    context: Any = None
    actions: Any = None
    note: str | None = None


class _Observed(msgspec.Struct, rename=dsjson.OBSERVED):
    v: Any = None
    taken: bool = False
    at: str = ""
    slot: str | None = None


class _Slot(msgspec.Struct, rename=dsjson.SLOT, kw_only=True):
    """The outcome of a slot. VW takes a single action and its probability without lists, and slots without ids."""

    cost: float
    id: Any = None
    a: list[int] | int
    p: list[float] | float
    original_cost: float | None = None
    o: list[_Observed] = []


class _State(msgspec.Struct):
    m: str = UNTRAINED


class _Line(msgspec.Struct, rename=dsjson.LINE):
    """A line of the joined log, ours or imported."""

    id: str
    c: msgspec.Raw
    at: str | None = None
    a: list[int] = []
    p: list[float] = []
    state: _State = msgspec.field(default_factory=_State)
    cost: float | None = None
    original_cost: float | None = None
    skip: bool = False
    mode: str = "Online"
    o: list[_Observed] = []
    slots: list[_Slot] = []
    holdback: Arm | None = None


class _Action(msgspec.Struct, rename=dsjson.ACTION):
    tag: str = ""
    i: dict[str, Any] = {}
    j: Any = None


class _Named(msgspec.Struct, rename=dsjson.SLOT):
    id: Any = None


class _Context(msgspec.Struct, rename=dsjson.CONTEXT):
    shared: Any = None
    actions: list[_Action] = []
    slots: list[_Named] = []


_line, _context = msgspec.json.Decoder(_Line), msgspec.json.Decoder(_Context)


def from_line(line: bytes, loop: str, status: Status) -> Trace:
    """The trace of an event as its joined line has it; a line to be skipped has the status skipped, or still waits."""
    event = _line.decode(line)
    context = _context.decode(event.c)
    ids = [action.tag or str(action.i.get("id", number + 1)) for number, action in enumerate(context.actions)]
    own = _name(ids, event.a[0] - 1) if event.a else None
    imitates = event.mode == "Apprentice"
    observed = [*event.o, *(one for slot in event.slots for one in slot.o)]
    return Trace(
        event_id=event.id,
        loop=loop,
        status="skipped" if event.skip and status == "learned" else status,
        ranked_at=event.at,
        mode=event.mode,
        model=event.state.m,
        explored=has_explored(event.p, event.state.m, event.mode) if event.p else None,
        chosen_action=ids[0] if imitates and event.a else own,
        own_action=own if imitates else None,
        ranking=_ranking(ids, [number - 1 for number in event.a], event.p) if event.a else None,
        slots=[
            _slot(slot, name, ids, event)
            for slot, name in zip(event.slots, _slot_names(event.slots, context.slots), strict=True)
        ]
        or None,
        reward=_reward(event.cost, event.original_cost),
        holdback=event.holdback,
        observations=[_observation(one) for one in observed],
        context=context.shared,
        actions=[{"id": name, "features": action.j} for name, action in zip(ids, context.actions, strict=True)],
    )


def _slot(slot: _Slot, name: str, ids: list[str], event: _Line) -> Slot:
    actions = [slot.a] if isinstance(slot.a, int) else slot.a
    probabilities = [slot.p] if isinstance(slot.p, float) else slot.p
    explored = has_explored(probabilities, event.state.m, event.mode)
    return Slot(name, _ranking(ids, actions, probabilities), explored, _reward(slot.cost, slot.original_cost))


def _slot_names(outcomes: list[_Slot], slots: list[_Named]) -> list[str]:
    """What slots are called: by the id in their outcome, in their features, or else by their numbers, from 1."""
    given = [[outcome.id] + [slot.id for slot in slots[place : place + 1]] for place, outcome in enumerate(outcomes)]
    return [next((str(one) for one in ids if one is not None), str(place)) for place, ids in enumerate(given, 1)]


def _reward(cost: float | None, original_cost: float | None) -> float | None:
    """What was rewarded; an apprentice learns the cost of something else."""
    known = cost if original_cost is None else original_cost
    return None if known is None else 0.0 - known


def _ranking(ids: list[str], order: Iterable[int], probabilities: list[float]) -> list[RankedAction]:
    return [RankedAction(_name(ids, index), one) for index, one in zip(order, probabilities, strict=False)]


def _name(ids: list[str], index: int) -> str:
    return ids[index] if 0 <= index < len(ids) else str(index + 1)


def _observation(one: _Observed) -> TracedObservation:
    return TracedObservation("activation" if one.taken else "reward", one.at, "joined", one.v, one.slot)
