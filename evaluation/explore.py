"""The command `explore`: the same policy with more and with less exploration."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import msgspec

from evaluation import compare, executors, output, report
from evaluation.errors import EvaluationError
from shared import scratch
from shared.evaluation import result
from shared.evaluation.diagnostics import EFFECTIVE_EVENTS
from shared.evaluation.part import BASELINE, RANDOM, Unit
from shared.evaluation.plan import Candidate
from shared.evaluation.result import Result
from shared.vw import policy

SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
LABEL = "Same log, other exploration: slower or faster learning is not in it."
_ONLY_SINGLE = "The log decides about several slots: other exploration is tried on decisions about one slot alone."
# More decisions than anybody makes: the exploration never shows what the policy would do.
_NEVER = 1e15


class Explored(msgspec.Struct, frozen=True):
    """What a policy earns with an explorationPercentage, 0 to 1.

    needed: by the names of policies that know nothing, how many decisions so served make EFFECTIVE_EVENTS expected
    effective ones, with which they can be judged; None if no number does.
    """

    exploration: float
    value: float
    lower: float
    upper: float
    needed: dict[str, float | None]


async def run(given: argparse.Namespace) -> int:
    """Judges the policy at each exploration and prints it; raises EvaluationError."""
    output.check(given.json)
    if len(given.policy) > 1:
        raise EvaluationError("Exploration is judged for one policy: leave out all --policy but one.")
    with scratch.folder() as folder:
        question = await compare.asked(given, Path(folder, "log"))
        question.check_single(_ONLY_SINGLE)
        base = (await question.candidates(given.policy))[0]
        made = msgspec.structs.replace(
            compare.planned(question, [_at(base, share) for share in SHARES]), held_out=0, looks_ahead=True
        )
        with executors.of(given) as executor:
            outcome = compare.worked(given, made, question, executor, Path(folder, "work"))
    found = compare.combined(question, made, outcome)
    every = range(len(made.stretches))
    explored = []
    for candidate in made.candidates:
        if candidate.name in found.failed:
            raise EvaluationError(found.failed[candidate.name])
        judged = result.merged(outcome.parts, candidate.name, Unit(candidate.name, 0), every)
        n = float(judged.sums.n)
        needed = {name: EFFECTIVE_EVENTS * float(squares) / n for name, squares in judged.shows.items() if n}
        one = next(one for one in found.policies if one.name == candidate.name)
        explored.append(
            Explored(
                candidate.exploration,
                one.value,
                one.lower,
                one.upper,
                {name: count if count < _NEVER else None for name, count in needed.items()},
            )
        )
    print("\n".join(_lines(base, found, explored)))
    if given.json is not None:
        output.write_data(given.json, msgspec.json.encode(explored))
    return 0


def _at(base: Candidate, share: float) -> Candidate:
    """The policy with that explorationPercentage."""
    return Candidate(f"exploration {share:g}", policy.parse(base.arguments).exploring(share), share)


def _lines(base: Candidate, found: Result, explored: list[Explored]) -> Iterator[str]:
    yield base.arguments
    yield LABEL
    yield ""
    head = ("exploration", "reward", "95 % interval", f"decisions to judge {RANDOM}", f"decisions to judge {BASELINE}")
    rows = [head, *map(_row, explored)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    yield ""
    yield f"Decisions to judge: so many, served so, make {EFFECTIVE_EVENTS} expected effective ones of that policy."
    yield from found.notes


def _row(one: Explored) -> tuple[str, ...]:
    needed = (one.needed.get(name) for name in (RANDOM, BASELINE))
    counts = ("never" if count is None else f"{count:,.0f}" for count in needed)
    return f"{one.exploration:g}", f"{one.value:.4f}", report.interval(one.lower, one.upper), *counts
