"""Multi-slot Rank, from the decoded request to the answer and the event to be logged.

Learning modes act as in `ranking`: the baseline of a slot is its baselineAction. A decision that a holdback gives to
the baseline shows that in all slots.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from shared.hubs import events
from shared.hubs.events import Assignment
from shared.loops.config import LearningMode, LoopConfig
from shared.rank import expense, holdback
from shared.rank.features import slots_json, with_included
from shared.rank.ranking import unfit
from shared.rank.slots_wire import MultiSlotRankRequest, MultiSlotRankResponse, SlotRequest, SlotResponse
from shared.rank.wire import RankableAction
from shared.vw import sampling
from shared.vw.model import UNTRAINED, Model, PredictionError
from shared.vw.sampling import Ranking


class AskedSlot(NamedTuple):
    """A slot. open_to: the places of the actions that it may get, None for all. baseline: of its baselineAction."""

    id: str
    baseline: int
    open_to: list[int] | None


class SlotsDecision(NamedTuple):
    """A decision as it is logged: one ranking per slot, of the actions that it might have got. actions: their ids."""

    event_id: str
    actions: list[str]
    slots: list[AskedSlot]
    context: bytes
    rankings: list[Ranking]
    model: str
    mode: LearningMode
    holdback: Assignment | None = None


class SlotsAsked(NamedTuple):
    """What a model is asked. actions: their ids. is_dear, holdback_id: as in `ranking.Asked`."""

    event_id: str
    actions: list[str]
    slots: list[AskedSlot]
    context: bytes
    is_dear: bool
    holdback_id: str | None = None


def decide(
    request: MultiSlotRankRequest[Any], config: LoopConfig, model: Model | None, loop_hash: int = 0
) -> SlotsDecision:
    """Predicts and draws, slot by slot. The same request, event id, configuration and model give the same decision."""
    asked = ask(request, config.policy.arguments)
    return decided(asked, config, model, predict(asked, config, model), loop_hash)


def ask(request: MultiSlotRankRequest[Any], arguments: str) -> SlotsAsked:
    """What a model is to be asked; raises ApiError for what costs the policy too much."""
    event_id, actions, slots = request.event_id or events.new_id(), request.actions, request.slots
    open_to = available(actions, slots)
    context = slots_json(request.context_features or (), actions, slots, open_to, event_id)
    is_dear = expense.is_dear(context, len(actions), arguments, len(slots))
    places = {action.id: place for place, action in enumerate(actions)}
    asked = [AskedSlot(slot.id, places[slot.baseline_action], one) for slot, one in zip(slots, open_to, strict=True)]
    return SlotsAsked(event_id, list(places), asked, context, is_dear, request.holdback_id)


def predict(asked: SlotsAsked, config: LoopConfig, model: Model | None) -> list[Ranking] | None:
    """The model's rankings, one per slot, None if no model is to be asked; raises ModelRankingError."""
    if model is None or config.mode == "LoggingOnly":
        return None
    return _predicted(asked, model, asked.context)


def _predicted(asked: SlotsAsked, model: Model, context: bytes) -> list[Ranking]:
    try:
        return model.predict_slots(context, len(asked.slots))
    except PredictionError as error:
        raise unfit(error) from None


def decided(
    asked: SlotsAsked, config: LoopConfig, model: Model | None, rankings: list[Ranking] | None, loop_hash: int
) -> SlotsDecision:
    """The decision by what the model has drawn; without that it is drawn here.

    The model is asked more than once for some decisions of a holdback; those that are dear then are held back in no
    arm. Raises ModelRankingError.
    """
    event_id, actions, slots, context, is_dear, holdback_id = asked
    version = model.version if model is not None and rankings is not None else UNTRAINED
    if rankings is None:
        if config.mode == "LoggingOnly":
            rankings = [Ranking([slot.baseline], [1.0]) for slot in slots]
        else:
            rankings = _uniform(len(actions), slots, event_id)
    held = None
    if config.holdback is not None and not (is_dear or _is_dear_slot_by_slot(asked, config)):
        held = holdback.assign(config, loop_hash, holdback_id or event_id)
    if held is not None:
        rankings = _held(asked, model if version != UNTRAINED else None, rankings, held)
    return SlotsDecision(event_id, actions, slots, context, rankings, version, config.mode, held)


def _is_dear_slot_by_slot(asked: SlotsAsked, config: LoopConfig) -> bool:
    return expense.is_dear_slot_by_slot(asked.context, len(asked.actions), config.policy.arguments, len(asked.slots))


def _held(asked: SlotsAsked, model: Model | None, drawn: list[Ranking], assignment: Assignment) -> list[Ranking]:
    """The rankings of an arm. model: None if the policy draws evenly."""
    baselines = [slot.baseline for slot in asked.slots]
    if assignment.arm == "baseline":
        drawn = holdback.along_baselines(functools.partial(_showing, asked, model), drawn, baselines)
    return holdback.rank_slots(drawn, baselines, assignment)


def _showing(asked: SlotsAsked, model: Model | None, actions: Sequence[int]) -> list[Ranking]:
    """The policy's rankings if the first slots show these actions, being the only ones that they may get."""
    first = [slot._replace(open_to=[action]) for slot, action in zip(asked.slots, actions, strict=False)]
    if model is None:
        return _uniform(len(asked.actions), [*first, *asked.slots[len(first) :]], asked.event_id)
    return _predicted(asked, model, with_included(asked.context, actions))


def available(actions: list[RankableAction[Any]], slots: list[SlotRequest[Any]]) -> list[list[int] | None]:
    """By slot the indices of the actions it may get, None for all: those not excluded, less what is reserved.

    A slot with no more actions than slots before it might find them all taken. Its baseline action is reserved for it.
    """
    if not any(slot.excluded_actions for slot in slots):
        return [None] * len(slots)
    index = {action.id: number for number, action in enumerate(actions)}
    open_to = [set(range(len(actions))).difference(map(index.get, slot.excluded_actions or ())) for slot in slots]
    for place in reversed(range(len(slots))):
        if len(open_to[place]) <= place:
            for earlier in open_to[:place]:
                earlier.discard(index[slots[place].baseline_action])
    return [sorted(one) if len(one) < len(actions) else None for one in open_to]


def _uniform(count: int, slots: list[AskedSlot], event_id: str) -> list[Ranking]:
    """The rankings before the first model, drawn as VW draws."""
    rankings: list[Ranking] = []
    taken: set[int] = set()
    for slot in slots:
        order = [action for action in slot.open_to or range(count) if action not in taken]
        pmf = [1 / len(order)] * len(order)
        chosen = sampling.choose(pmf, sampling.draw(0, event_id + slot.id))
        order[0], order[chosen] = order[chosen], order[0]
        taken.add(order[0])
        rankings.append(Ranking(order, pmf))
    return rankings


def answer(decision: SlotsDecision) -> bytes:
    """The contract's MultiSlotRankResponse."""
    if decision.mode == "Online":
        chosen = [ranking.order[0] for ranking in decision.rankings]
    else:
        chosen = [slot.baseline for slot in decision.slots]
    slots = [SlotResponse(slot.id, decision.actions[one]) for slot, one in zip(decision.slots, chosen, strict=True)]
    return _encode(MultiSlotRankResponse(slots, decision.event_id))


def event(decision: SlotsDecision, loop: str, *, deferred: bool) -> bytes:
    """The interaction to be logged."""
    return events.encode(
        events.Interaction(
            v=events.VERSION,
            loop=loop,
            id=decision.event_id,
            at=events.now(),
            mode=decision.mode,
            deferred=deferred,
            model=decision.model,
            a=[],
            p=[],
            c=msgspec.Raw(decision.context),
            slots=[
                events.Slot(slot.id, ranking.order, ranking.probabilities)
                for slot, ranking in zip(decision.slots, decision.rankings, strict=True)
            ],
            ba=[slot.baseline for slot in decision.slots],
            holdback=decision.holdback,
        )
    )


_encode = msgspec.json.Encoder().encode
