"""The command `features`: what each feature is worth to a policy."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import msgspec

from evaluation import compare, executors, output
from evaluation.errors import EvaluationError
from evaluation.figures import figure, signed
from shared import scratch
from shared.evaluation import importance
from shared.evaluation.features import Group
from shared.evaluation.importance import Importance, Importances
from shared.evaluation.slots import slot_kind

_HEAD = ("score", "feature", "earns less without it", "95 % interval, all together")


async def run(given: argparse.Namespace) -> int:
    """Judges features and prints them; raises EvaluationError."""
    output.check(given.json)
    if len(given.policy) > 1:
        raise EvaluationError("Features are judged for one policy: leave out all --policy but one.")
    with scratch.folder() as folder:
        question = await compare.asked(given, Path(folder, "log"))
        question.check_single(slot_kind.NO_FEATURES)
        known = await question.candidates(given.policy)
        groups = question.spool.features.groups()
        if not groups:
            raise EvaluationError("The events of this log have no features to leave out.")
        blank = msgspec.structs.replace(compare.planned(question, []), held_out=0)
        made = importance.planned(known[0], groups, blank)
        with executors.of(given) as executor:
            outcome = compare.worked(given, made, question, executor, Path(folder, "work"))
    found = importance.combine(made, groups, outcome.parts, outcome.failed)
    if found is None:
        why = outcome.failed.get(
            importance.ALL, "Its events stand for others that were dropped: they cannot be paired."
        )
        raise EvaluationError(f"Features cannot be judged on this log. {why}")
    print("\n".join(_lines(found, groups)))
    if given.json is not None:
        output.write_data(given.json, msgspec.json.encode(found))
    return 0


def _lines(found: Importances, groups: list[Group]) -> Iterator[str]:
    yield f"{found.arguments}"
    yield (
        f"earns {figure(found.value)} over {found.decisions:,.0f} decisions with all features; "
        f"what was served earned {figure(found.online)}"
    )
    yield ""
    rows = [_HEAD, *map(_row, found.features)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    yield ""
    yield from (f"{title}: {reason}" for title, reason in found.failed.items())
    unknown = [one for one in found.features if not one.told_apart]
    if unknown:
        least = max(one.smallest for one in unknown)
        yield (
            f"{len(unknown)} of {len(found.features)} cannot be told apart from features that are worth nothing: this "
            f"log would show {figure(least)} and more. Features that say the same stand in for each other."
        )
    if any(len(one.paths) > 1 for one in groups):
        yield "Features in one row were left out together."
    yield "Each is left out alone, and the policy learns from here on over this log without it."


def _row(one: Importance) -> tuple[str, ...]:
    name = f"{one.namespace}.{one.feature}" if one.feature else f"{one.namespace} (all of it)"
    return f"{one.score:.2f}", name, signed(one.difference), f"{signed(one.lower)} to {signed(one.upper)}"
