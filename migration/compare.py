"""The command `compare`: is the new loop as good as the old one was? Answered from the old log, before the switch."""

import argparse
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from evaluation import compare, executors, output, report
from evaluation.compare import Question
from evaluation.errors import EvaluationError
from migration import documents, frozen
from migration.documents import UnusableDocument
from migration.frozen import Exported
from shared import scratch
from shared.admin import policy_check
from shared.errors import ApiError
from shared.evaluation.part import ONLINE
from shared.evaluation.plan import FIVE_MINUTES_MS, Candidate
from shared.evaluation.result import Result
from shared.evaluation.slots import slot_kind
from shared.loops.config import Policy
from shared.vw import policy

OLD, NEW = "old policy", "default"


class Compared(msgspec.Struct, frozen=True):
    """policies: replayed from blank. model: the exported one, frozen, on the events after it; None if there are none.

    why: why there are none.
    """

    policies: Result
    model: Result | None = None
    why: str = ""


async def run(given: argparse.Namespace) -> int:
    """Compares, and prints what it found; raises EvaluationError."""
    output.check(given.json)
    exported, why = _exported(given)
    with scratch.folder() as name:
        folder = Path(name)
        question = await compare.asked(given, folder / "log")
        candidates = await _candidates(given, question)
        found = _found(given, question, candidates, folder / "policies")
        model = None
        if exported is not None:
            given.since = _next_five_minutes(exported.created)
            judged = frozen.candidate(exported, folder, question.config)
            if question.spool.last is not None and question.spool.last >= given.since.timestamp() * 1000:
                later = await compare.asked(given, folder / "later")
                model = _found(given, later, [judged], folder / "model")
            else:
                at = report.moment(round(exported.created.timestamp() * 1000))
                why = f"The log has no events after {at}, when it was exported."
    told = Compared(found, model, why)
    print("\n".join(_lines(told, exported)))
    if given.json is not None:
        output.write_data(given.json, msgspec.json.encode(told))
    return 0


def _next_five_minutes(at: datetime) -> datetime:
    """A period is rounded outward to five minutes: a model must not be judged on events that it has learned."""
    seconds = math.ceil(at.timestamp() * 1000 / FIVE_MINUTES_MS) * FIVE_MINUTES_MS / 1000
    return datetime.fromtimestamp(seconds, UTC)


def _exported(given: argparse.Namespace) -> tuple[Exported | None, str]:
    if given.model is None:
        return None, "Name the exported model with --model to have it judged on the events after its export."
    try:
        return frozen.exported(given.model, given.created), ""
    except UnusableDocument as error:
        raise EvaluationError(f"{given.model} is {error}.") from None


async def _candidates(given: argparse.Namespace, question: Question) -> list[Candidate]:
    """The old policy, and the one that new loops have; one if they are the same."""
    if given.policy is not None:
        try:
            old = Policy(OLD, documents.policy(given.policy)["arguments"])
        except UnusableDocument as error:
            raise EvaluationError(f"{given.policy} is {error}.") from None
    else:
        old = Policy(OLD, question.config.arguments if question.has_loop else _usual(question))
    try:
        checked = await policy_check.checked(old, question.config.exploration)
    except ApiError as error:
        raise EvaluationError(f"The {OLD}: {error.message}") from None
    several = question.is_multi_slot
    wrong = slot_kind.misfit(f"The {OLD}", checked.arguments, is_multi_slot=several)
    if wrong is not None:
        raise EvaluationError(wrong)
    explored = question.config.with_policy(checked).exploration
    newest = policy.MULTI_SLOT_ARGUMENTS if several else policy.DEFAULT_ARGUMENTS
    new = Candidate(NEW, newest, question.config.exploration)
    if checked.parsed.learns_like(policy.parse(newest)):
        return [new]
    return [Candidate(OLD, checked.arguments, explored), new]


def _usual(question: Question) -> str:
    return policy.MULTI_SLOT_ARGUMENTS if question.is_multi_slot else policy.HISTORIC_ARGUMENTS


def _found(given: argparse.Namespace, question: Question, candidates: list[Candidate], folder: Path) -> Result:
    made = compare.planned(question, candidates)
    with executors.of(given) as executor:
        return compare.combined(question, made, compare.worked(given, made, question, executor, folder))


def _lines(told: Compared, exported: Exported | None) -> Iterator[str]:
    yield from report.lines(told.policies)
    yield ""
    yield "Is the new loop as good as the old one?"
    yield from (f"  {_answer(told.policies, name, words)}" for name, words in _ASKED.items())
    if told.model is None or exported is None:
        yield f"  The exported model was not judged. {told.why}"
        return
    at = report.moment(round(exported.created.timestamp() * 1000))
    yield f"  On {told.model.decisions:,.0f} decisions since {at}, when it was exported: "
    yield f"  {_answer(told.model, frozen.NAME, 'The exported model, frozen,')}"


_ASKED = {
    NEW: "A new loop with the default policy, which learns from blank,",
    OLD: "One with the old policy, also from blank,",
}


def _answer(found: Result, name: str, words: str) -> str:
    one = next((one for one in found.policies if one.name == name), None)
    if one is None:
        return found.failed.get(name, "The old policy learns as the default one does.")
    compared = report.compared(one, ONLINE)
    if one.unreliable or compared is None:
        return f"{words} cannot be judged by this log. {' '.join(one.unreliable)}"
    earned = f"{report.difference(compared)} per decision"
    if not compared.decided:
        return f"{words} earns as much as was served, as far as this log can show: {earned}."
    return f"{words} earns {'more' if compared.difference > 0 else 'less'} than was served: {earned}."
