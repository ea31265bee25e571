"""The command `optimise`: a better policy, chosen on one part of the log and judged on the rest."""

import argparse
from pathlib import Path

import msgspec

from evaluation import compare, executors, output, report
from evaluation.compare import Question
from evaluation.errors import EvaluationError
from evaluation.runner import Outcome
from shared import scratch
from shared.evaluation import grid, plan, result
from shared.evaluation.plan import Candidate, Plan
from shared.evaluation.result import Result
from shared.evaluation.slots import slot_kind


async def run(given: argparse.Namespace) -> int:
    """Looks for a policy and prints what was found; raises EvaluationError."""
    output.check(given.json, given.html)
    with scratch.folder() as folder:
        question = await compare.asked(given, Path(folder, "log"))
        question.check_single(slot_kind.NO_OPTIMISATION)
        known = await question.candidates(given.policy)
        made = planned(question, known)
        with executors.of(given) as executor:
            outcome = compare.worked(given, made, question, executor, Path(folder, "work"))
    found = judged(question, made, outcome)
    report.show(found)
    print(_advice(found))
    output.write(found, given.json, given.html)
    return 0


def planned(question: Question, known: list[Candidate]) -> Plan:
    """The race of all candidates. known: policies that are judged beside the finalists, whatever they are."""
    stretches, held_out = plan.turns(question.spool.counts, question.spool.span)
    if not held_out:
        raise EvaluationError(plan.TOO_SHORT)
    racing = grid.candidates(question.spool.schema, question.config.exploration)
    names = [one.name for one in racing]
    reward, schema = question.config.default_reward, question.spool.schema
    return Plan([*racing, *known], stretches, reward, schema, held_out, names)


def judged(question: Question, made: Plan, outcome: Outcome) -> Result:
    """The finalists and the known policies over the part of the log that chose none of them."""
    found = compare.combined(question, made, outcome, made.held_out)
    return result.of_race(made, outcome.parts, outcome.failed, found)


def _advice(found: Result) -> str:
    """What to do."""
    best = next((one for one in found.policies if one.name == found.chosen), None)
    if best is None or best.verdict is None:
        return "No candidate could be judged."
    if not best.verdict.promoted:
        return f"Keep the policy that serves: {best.name} is not to be promoted."
    body = msgspec.json.encode({"name": best.name, "arguments": best.arguments}).decode()
    return f"{best.name} may be promoted: PUT configurations/policy with {body}"
