"""Rank, from the decoded request to the answer and the event to be logged.

What the learning mode makes of it (the baseline is the first action that is not excluded):

=========== ============================================= =========================================
mode        answered                                      logged
=========== ============================================= =========================================
Online      what the model draws                          the same
Apprentice  the baseline with probability 1, the others   what the model would have drawn, and its
            with 0, in the caller's order                 probabilities
LoggingOnly as in Apprentice                              the same; no model is asked
=========== ============================================= =========================================

A holdback (`holdback`) has a share of the decisions in mode Online show the baseline.

In every mode excluded actions are answered where they stand in the request, with probability 0, and are not logged.
"""

from typing import Any, NamedTuple

import msgspec

from shared.errors import ApiError
from shared.hubs import events
from shared.hubs.events import Assignment
from shared.loops.config import LoopConfig
from shared.rank import expense, holdback
from shared.rank.features import vw_json
from shared.rank.wire import ActionExplanation, RankableAction, RankedAction, RankRequest, RankResponse
from shared.vw import sampling
from shared.vw.model import UNTRAINED, Model, PredictionError, uniform
from shared.vw.sampling import Ranking


class Asked(NamedTuple):
    """What a model is asked. candidates, excluded: as in Decision. is_dear: it is predicted beside the event loop.

    holdback_id: what decides about the arm of a holdback, the event id if it is None.
    """

    event_id: str
    candidates: list[str]
    excluded: dict[int, str]
    context: bytes
    is_dear: bool
    holdback_id: str | None = None


class Decision(NamedTuple):
    """A ranking as it is logged; `candidates` are the ids of the actions that were not excluded, the baseline first.

    excluded: those of the other actions by their places in the request, in order. holdback: None without one.
    """

    event_id: str
    candidates: list[str]
    excluded: dict[int, str]
    context: bytes
    ranking: Ranking
    model: str
    mode: str
    holdback: Assignment | None = None


def decide(request: RankRequest[Any], config: LoopConfig, model: Model | None, loop_hash: int) -> Decision:
    """Predicts and draws. The same request, event id, configuration and model give the same decision."""
    asked = ask(request, config.policy.arguments)
    return draw(asked, config, model, predict(asked, config, model), loop_hash)


def ask(request: RankRequest[Any], arguments: str) -> Asked:
    """What a model is to be asked; raises ApiError for what cannot be logged, or costs the policy too much."""
    candidates, excluded = _split(request)
    context = vw_json(request.context_features or (), candidates)
    if len(context) > events.LARGEST_CONTEXT_BYTES:
        limit = f"{len(context)} bytes as logged, {events.LARGEST_CONTEXT_BYTES} allowed; send fewer features."
        raise ApiError("PayloadSizeExceeded", f"Exceeds maximum allowed payload size: {limit}")
    is_dear = expense.is_dear(context, len(candidates), arguments)
    ids = [action.id for action in candidates]
    return Asked(request.event_id or events.new_id(), ids, excluded, context, is_dear, request.holdback_id)


def predict(asked: Asked, config: LoopConfig, model: Model | None) -> list[float] | None:
    """The pmf of the model over the candidates, None if no model is to be asked; raises ModelRankingError."""
    if model is None or config.mode == "LoggingOnly":
        return None
    try:
        return model.predict(asked.context, len(asked.candidates))
    except PredictionError as error:
        raise unfit(error) from None


def unfit(error: PredictionError) -> ApiError:
    """What a request is refused with that the model cannot rank."""
    return ApiError("ModelRankingError", f"The model could not rank the actions: {error}.")


def draw(asked: Asked, config: LoopConfig, model: Model | None, pmf: list[float] | None, loop_hash: int) -> Decision:
    """The decision by the pmf of the model; without one the actions are equally likely."""
    event_id, candidates, excluded, context, _, holdback_id = asked
    version, held = model.version if model else UNTRAINED, None
    if config.mode == "LoggingOnly":
        ranking, version = sampling.certain(len(asked.candidates)), UNTRAINED
    else:
        pmf = uniform(len(asked.candidates)) if pmf is None else _served(asked, config, model, pmf)
        point = sampling.draw(loop_hash, event_id)
        held = holdback.assign(config, loop_hash, holdback_id or event_id) if config.holdback is not None else None
        ranking = sampling.rank(pmf, point) if held is None else holdback.rank(pmf, point, held)
    return Decision(event_id, candidates, excluded, context, ranking, version, config.mode, held)


def _served(asked: Asked, config: LoopConfig, model: Model | None, pmf: list[float]) -> list[float]:
    """What is drawn from, of what the model says."""
    if model is not None and model.exploration is not None:
        pmf = model.exploration.served(pmf, asked.candidates, config.exploration)
    return sampling.cap_exploration(pmf, config.exploration)


def _split(request: RankRequest[Any]) -> tuple[list[RankableAction[Any]], dict[int, str]]:
    if not request.excluded_actions:
        return request.actions, {}
    names = set(request.excluded_actions)
    candidates = [action for action in request.actions if action.id not in names]
    if not candidates:
        raise ApiError("InvalidRankRequest", "All actions are excluded; leave at least one.", target="excludedActions")
    return candidates, {place: action.id for place, action in enumerate(request.actions) if action.id in names}


def answer(decision: Decision, explanation: list[ActionExplanation] | None = None) -> bytes:
    """The contract's RankResponse: candidates in drawn order, the chosen one first, around the excluded ones."""
    candidates = decision.candidates
    order, probabilities = decision.ranking if decision.mode == "Online" else sampling.certain(len(candidates))
    ranking = [
        RankedAction(candidates[index], probability) for index, probability in zip(order, probabilities, strict=True)
    ]
    chosen = ranking[0].id
    for place, name in decision.excluded.items():
        ranking.insert(place, RankedAction(name, 0.0))
    return _encode(RankResponse(ranking, decision.event_id, chosen, explanation))


def event(decision: Decision, loop: str, *, deferred: bool) -> bytes:
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
            a=[index + 1 for index in decision.ranking.order],
            p=decision.ranking.probabilities,
            c=msgspec.Raw(decision.context),
            holdback=decision.holdback,
        )
    )


_encode = msgspec.json.Encoder().encode
