"""Automatic optimisation as its administrators see it."""

import math

import msgspec

from shared.evaluation import optimization, optimizer
from shared.evaluation.job import moment
from shared.evaluation.optimization import Run, State
from shared.serving.loop import Serving


class TakenBack(msgspec.Struct, rename="camel"):
    """That a policy was taken back by itself."""

    at: str
    reason: str


class OptimizationRun(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """One comparison of policies, on the log of a period."""

    evaluation_id: str
    at: str
    start_time: str
    end_time: str
    status: State
    policy: str | None = None
    online: float | None = None
    baseline: float | None = None
    best: float | None = None
    reason: str | None = None
    undone: TakenBack | None = None


class Optimizations(msgspec.Struct, rename="camel"):
    """The automatic optimisation of a loop, its last runs first."""

    enabled: bool
    next_run: str | None
    watched: str | None
    held_by: list[str]
    runs: list[OptimizationRun]


async def read(loop: Serving) -> Optimizations:
    """Raises ApiError, Unreadable."""
    auto = (await loop.read_config()).auto_optimization
    known = (await optimization.read(loop.storage, loop.home)).value
    due = optimization.next_due(auto, known) if auto.enabled else math.inf
    return Optimizations(
        enabled=auto.enabled,
        next_run=moment(round(due) * 1000) if math.isfinite(due) else None,
        watched=known.watch.policy.name if known.watch is not None and auto.enabled else None,
        held_by=await optimizer.held_by(loop) if auto.enabled else [],
        runs=[_run(one) for one in reversed(known.runs)],
    )


def _run(run: Run) -> OptimizationRun:
    means, undone = run.means, run.undone
    return OptimizationRun(
        evaluation_id=run.id,
        at=moment(run.at),
        start_time=moment(run.since),
        end_time=moment(run.until),
        status=run.state,
        policy=run.policy or None,
        online=means.online if means is not None else None,
        baseline=means.baseline if means is not None else None,
        best=means.best if means is not None else None,
        reason=run.reason or None,
        undone=TakenBack(moment(undone.at), undone.reason) if undone is not None else None,
    )
