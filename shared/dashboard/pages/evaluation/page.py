"""One evaluation: a sentence, then every policy on the same events."""

from typing import Any

from shared.auth import Permission
from shared.dashboard import figures, links, parts
from shared.dashboard.markup import Html, code, div, h1, h3, join, p
from shared.dashboard.page import Call, Page
from shared.dashboard.pages.evaluation import course, finding, policies, slots
from shared.dashboard.pages.evaluation.data import Evaluation, load
from shared.dashboard.pages.evaluations.listed import state_of
from shared.evaluation.result import Result


def view(data: Evaluation, call: Call) -> Html:
    """The page."""
    if data.result is None:
        return join(_unfinished(data), _ending(data, call))
    return join(
        finding.shown(data, data.result, call),
        parts.card(
            policies.shown(data, data.result, call),
            parts.hint("The dotted line is what this loop earned."),
            name="Policies on the same events",
            more="policies",
        ),
        slots.shown(data.result),
        course.shown(data.result),
        _notes(data.result),
        _settings(data),
        _ending(data, call),
    )


def _unfinished(data: Evaluation) -> Html:
    is_open = data.job.state in ("waiting", "running")
    events = "" if data.job.events is None else f" It reads {figures.plural(data.job.events, 'event')}."
    sentence = "It is being worked." if data.job.state == "running" else "It waits for its turn."
    told = div(state_of(data.job.state), h1(data.job.name), p(data.job.reason or f"{sentence}{events}", cls="muted"))
    watched: dict[str, Any] = {"data_watch": 3} if is_open else {"data_ended": True}
    return parts.card(told, more="verdict unknown", **watched)


def _notes(result: Result) -> Html | None:
    lines = [*result.notes]
    lines += [f"{figures.count(count)} events were not judged: {reason}." for reason, count in result.skipped.items()]
    lines += [f"{name} could not be judged: {reason}" for name, reason in result.failed.items()]
    if not lines:
        return None
    return parts.card([p(line, cls="small gap") for line in lines], name="To know", width=4)


def _settings(data: Evaluation) -> Html | None:
    if not data.settings:
        return None
    shown = [join(h3(name), code(arguments)) for name, arguments in data.settings.items()]
    return parts.card(parts.folded("Learning settings of the policies", shown))


def _ending(data: Evaluation, call: Call) -> Html | None:
    if not call.may(Permission.ADMINISTER):
        return None
    url = links.of_loop(data.loop, "evaluation-delete")
    gone = parts.post(url, "Delete it", kind="danger", hidden={"id": data.job.id})
    about = "The evaluation and its figures are gone then; policy, model and log stay as they are."
    return parts.card(parts.folded("Delete this evaluation", p(about, cls="muted small"), gone))


PAGE = Page("Evaluation", load, view, "evaluations")
