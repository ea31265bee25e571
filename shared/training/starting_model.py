"""The model a run goes on from: the current one, or one that has learned the retained log anew."""

import logging
from pathlib import Path

from shared import telemetry
from shared.joined_log import log_reading
from shared.loops import artifacts
from shared.loops.blob_names import Home, loop_of
from shared.loops.checkpoint import Checkpoint, ModelRecord, Plan, RewardSettings
from shared.loops.config import LoopConfig
from shared.storage import Storage
from shared.vw import policy
from shared.vw.learner import Learner

DAY_MS = 86_400_000

_log = logging.getLogger(__name__)


def settings_of(config: LoopConfig) -> RewardSettings:
    """The settings that give the events of a loop their labels."""
    return RewardSettings(config.wait, config.default_reward, config.aggregation)


def is_outdated(model: ModelRecord | None, config: LoopConfig) -> bool:
    """True if reward settings or exploration have changed since the model was learned, and it is not to be kept.

    False for a model of another policy, and for one that is not known to have been learned here.
    """
    if model is None or model.rewards is None or config.model_retrain_days == 0:
        return False
    if not policy.parse(model.arguments).learns_like(policy.parse(config.arguments)):
        return False
    explored = policy.parse(model.arguments).epsilon
    return (explored, model.rewards) != (policy.parse(config.arguments).epsilon, settings_of(config))


async def start(storage: Storage, home: Home, before: Checkpoint, plan: Plan, folder: Path) -> tuple[Learner, int]:
    """A learner that has learned what the model of the loop should know before this run.

    Beside it, from when on (the cut of a run, ms; 0 for all) it knows the log.
    """
    model, config = before.model, plan.config
    if model is None:
        return await Learner.start(config.arguments, None, folder), 0
    if not policy.parse(model.arguments).learns_like(policy.parse(config.arguments)):
        telemetry.notice(_log, "The policy has changed; learning the whole log with it.", loop_of(home))
        return await _relearn(storage, home, before, config, 0, folder), 0
    since = max(0, plan.cut - config.model_retrain_days * DAY_MS)
    if is_outdated(model, config) and await log_reading.runs(storage, home, before.cut, since):
        days = config.model_retrain_days
        changed = f"Rewards or exploration have changed; learning {days} days of log anew."
        telemetry.notice(_log, changed, loop_of(home))
        return await _relearn(storage, home, before, config, since, folder), since
    try:
        previous = await artifacts.fetch(storage, model.trainer, folder / "previous.vw")
    except artifacts.DamagedArtifact as damage:
        telemetry.error(_log, f"{damage}; learning the log again.", loop_of(home))
        return await _relearn(storage, home, before, config, model.since, folder), model.since
    return await Learner.start(config.arguments, previous, folder), model.since


async def _relearn(
    storage: Storage, home: Home, before: Checkpoint, config: LoopConfig, since: int, folder: Path
) -> Learner:
    """A learner of the log since a cut, with the rewards that today's settings make of its outcomes."""
    learner = await Learner.start(config.arguments, None, folder)
    try:
        async for lines in log_reading.labelled(storage, home, config, through=before.cut, since=since):
            await learner.feed(lines)
    except BaseException:
        await learner.kill()
        raise
    return learner
