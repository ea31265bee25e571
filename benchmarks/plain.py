"""Rank as one would write it first: pydantic on every field, dictionaries, json, VW's public predict."""

import json
import random
import uuid
from pathlib import Path
from typing import Annotated, Any

import vowpalwabbit
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from shared.rank.wire import LONGEST_ID, MAX_ACTIONS

Features = dict[str, str | float | bool | None]


class Action(BaseModel):
    id: Annotated[str, Field(min_length=1, max_length=LONGEST_ID)]
    features: Annotated[list[Features], Field(min_length=1)]


class Request(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)

    actions: Annotated[list[Action], Field(min_length=1, max_length=MAX_ACTIONS)]
    context_features: list[Features] | None = None
    excluded_actions: list[str] | None = None
    event_id: Annotated[str, Field(min_length=1, max_length=LONGEST_ID)] | None = None
    defer_activation: bool | None = False


class Ranker:
    """A loaded model."""

    def __init__(self, model: Path) -> None:
        self._workspace = vowpalwabbit.Workspace(arg_list=["-i", str(model), "--testonly", "--json", "--quiet"])

    def ranked(self, body: bytes) -> tuple[str, list[tuple[str, float]]]:
        """`rank` of the request in a body."""
        return self.rank(Request.model_validate_json(body))

    def rank(self, request: Request) -> tuple[str, list[tuple[str, float]]]:
        """The event id and the ranking, the drawn action first."""
        pmf = self._workspace.predict(json.dumps(_vw_json(request)))
        order = sorted(range(len(pmf)), key=lambda index: pmf[index], reverse=True)
        chosen = random.choices(order, [pmf[index] for index in order])[0]
        order.remove(chosen)
        ranking = [(request.actions[index].id, pmf[index]) for index in [chosen, *order]]
        return request.event_id or str(uuid.uuid4()), ranking


def _vw_json(request: Request) -> dict[str, Any]:
    actions = [
        {"_tag": action.id, "i": {"constant": 1, "id": action.id}, "j": action.features} for action in request.actions
    ]
    return {"FromUrl": request.context_features or [], "_multi": actions}
