"""One evaluation, as far as it is done."""

import msgspec

from shared.dashboard.page import Call
from shared.dashboard.pages.evaluations.data import Row, row_of
from shared.evaluation import asking
from shared.evaluation.estimate import Comparison, Estimate
from shared.evaluation.part import BASELINE, ONLINE, RANDOM
from shared.evaluation.result import Result

FIXED = (ONLINE, BASELINE, RANDOM)


class Evaluation(msgspec.Struct, frozen=True):
    """result: None as long as it is not done. settings: the arguments of each policy that was judged."""

    loop: str
    job: Row
    failed: dict[str, str]
    result: Result | None
    settings: dict[str, str]


async def load(call: Call) -> Evaluation:
    """Raises EvaluationNotFound."""
    job, outcome = await asking.get(call.of, "evaluations", call.given.get("id", ""))
    settings = {one.name: one.arguments for one in job.plan.candidates} if job.plan is not None else {}
    return Evaluation(call.of.loop, row_of(job), job.failed, outcome.result if outcome is not None else None, settings)


def best(result: Result) -> Estimate | None:
    """The policy to look at first: the one that an optimisation chose, else the best that may be promoted."""
    candidates = [one for one in result.policies if one.verdict is not None]
    chosen = next((one for one in candidates if one.name == result.chosen), None)
    good = [one for one in candidates if one.verdict is not None and one.verdict.promoted]
    return chosen or max(good, key=lambda one: one.value, default=None)


def with_online(one: Estimate) -> Comparison | None:
    """How a policy compares with what the loop did; None if that was not compared."""
    return next((found for found in one.comparisons if found.other == ONLINE), None)
