"""What an automatic optimisation decides when its evaluation has ended: the best policy is put, or the loop keeps its
own.
"""

from typing import NamedTuple

import msgspec

from shared.admin import configuration, policy_check, trials
from shared.evaluation.job import Job
from shared.evaluation.optimization import Means, Run, Under, Watch
from shared.evaluation.outcome import Outcome
from shared.evaluation.part import BASELINE, ONLINE
from shared.loops import stored
from shared.loops.config import LoopConfig, Policy
from shared.serving.loop import Serving


class Decision(NamedTuple):
    """The run as it has ended. watch: the policy that was put, None if none was."""

    run: Run
    watch: Watch | None = None


def retained(run: Run, reason: str) -> Decision:
    """The loop keeps its policy."""
    return Decision(msgspec.structs.replace(run, state="OnlinePolicyRetained", reason=reason))


async def decide(loop: Serving, run: Run, job: Job, outcome: Outcome | None, since: float | None) -> Decision:
    """Puts the policy that the gate lets through, if there is one. since: when the switch was put on, s since 1970.

    Repeated after a kill, it comes to the same. Raises ApiError.
    """
    if outcome is None or outcome.result is None:
        return retained(run, job.reason or "Its evaluation has no result.")
    by_name = {one.name: one for one in outcome.result.policies}
    best = by_name.get(outcome.result.chosen or "")
    means = Means(by_name[ONLINE].value, by_name[BASELINE].value, best.value if best is not None else None)
    run = msgspec.structs.replace(run, means=means, policy=best.name if best is not None else "")
    if best is None or best.verdict is None:
        return retained(run, "No policy could be compared.")
    if not best.verdict.promoted:
        return retained(run, " ".join(best.verdict.reasons))
    if since is not None and run.at < since * 1000:
        return retained(run, "Automatic optimisation was switched off meanwhile.")
    return await _apply(loop, run, job, best.name)


async def _apply(loop: Serving, run: Run, job: Job, name: str) -> Decision:
    assert job.config is not None
    assert job.plan is not None
    compared, given = job.config, job.plan.candidate(name)
    async with trials.turn(loop.loop):
        policy = await policy_check.checked(Policy(name, given.arguments), given.exploration)

    def put(config: LoopConfig) -> LoopConfig:
        if (config.policy, config.exploration) != (compared.policy, compared.exploration):
            return config  # somebody has changed it, or an evaluator has put it that was killed then
        return config.with_policy(policy)

    config = await configuration.change(loop, put, "optimisation")
    if config.policy != policy or config.replaced is None:
        return retained(run, "The policy was changed while it was compared.")
    state = (await stored.read_checkpoint(loop.storage, loop.home)).value
    taken_over = state.taken_over if state is not None else 0
    watch = Watch(run.id, policy, config.replaced.at, taken_over, under=Under.of(config))
    return Decision(msgspec.structs.replace(run, state="OptimalPolicyApplied"), watch)
