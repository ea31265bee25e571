"""Asking for evaluations and reports on features, deleting them, and applying what an evaluation found."""

import uuid
from typing import Any

import msgspec

from shared.admin import evaluation_bodies
from shared.dashboard import figures, links
from shared.dashboard.actions import confirming
from shared.dashboard.actions.action import Action
from shared.dashboard.markup import Html
from shared.dashboard.page import Call
from shared.errors import ApiError
from shared.evaluation import asking
from shared.evaluation.job import moment
from shared.loops.config import Policy
from shared.loops.summary import DAY_MS


async def make(call: Call) -> str:
    """The same as `POST /evaluations`."""
    given = call.given
    body = {
        "name": given.get("name", ""),
        "startTime": given.get("since", ""),
        "endTime": given.get("until", ""),
        "enableOfflineExperimentation": "optimizes" in given,
        "policies": policies(given.get("policies", "")),
    }
    name = str(uuid.uuid4())
    await asking.ask(call.of, asking.evaluation(name, evaluation_bodies.evaluation(msgspec.json.encode(body))))
    return links.of_loop(call.of.loop, "evaluation", id=name)


def policies(text: str) -> list[dict[str, Any]]:
    """One a line: a name, a colon, arguments. Raises InvalidEvaluationContract."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, colon, arguments = line.partition(":")
        if not colon:
            raise ApiError("InvalidEvaluationContract", f"'{line[:80]}' has no colon between name and arguments.")
        found.append({"name": name.strip(), "arguments": arguments.strip()})
    return found


async def apply(call: Call) -> str | Html:
    """The same as `POST /configurations/applyFromEvaluation`, once it is said what that replaces."""
    id, name = call.given.get("id", ""), call.given.get("policy", "")
    if confirming.is_confirmed(call):
        await asking.apply(call.of, id, name)
        return links.of_loop(call.of.loop)
    job, _ = await asking.get(call.of, "evaluations", id)
    candidates = job.plan.candidates if job.plan is not None else []
    found = next((one for one in candidates if one.name == name), None)
    if found is None:
        raise ApiError("LearningSettingsNotFound")
    config = await call.of.read_config()
    changed = config.with_policy(Policy(found.name, found.exploring))
    changes = [
        ("policy", config.policy.name, found.name),
        ("arguments", config.arguments, found.exploring),
        ("exploration", f"{config.exploration:g}", f"{changed.exploration:g}"),
    ]
    return await confirming.page(
        call, "evaluation-apply", f"Apply {found.name}", changed, changes, {"id": id, "policy": name}
    )


async def delete(call: Call) -> str:
    """The same as `DELETE /evaluations/{evaluationId}`."""
    await asking.delete(call.of, "evaluations", call.given.get("id", ""))
    return links.of_loop(call.of.loop, "evaluations")


async def make_importance(call: Call) -> str:
    """The same as `PUT /featureImportances/{featureImportanceId}`."""
    until = figures.parsed(call.given.get("until"))
    days = call.given.get("days", "")
    if until is None or not days.isdecimal() or not 1 <= int(days) <= 3650:
        raise ApiError("InvalidContract", "Give a whole number of days, 1 or more.")
    body = {
        "name": call.given.get("name", ""),
        "startTime": moment(until - int(days) * DAY_MS),
        "endTime": moment(until),
    }
    name = str(uuid.uuid4())
    await asking.ask(call.of, asking.importance(name, evaluation_bodies.feature_importance(msgspec.json.encode(body))))
    return links.of_loop(call.of.loop, "features")


async def delete_importance(call: Call) -> str:
    """The same as `DELETE /featureImportances/{featureImportanceId}`."""
    await asking.delete(call.of, "importances", call.given.get("id", ""))
    return links.of_loop(call.of.loop, "features")


ACTIONS = {
    "evaluation-make": Action("Evaluation", make, "evaluations"),
    "evaluation-apply": Action("Apply", apply, "evaluations"),
    "evaluation-delete": Action("Delete", delete, "evaluations"),
    "importance-make": Action("Features", make_importance, "features"),
    "importance-delete": Action("Delete", delete_importance, "features"),
}
