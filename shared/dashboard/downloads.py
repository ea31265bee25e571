"""Files that a page offers: a model, a policy, the report of an evaluation."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import azure.functions as func
import msgspec

from shared.admin import models
from shared.auth import Permission
from shared.dashboard import answers, assets, frame
from shared.dashboard.markup import Html, main, tag
from shared.dashboard.page import Call
from shared.dashboard.pages.evaluation.data import load
from shared.dashboard.pages.evaluation.page import view


class Download(NamedTuple):
    """needs: what whoever takes it has to be permitted."""

    make: Callable[[Call], Awaitable[func.HttpResponse]]
    needs: Permission = Permission.ADMINISTER


async def model(call: Call) -> func.HttpResponse:
    """The same as `GET /model`."""
    signed = call.given.get("signed") == "true"
    found = await models.export(call.service, call.of, signed=signed)
    return answers.file(found.data, f"{call.of.loop}.{'zip' if signed else 'vw'}")


async def policy(call: Call) -> func.HttpResponse:
    """The same as `GET /configurations/policy`."""
    config = await call.of.read_config()
    body = {"name": config.policy.name, "arguments": config.arguments}
    return answers.file(msgspec.json.encode(body), f"{call.of.loop}-policy.json", "application/json")


async def report(call: Call) -> func.HttpResponse:
    """An evaluation as one file of HTML that needs nothing else."""
    data = await load(call)
    reader = call._replace(visitor=call.visitor._replace(permissions=frozenset((Permission.READ,))))
    style = Html(assets.known()["style.css"].data.decode())
    head = tag(
        "head", tag("meta", charset="utf-8"), tag("title", f"{data.job.name} · {frame.NAME}"), tag("style", style)
    )
    body = tag("body", main(view(data, reader)))
    page = f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"
    return answers.file(page.encode(), f"{call.of.loop}-evaluation.html", "text/html")


DOWNLOADS = {
    "model-file": Download(model),
    "policy-file": Download(policy),
    "evaluation-report": Download(report, Permission.READ),
}
