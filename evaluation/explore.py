"""The command `explore`: the same policy with more and with less exploration."""

import argparse
import math
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from evaluation import compare, executors, output, report
from evaluation.compare import Question
from evaluation.errors import EvaluationError
from evaluation.figures import figure
from evaluation.runner import Outcome
from shared import scratch
from shared.evaluation import result
from shared.evaluation.diagnostics import EFFECTIVE_EVENTS
from shared.evaluation.part import BASELINE, RANDOM, Judged, Unit
from shared.evaluation.plan import Candidate, Plan
from shared.evaluation.result import Result
from shared.vw import policy

SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
LABEL = "Same log, other exploration: slower or faster learning is not in it."
_ONLY_SINGLE = "The log decides about several slots: other exploration is tried on decisions about one slot alone."
# More decisions than anybody makes: the exploration never shows what the policy would do.
_NEVER = 1e15


class Explored(msgspec.Struct, frozen=True):
    """What a policy earns with an explorationPercentage, 0 to 1.

    needed: by the names of policies, of those that know nothing and of the best one that is no exploration of this
    policy, how many decisions so served make EFFECTIVE_EVENTS expected effective ones, with which they can be judged;
    None if no number does.
    """

    exploration: float
    value: float
    lower: float
    upper: float
    needed: dict[str, float | None]


async def run(given: argparse.Namespace) -> int:
    """Judges the policy at each exploration and prints it; raises EvaluationError."""
    output.check(given.json)
    with scratch.folder() as folder:
        question = await compare.asked(given, Path(folder, "log"))
        question.check_single(_ONLY_SINGLE)
        base, *others = await _policies(question, given.policy)
        explored = [_at(base, share) for share in SHARES]
        made = msgspec.structs.replace(compare.planned(question, [*explored, *others]), held_out=0, looks_ahead=True)
        with executors.of(given) as executor:
            outcome = compare.worked(given, made, question, executor, Path(folder, "work"))
    found = compare.combined(question, made, outcome)
    failed = next((found.failed[one.name] for one in explored if one.name in found.failed), None)
    if failed is not None:
        raise EvaluationError(failed)
    judged = {one.name: _judged(made, outcome, one.name) for one in made.candidates if one.name not in found.failed}
    estimates = {one.name: one for one in found.policies}
    best = max((one.name for one in others if one.name in judged), key=lambda name: estimates[name].value, default=None)
    every = []
    for candidate in explored:
        needed = _needed(judged[candidate.name])
        if best is not None:
            needed[best] = _needed_for(judged[best], judged[candidate.name])
        one = estimates[candidate.name]
        every.append(Explored(candidate.exploration, one.value, one.lower, one.upper, needed))
    print("\n".join(_lines(base, found, every)))
    if given.json is not None:
        output.write_data(given.json, msgspec.json.encode(every))
    return 0


async def _policies(question: Question, given: Sequence[str]) -> list[Candidate]:
    """The one that is explored, and others: those that are named, or the usual ones."""
    base, *others = await question.candidates(given)
    if given and not others:
        others = await question.candidates([])
    others = [one for one in others if one.name.casefold() != base.name.casefold()]
    return [base, *(one for one in others if one.exploring != base.exploring)]


def _judged(made: Plan, outcome: Outcome, name: str) -> Judged:
    return result.merged(outcome.parts, name, Unit(name, 0), range(len(made.stretches)))


def _needed(served: Judged) -> dict[str, float | None]:
    """Decisions served so, by the policies that know nothing: exact."""
    n = float(served.sums.n)
    return {name: _told(EFFECTIVE_EVENTS * float(squares) / n) for name, squares in served.shows.items() if n}


def _needed_for(policy: Judged, served: Judged) -> float | None:
    """Decisions served so, by a policy, as the actions that the log has drawn estimate the sum of p^2 / p_served over
    all: each stands for 1 / p of them, so that it is the mean of w^2 / w_served."""
    if policy.rows is None or served.rows is None:
        return None
    mine, theirs = (array("d", one.rows or b"")[::2] for one in (policy, served))
    ratios = [w * w / by if by else math.inf for w, by in zip(mine, theirs, strict=True) if w]
    return _told(EFFECTIVE_EVENTS * math.fsum(ratios) / len(mine)) if mine else None


def _told(count: float) -> float | None:
    return count if count < _NEVER else None


def _at(base: Candidate, share: float) -> Candidate:
    """The policy with that explorationPercentage."""
    return Candidate(f"exploration {share:g}", policy.parse(base.arguments).exploring(share), share)


def _lines(base: Candidate, found: Result, explored: list[Explored]) -> Iterator[str]:
    yield base.arguments
    yield LABEL
    yield ""
    names = list(explored[0].needed)
    head = ("exploration", "reward", "95 % interval", *(f"decisions to judge {name}" for name in names))
    rows = [head, *(_row(one, names) for one in explored)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    yield ""
    yield f"Decisions to judge: so many, served so, make {EFFECTIVE_EVENTS} expected effective ones of that policy."
    for name in names:
        if name not in (RANDOM, BASELINE):
            one = next(one for one in found.policies if one.name == name)
            yield f"{name} is the best other policy: {figure(one.value)}, {report.interval(one.lower, one.upper)}."
    yield from (f"{name} is left out: {reason}" for name, reason in found.failed.items())
    yield from found.notes


def _row(one: Explored, names: Sequence[str]) -> tuple[str, ...]:
    counts = ("never" if (count := one.needed[name]) is None else f"{count:,.0f}" for name in names)
    return f"{one.exploration:g}", figure(one.value), report.interval(one.lower, one.upper), *counts
