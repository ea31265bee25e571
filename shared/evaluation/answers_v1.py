"""Evaluations as v1.0 and v1.1 answer them: importance sampling, with the contract's half width."""

from typing import Any

from shared.evaluation.answers import arguments_of, optimal, source_of
from shared.evaluation.intervals.gaussian import GaussianIps
from shared.evaluation.job import Job, moment
from shared.evaluation.outcome import Outcome
from shared.loops.policy_sums import PolicySums

_STATES = {"waiting": "pending", "running": "pending", "completed": "completed", "failed": "failed"}
_BUCKET, _AT_ONCE = "PT5M", "PT0S"


def answer(job: Job, outcome: Outcome | None, *, preview: bool, brief: bool = False) -> dict[str, Any]:
    """The contract's Evaluation. preview: v1.1; brief: as it is in a list, without the course over time."""
    asked = job.asked
    told: dict[str, Any] = {
        "id": asked.id,
        "name": asked.name,
        "startTime": moment(asked.since),
        "endTime": moment(asked.until),
        "jobId": asked.id,
        "status": _STATES.get(job.state, "timeout" if preview else "failed"),
        "policyResults": _policies(job, outcome, brief=brief) if outcome is not None else [],
        "featureImportance": [],
    }
    if preview:
        told |= {"evaluationType": "Manual", "creationTime": job.created}
        best = optimal(job, outcome)
        told |= {"optimalPolicy": best} if best is not None else {}
    return told | ({"error": job.reason} if job.reason else {})


def _policies(job: Job, outcome: Outcome, *, brief: bool) -> list[dict[str, Any]]:
    found = []
    for name, sums in outcome.sums.items():
        course = [] if brief else [(at, each[name]) for at, each in outcome.series.items() if name in each]
        found.append(
            {
                "name": name,
                "arguments": arguments_of(job, name),
                "policySource": source_of(job, name),
                "summary": [_summary(f"{at}:00Z", one, _BUCKET) for at, one in course],
                "totalSummary": _summary(moment(job.asked.until), sums, _AT_ONCE),
            }
        )
    return found


def _summary(at: str, sums: PolicySums, window: str) -> dict[str, Any]:
    n, earned = float(sums.n), float(sums.wr)
    return {
        "timeStamp": at,
        "ipsEstimatorNumerator": earned,
        "ipsEstimatorDenominator": n,
        "snipsEstimatorDenominator": float(sums.w),
        "aggregateTimeWindow": window,
        "nonZeroProbability": sums.positive,
        "sumOfSquares": float(sums.wwrr),
        "confidenceInterval": GaussianIps(sums.n, sums.wr, sums.wwrr).half_width() or 0.0,
        "averageReward": earned / n if n else 0.0,
    }
