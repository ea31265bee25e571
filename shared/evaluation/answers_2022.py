"""Evaluations and feature importances as 2022-09-01-preview answers them: Cressie-Read, with its interval."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import msgspec

from shared.admin.evaluation_queries import Page, Window
from shared.evaluation import estimate
from shared.evaluation.answers import Source, arguments_of, optimal, reason_of, source_of, type_of
from shared.evaluation.intervals.interval import Interval
from shared.evaluation.job import Job, milliseconds, moment
from shared.evaluation.outcome import Outcome
from shared.evaluation.part import Judged
from shared.evaluation.slots.slot_figures import per_slot
from shared.loops.policy_sums import PolicySums
from shared.serving.versions import IN_QUERY, PARAMETER

_STATES = {
    "waiting": "NotSubmitted",
    "running": "Running",
    "completed": "Succeeded",
    "failed": "Failed",
    "timeout": "Timeout",
}
_BUCKET = timedelta(minutes=5)


class Summary(msgspec.Struct, rename="camel"):
    """What a policy earned by decision, and between what its true value is."""

    expected_reward: float
    confidence_interval: list[float]


class TimePoint(Summary, rename="camel"):
    """The same at an instant."""

    time_stamp: str


class TimeSeries(msgspec.Struct, rename="camel"):
    """A course over time."""

    data: list[TimePoint]


class OfflinePolicyResult(msgspec.Struct, rename="camel", omit_defaults=True):
    """What a policy would have earned. slot_id: of several slots, the one; None for all."""

    name: str
    arguments: str
    policy_source: Source
    summary: Summary
    timeseries: TimeSeries
    slot_id: str | None = None


class EvaluationResult(msgspec.Struct, rename="camel"):
    """The results of a time."""

    start_time: str
    end_time: str
    interval_in_minutes: int
    value: list[OfflinePolicyResult]


class JobDetails(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """An evaluation or a feature importance, as a list has it."""

    id: str
    name: str
    start_time: str
    end_time: str
    creation_time: str
    status: str
    evaluation_type: str | None = None
    optimal_policy: str | None = None
    description: str | None = None


class OfflineEvaluation(JobDetails, rename="camel", omit_defaults=True, kw_only=True):
    """An offline evaluation with its results."""

    content: EvaluationResult | None = None


class ImportanceScore(msgspec.Struct, rename="camel"):
    """How much a feature matters."""

    namespace: str
    feature_name: str
    score: float


class FeatureImportance(JobDetails, rename="camel", omit_defaults=True, kw_only=True):
    """How much features matter, the weightiest first."""

    feature_scores: list[ImportanceScore] | None = None


class JobPage(msgspec.Struct, rename="camel", omit_defaults=True):
    """A page of a list."""

    value: list[JobDetails]
    next_link: str | None = None


def details(job: Job, outcome: Outcome | None = None) -> JobDetails:
    """A job as a list tells it. outcome: of an evaluation that is asked for by itself."""
    asked = job.asked
    is_evaluation = asked.kind == "evaluations"
    return JobDetails(
        id=asked.id,
        name=asked.name,
        start_time=moment(asked.since),
        end_time=moment(asked.until),
        creation_time=job.created,
        status=_status(job),
        evaluation_type=type_of(job) if is_evaluation else None,
        optimal_policy=optimal(job, outcome) if is_evaluation else None,
        description=reason_of(job),
    )


def _status(job: Job) -> str:
    if job.applied is not None:
        return "OptimalPolicyApplied" if job.applied else "OnlinePolicyRetained"
    return _STATES[job.state]


def evaluation(job: Job, outcome: Outcome | None, window: Window) -> OfflineEvaluation:
    """The contract's Evaluation."""
    told = OfflineEvaluation(**msgspec.structs.asdict(details(job, outcome)))
    if outcome is not None:
        told.content = EvaluationResult(
            moment(milliseconds(window.start)),
            moment(milliseconds(window.end)),
            window.interval // timedelta(minutes=1),
            list(_values(job, outcome, window)),
        )
    return told


def _values(job: Job, outcome: Outcome, window: Window) -> Iterator[OfflinePolicyResult]:
    """Each policy; of several slots then each slot with each policy."""
    for name in outcome.sums:
        every = [
            (_time(at), _judged(outcome, each[name], at, name)) for at, each in outcome.series.items() if name in each
        ]
        yield _value(job, outcome, name, _judged(outcome, outcome.sums[name], None, name), every, window)
    for slot in job.plan.slots if job.plan is not None else ():
        for name, found in outcome.slot_sums.items():
            every = [
                (_time(at), Judged(each[name].slots[slot]))
                for at, each in outcome.slot_series.items()
                if name in each and slot in each[name].slots and each[name].slots[slot].n.units
            ]
            if slot in found.slots:
                yield _value(job, outcome, name, Judged(found.slots[slot]), every, window, slot)


def _judged(outcome: Outcome, sums: PolicySums, at: str | None, name: str) -> Judged:
    """A policy over all, or in a bucket; of several slots with the sums of all."""
    slots = outcome.slot_sums.get(name) if at is None else outcome.slot_series.get(at, {}).get(name)
    return Judged(sums, slots=slots)


def _value(
    job: Job, outcome: Outcome, name: str, whole: Judged, every: Sequence[tuple[datetime, Judged]], window: Window,
    slot: str | None = None,
) -> OfflinePolicyResult:  # fmt: skip
    return OfflinePolicyResult(
        name,
        arguments_of(job, name),
        source_of(job, name),
        Summary(*_estimate(outcome, name, slot) or _point(whole, outcome.rewards)),
        TimeSeries(list(_course(outcome.rewards, every, window))),
        slot,
    )


def importance(job: Job, outcome: Outcome | None) -> FeatureImportance:
    """The contract's FeatureImportance."""
    told = FeatureImportance(**msgspec.structs.asdict(details(job)))
    if outcome is not None:
        features = outcome.features.features if outcome.features is not None else []
        told.feature_scores = [ImportanceScore(one.namespace, one.feature, one.score) for one in features]
    return told


def paged(jobs: Sequence[Job], page: Page, url: str, more: dict[str, str]) -> JobPage:
    """A page of a list. url: that was asked, without its query; more: of the query that stays."""
    wanted = jobs[page.skip : page.skip + page.top]
    told = JobPage([details(job) for job in wanted[: page.size]])
    if len(wanted) > page.size:
        query = {PARAMETER: IN_QUERY, **more, "top": page.top - page.size, "skip": page.skip + page.size}
        told.next_link = f"{url}?{urlencode(query | {'maxpagesize': page.size})}"
    return told


def _course(rewards: Interval, every: Sequence[tuple[datetime, Judged]], window: Window) -> Iterator[TimePoint]:
    """A point per interval that has events: of all since the start (Expanding), or of the interval alone (Rolling)."""
    buckets = [(time, one) for time, one in every if window.start < time + _BUCKET and time < window.end]
    sums = Judged(PolicySums())
    for place, (time, one) in enumerate(buckets):
        sums.merge(one)
        end = _end(time, window)
        if place + 1 < len(buckets) and _end(buckets[place + 1][0], window) == end:
            continue
        yield TimePoint(*_point(sums, rewards), moment(milliseconds(end)))
        if window.kind == "Rolling":
            sums = Judged(PolicySums())


def _end(time: datetime, window: Window) -> datetime:
    """When the interval ends that a bucket is in, at most the end that was asked for."""
    start = max(time, window.start)
    return min(window.start + ((start - window.start) // window.interval + 1) * window.interval, window.end)


def _time(at: str) -> datetime:
    return datetime.fromisoformat(at).replace(tzinfo=UTC)


def _estimate(outcome: Outcome, name: str, slot: str | None) -> tuple[float, list[float]] | None:
    """As the result has it, which has seen the events: while rewards are rare its interval is another than that of
    sums. None for what the result does not list."""
    every = [] if outcome.result is None else outcome.result.slots if slot else outcome.result.policies
    found = next((one for one in every if (one.name, one.slot) == (name, slot)), None)
    return None if found is None else (found.value, [found.lower, found.upper])


def _point(judged: Judged, rewards: Interval) -> tuple[float, list[float]]:
    value, interval = estimate.point_of(per_slot(judged), rewards)
    return value, list(interval)
