"""Evaluations and feature importances as 2022-09-01-preview answers them: Cressie-Read, with its interval."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

from shared.admin.evaluation_queries import Page, Window
from shared.evaluation import estimate
from shared.evaluation.answers import arguments_of, optimal, source_of
from shared.evaluation.intervals.interval import Interval
from shared.evaluation.job import Job, milliseconds, moment
from shared.evaluation.outcome import Outcome
from shared.evaluation.part import Judged
from shared.loops.policy_sums import PolicySums
from shared.serving.versions import IN_QUERY, PARAMETER

T = TypeVar("T")
_STATES = {
    "waiting": "NotSubmitted",
    "running": "Running",
    "completed": "Succeeded",
    "failed": "Failed",
    "timeout": "Timeout",
}
_BUCKET = timedelta(minutes=5)


def details(job: Job, outcome: Outcome | None = None) -> dict[str, Any]:
    """A job as a list tells it. outcome: of an evaluation that is asked for by itself."""
    asked = job.asked
    told: dict[str, Any] = {
        "id": asked.id,
        "name": asked.name,
        "startTime": moment(asked.since),
        "endTime": moment(asked.until),
        "creationTime": job.created,
        "status": _STATES[job.state],
    }
    if asked.kind == "evaluations":
        best = optimal(job, outcome)
        told |= {"evaluationType": "Manual"} | ({"optimalPolicy": best} if best is not None else {})
    return told | ({"description": job.reason} if job.reason else {})


def evaluation(job: Job, outcome: Outcome | None, window: Window) -> dict[str, Any]:
    """The contract's Evaluation."""
    told = details(job, outcome)
    if outcome is None:
        return told
    return told | {
        "content": {
            "startTime": moment(milliseconds(window.start)),
            "endTime": moment(milliseconds(window.end)),
            "intervalInMinutes": window.interval // timedelta(minutes=1),
            "value": [
                {
                    "name": name,
                    "arguments": arguments_of(job, name),
                    "policySource": source_of(job, name),
                    "summary": _point(sums, outcome.rewards),
                    "timeseries": {"data": list(_course(outcome, name, window))},
                }
                for name, sums in outcome.sums.items()
            ],
        }
    }


def importance(job: Job, outcome: Outcome | None) -> dict[str, Any]:
    """The contract's FeatureImportance."""
    features = outcome.features.features if outcome is not None and outcome.features is not None else []
    scores = [{"namespace": one.namespace, "featureName": one.feature, "score": one.score} for one in features]
    return details(job) | ({"featureScores": scores} if outcome is not None else {})


def paged(jobs: Sequence[Job], page: Page, url: str, more: dict[str, str]) -> dict[str, Any]:
    """A page of a list. url: that was asked, without its query; more: of the query that stays."""
    wanted = jobs[page.skip : page.skip + page.top]
    told: dict[str, Any] = {"value": [details(job) for job in wanted[: page.size]]}
    if len(wanted) > page.size:
        query = {PARAMETER: IN_QUERY, **more, "top": page.top - page.size, "skip": page.skip + page.size}
        told["nextLink"] = f"{url}?{urlencode(query | {'maxpagesize': page.size})}"
    return told


def _course(outcome: Outcome, name: str, window: Window) -> Iterator[dict[str, Any]]:
    """A point per interval that has events: of all since the start (Expanding), or of the interval alone (Rolling)."""
    buckets = [
        (time, each[name])
        for at, each in outcome.series.items()
        if name in each and window.start - _BUCKET < (time := _time(at)) < window.end
    ]
    sums = PolicySums()
    for place, (time, one) in enumerate(buckets):
        sums.merge(one)
        end = _end(time, window)
        if place + 1 < len(buckets) and _end(buckets[place + 1][0], window) == end:
            continue
        yield {"timeStamp": moment(milliseconds(end)), **_point(sums, outcome.rewards)}
        if window.kind == "Rolling":
            sums = PolicySums()


def _end(time: datetime, window: Window) -> datetime:
    """When the interval ends that a bucket is in, at most the end that was asked for."""
    start = max(time, window.start)
    return min(window.start + ((start - window.start) // window.interval + 1) * window.interval, window.end)


def _time(at: str) -> datetime:
    return datetime.fromisoformat(at).replace(tzinfo=UTC)


def _point(sums: PolicySums, rewards: Interval) -> dict[str, Any]:
    interval = estimate.interval_of(Judged(sums), rewards)
    return {"expectedReward": estimate.value_of(sums, rewards), "confidenceInterval": list(interval)}
