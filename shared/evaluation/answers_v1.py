"""Evaluations as v1.0 and v1.1 answer them: importance sampling, with the contract's half width."""

import msgspec

from shared.evaluation.answers import Source, arguments_of, optimal, reason_of, source_of, type_of
from shared.evaluation.intervals.gaussian import GaussianIps
from shared.evaluation.job import Job, moment
from shared.evaluation.outcome import Outcome
from shared.loops.policy_sums import PolicySums

_STATES = {"waiting": "pending", "running": "pending", "completed": "completed", "failed": "failed"}
_BUCKET, _AT_ONCE = "PT5M", "PT0S"


class PolicyResultSummary(msgspec.Struct, rename="camel"):
    """What a policy earned over a time, by importance sampling (IPS)."""

    time_stamp: str
    ips_estimator_numerator: float
    ips_estimator_denominator: float
    snips_estimator_denominator: float
    aggregate_time_window: str
    non_zero_probability: int
    sum_of_squares: float
    confidence_interval: float
    average_reward: float


class PolicyResult(msgspec.Struct, rename="camel"):
    """What a policy would have earned."""

    name: str
    arguments: str
    policy_source: Source
    summary: list[PolicyResultSummary]
    total_summary: PolicyResultSummary


class Evaluation(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """An offline evaluation."""

    id: str
    name: str
    start_time: str
    end_time: str
    job_id: str
    status: str
    policy_results: list[PolicyResult]
    feature_importance: list[list[str]]
    evaluation_type: str | None = None
    optimal_policy: str | None = None
    creation_time: str | None = None
    error: str | None = None


def answer(job: Job, outcome: Outcome | None, *, preview: bool, brief: bool = False) -> Evaluation:
    """preview: v1.1; brief: as it is in a list, without the course over time."""
    asked = job.asked
    return Evaluation(
        id=asked.id,
        name=asked.name,
        start_time=moment(asked.since),
        end_time=moment(asked.until),
        job_id=asked.id,
        status=_status(job, preview=preview),
        policy_results=_policies(job, outcome, brief=brief) if outcome is not None else [],
        feature_importance=_features(outcome),
        evaluation_type=type_of(job) if preview else None,
        optimal_policy=optimal(job, outcome) if preview else None,
        creation_time=job.created if preview else None,
        error=reason_of(job),
    )


def _features(outcome: Outcome | None) -> list[list[str]]:
    """Namespace, feature and score, the weightiest first."""
    features = outcome.features.features if outcome is not None and outcome.features is not None else []
    return [[one.namespace, one.feature, f"{one.score:.4f}"] for one in features]


def _status(job: Job, *, preview: bool) -> str:
    if preview and job.applied is not None:
        return "optimalPolicyApplied" if job.applied else "onlinePolicyRetained"
    return _STATES.get(job.state, "timeout" if preview else "failed")


def _policies(job: Job, outcome: Outcome, *, brief: bool) -> list[PolicyResult]:
    found = []
    for name, whole in outcome.sums.items():
        slots = outcome.slot_sums.get(name)
        sums = whole if slots is None else slots.first
        course = [] if brief else _course(outcome, name)
        summary = [_summary(f"{at}:00Z", one, _BUCKET) for at, one in course]
        total = _summary(moment(job.asked.until), sums, _AT_ONCE)
        found.append(PolicyResult(name, arguments_of(job, name), source_of(job, name), summary, total))
    return found


def _course(outcome: Outcome, name: str) -> list[tuple[str, PolicySums]]:
    """By five minutes; of several slots, the first."""
    if outcome.slot_sums:
        return [(at, each[name].first) for at, each in outcome.slot_series.items() if name in each]
    return [(at, each[name]) for at, each in outcome.series.items() if name in each]


def _summary(at: str, sums: PolicySums, window: str) -> PolicyResultSummary:
    n, earned = float(sums.n), float(sums.wr)
    half_width = GaussianIps(sums.n, sums.wr, sums.wwrr).half_width() or 0.0
    return PolicyResultSummary(
        time_stamp=at,
        ips_estimator_numerator=earned,
        ips_estimator_denominator=n,
        snips_estimator_denominator=float(sums.w),
        aggregate_time_window=window,
        non_zero_probability=sums.positive,
        sum_of_squares=float(sums.wwrr),
        confidence_interval=half_width,
        average_reward=earned / n if n else 0.0,
    )
