"""What an evaluation found, in a sentence."""

from shared.auth import Permission
from shared.dashboard import figures, links, parts
from shared.dashboard.markup import Html, div, p
from shared.dashboard.page import Call
from shared.dashboard.pages.evaluation.applying import applying
from shared.dashboard.pages.evaluation.data import Evaluation, best, with_online
from shared.evaluation.estimate import Estimate
from shared.evaluation.part import ONLINE
from shared.evaluation.result import Result
from shared.monitoring.states import State


def shown(data: Evaluation, result: Result, call: Call) -> Html:
    """The sentence, with what can be done about it."""
    online = next(one for one in result.policies if one.name == ONLINE)
    found = best(result)
    basis = (
        f"{figures.plural(result.decisions, 'event')}, rewards {result.rewards.lower:g} to {result.rewards.upper:g}."
    )
    state: State = "unknown"
    if not result.decisions:
        word, sentence, about = "No events", "No event of this period can be judged.", " ".join(result.notes)
    elif found is not None and found.verdict is not None and found.verdict.promoted:
        state, word = "ok", "A better policy was found"
        sentence, about = _better(found, online), f"{_difference(found)} {basis}"
    elif found is not None and found.verdict is not None:
        word, sentence = "Nothing better was found", f"{found.name} is not shown to earn more than this loop does."
        about = f"{' '.join(found.verdict.reasons)} {basis}"
    else:
        word, sentence = "Done", f"This loop earned {figures.reward(online.value)} per decision."
        about = basis
    action = _buttons(data, found if state == "ok" else None, call)
    return parts.verdict(state, word, sentence, about, action)


def _better(found: Estimate, online: Estimate) -> str:
    if online.value <= 0:
        return f"{found.name} would earn {figures.reward(found.value - online.value)} more per decision than this loop."
    return f"{found.name} would earn {figures.percent(found.value / online.value - 1)} more than this loop does."


def _difference(found: Estimate) -> str:
    compared = with_online(found)
    if compared is None:
        return ""
    ends = f"{figures.signed(compared.lower)} to {figures.signed(compared.upper)}"
    smallest = f"the smallest that this log can show is {figures.reward(compared.smallest)}"
    return f"Paired 95 % interval of the difference {ends}; {smallest}."


def _buttons(data: Evaluation, found: Estimate | None, call: Call) -> Html:
    applied = (
        applying(data, found.name, f"Apply {found.name}", "primary")
        if found is not None and call.may(Permission.ADMINISTER)
        else None
    )
    report = parts.link("Download report", links.of_loop(data.loop, "evaluation-report", id=data.job.id))
    period = figures.between(data.job.since, data.job.until)
    return div(div(applied, report, cls="buttons"), p(data.job.name, ", ", period, cls="muted small gap"))
