"""Asking for jobs, looking at them, deleting them, and applying what they found."""

import contextlib
import re
import time
from datetime import datetime

from shared.admin import configuration, logs, policy_check
from shared.admin.evaluation_bodies import EvaluationContract, FeatureImportanceContract, OfflineEvaluationContract
from shared.errors import ApiError, shown
from shared.evaluation import answers, job_plan, job_store
from shared.evaluation.job import Asked, Job, milliseconds, moment
from shared.evaluation.outcome import Outcome
from shared.evaluation.part import BASELINE, ONLINE, RANDOM
from shared.loops.config import Policy
from shared.loops.evaluation_names import Kind
from shared.serving.loop import Serving

_MISSING = {"evaluations": "EvaluationNotFound", "importances": "FeatureImportanceNotFound"}
_THERE = {"evaluations": "EvaluationAlreadyExists", "importances": "FeatureImportanceAlreadyExists"}
_CALLED = {"evaluations": "Evaluation", "importances": "Feature importance"}
_WORDS = {"evaluations": "Offline Evaluation", "importances": "Feature importance"}


def evaluation(id: str, body: EvaluationContract | OfflineEvaluationContract, *, measures: bool = False) -> Asked:
    """What a body asks for under an id. measures: with an optimisation, what features are worth is told, too."""
    optimizes = bool(body.optimizes)
    policies = [Policy(one.name, one.arguments) for one in body.policies]
    since, until = milliseconds(body.start_time), milliseconds(body.end_time)
    return Asked("evaluations", id, body.name, since, until, policies, optimizes, measures=measures and optimizes)


def importance(id: str, body: FeatureImportanceContract) -> Asked:
    """The same of feature importances."""
    return Asked("importances", id, body.name, milliseconds(body.start_time), milliseconds(body.end_time))


async def ask(loop: Serving, asked: Asked, *, says_empty: str = "NoLogsExistInDateRange") -> None:
    """Stores a new job. The same one a second time changes nothing; another of its id is refused.

    Raises NoLogsExistInDateRange, or what `says_empty` names, if the log has nothing of the period, and
    InvalidEvaluationContract or InvalidContract for what does not fit the kind of the loop's policy, and
    InvalidPolicyConfiguration for a policy that VW does not start.
    """
    found = await job_store.read(loop.storage, loop.home, asked.kind, asked.id)
    if found is None:
        config = await loop.read_config()
        wrong = job_plan.why_not(asked, config)
        if wrong is not None:
            raise ApiError.of((wrong,), wrong.code)
        await _check_period(loop, asked, says_empty)
        for number, policy in enumerate(asked.policies):
            await policy_check.checked(policy, config.exploration, f"policies[{number}].arguments")
        if await job_store.create(loop.storage, loop.home, Job(asked, moment(round(time.time() * 1000)))):
            return
        found = await job_store.read(loop.storage, loop.home, asked.kind, asked.id)
    if found is None or found.job.asked != asked:
        name = f"{_CALLED[asked.kind]} with id {shown(asked.id)} already exists."
        raise ApiError(_THERE[asked.kind], name)


async def listed(loop: Serving, kind: Kind, by: str | None = None) -> list[Job]:
    """The newest first. by: only those of this type, Manual or Auto."""
    every = await job_store.listed(loop.storage, loop.home, kind)
    return [job for job in every if by in (None, answers.type_of(job))]


async def get(loop: Serving, kind: Kind, id: str) -> tuple[Job, Outcome | None]:
    """A job, and what it has come to; raises EvaluationNotFound, FeatureImportanceNotFound."""
    found = await job_store.read(loop.storage, loop.home, kind, id)
    if found is None:
        raise _missing(kind)
    ended = found.job.state == "completed"
    return found.job, await job_store.result(loop.storage, loop.home, found.job) if ended else None


async def delete(loop: Serving, kind: Kind, id: str) -> None:
    """Raises EvaluationNotFound, FeatureImportanceNotFound."""
    with contextlib.suppress(job_store.DamagedJob):
        if await job_store.read(loop.storage, loop.home, kind, id) is None:
            raise _missing(kind)
    await job_store.delete(loop.storage, loop.home, kind, id)


async def apply(loop: Serving, id: str, name: str) -> None:
    """Puts a policy of an evaluation into effect; the trainer learns the log anew with it."""
    job, outcome = await get(loop, "evaluations", id)
    if outcome is None or outcome.result is None:
        raise ApiError("InvalidRequest", "The evaluation must be completed.", target="evaluationId")
    if name.casefold() == ONLINE.casefold():
        return
    judged = {one.casefold(): one for one in outcome.sums if one not in (ONLINE, BASELINE, RANDOM)}
    if name.casefold() not in judged or job.plan is None:
        raise ApiError("LearningSettingsNotFound")
    if not (await logs.properties(loop)):
        raise ApiError("EvaluationModelNotFound")
    candidate = job.plan.candidate(judged[name.casefold()])
    checked = await policy_check.checked(Policy(candidate.name, candidate.arguments), candidate.exploration)
    await configuration.change(loop, lambda config: config.with_policy(checked))


async def _check_period(loop: Serving, asked: Asked, says_empty: str) -> None:
    reach = (await logs.properties(loop)).get("dateRange")
    if reach is None:
        raise ApiError(says_empty, "The log is empty: import one, or wait for the first events.")
    first, last = (milliseconds(datetime.fromisoformat(_precise(reach[end]))) for end in ("from", "to"))
    if asked.until < first or asked.since > last:
        period = f"The log reaches from {reach['from']} to {reach['to']}; ask for a part of that."
        raise ApiError(says_empty, f"No logs exist in date range. {period}", target="startTime")


def _precise(text: str) -> str:
    """A time with at most as many digits as Python reads."""
    return re.sub(r"(\.\d{6})\d+", r"\1", text)


def _missing(kind: Kind) -> ApiError:
    return ApiError(_MISSING[kind], f"{_WORDS[kind]} not found.")
