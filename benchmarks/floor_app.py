"""A function app that does of Rank only what nobody can leave out: takes the body and asks VW once, with no log."""

import json
import os
from pathlib import Path

import azure.functions as func

from shared.vw.model import Model

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
_model = Model("floor", Path(os.environ["FLOOR_MODEL"]))
# By the number of a body's actions, in the path: a context in VW's JSON.
_contexts = {int(count): text.encode() for count, text in json.loads(os.environ["FLOOR_CONTEXTS"]).items()}


@app.route("floor/{actions}", methods=["POST"])
async def floor(req: func.HttpRequest) -> func.HttpResponse:
    """`POST /api/floor/{actions}`."""
    actions = int(req.route_params["actions"])
    req.get_body()
    pmf = _model.predict(_contexts[actions], actions)
    return func.HttpResponse(json.dumps(pmf), status_code=201, mimetype="application/json")
