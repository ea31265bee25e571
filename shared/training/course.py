"""What a run's learner learns: the next events for the current model, or the log anew for one that will replace it."""

import logging
from typing import NamedTuple

import msgspec

from shared import telemetry
from shared.joined_log import log_reading
from shared.loops.artifacts import Artifact
from shared.loops.blob_names import Home, loop_of
from shared.loops.checkpoint import Checkpoint, Draft, ModelRecord, Place, Plan, RewardSettings
from shared.loops.config import LoopConfig
from shared.storage import Storage
from shared.vw import policy

DAY_MS = 86_400_000
START = Place("")

_log = logging.getLogger(__name__)


class Course(NamedTuple):
    """What is learned, in this order: the log from `at` on, then the run's own events.

    state: the trainer's state that it goes on from, None for a new model. at: None if the log is learned already.
    draft: the model that learns the log anew, None for the current one. learned: how many events it knows already.
    """

    arguments: str
    state: Artifact | None
    at: Place | None
    since: int
    learned: int | None
    draft: Draft | None = None


def settings_of(config: LoopConfig) -> RewardSettings:
    """The settings that give the events of a loop their labels."""
    return RewardSettings(config.wait, config.default_reward, config.aggregation)


def must_relearn(before: Checkpoint, config: LoopConfig) -> bool:
    """True if the log is to be learned anew, whether or not anything happens: the policy or the settings changed."""
    return before.failure is None and (_is_of_other_policy(before.model, config) or is_outdated(before.model, config))


def is_outdated(model: ModelRecord | None, config: LoopConfig) -> bool:
    """True if reward settings or exploration have changed since the model was learned, and it is not to be kept.

    False for a model of another policy, and for one that is not known to have been learned here.
    """
    if model is None or model.rewards is None or config.model_retrain_days == 0:
        return False
    if _is_of_other_policy(model, config):
        return False
    explored = policy.parse(model.arguments).epsilon
    return (explored, model.rewards) != (policy.parse(config.arguments).epsilon, settings_of(config))


async def chosen(storage: Storage, home: Home, before: Checkpoint, plan: Plan) -> Course:
    """The course of a run that begins with this checkpoint."""
    model, config = before.model, plan.config
    draft = await _draft(storage, home, before, plan)
    if draft is not None:
        return Course(draft.arguments, draft.state, draft.at, draft.since, draft.learned, draft)
    at = before.backlog.at if before.backlog is not None else None
    if model is None:
        return Course(config.arguments, None, at, 0, 0)
    return Course(config.arguments, model.trainer, at, model.since, known(before))


def again(course: Course, before: Checkpoint, config: LoopConfig) -> Course:
    """The course in place of one whose state is damaged: the log from where it began."""
    first = _first(course.since)
    if course.draft is not None:
        draft = msgspec.structs.replace(course.draft, at=first, state=None, learned=0)
    else:
        draft = Draft(config.arguments, settings_of(config), course.since, first)
    return Course(course.arguments, None, first, course.since, 0, draft)


def known(before: Checkpoint) -> int | None:
    """How many events the model knows; None if it came from elsewhere."""
    model = before.model
    if model is None:
        return 0
    if model.learned is None and model.rewards is not None:
        return before.counts.learned  # it was made here before models said so
    return model.learned


async def _draft(storage: Storage, home: Home, before: Checkpoint, plan: Plan) -> Draft | None:
    """The draft that is under way or to be begun."""
    model, config, draft = before.model, plan.config, before.draft
    if draft is not None and _is_wanted(draft, config):
        return draft
    if _is_of_other_policy(model, config):
        telemetry.notice(_log, "The policy has changed; learning the whole log with it.", loop_of(home))
        return Draft(config.arguments, settings_of(config), 0, START)
    since = max(0, plan.cut - config.model_retrain_days * DAY_MS)
    if is_outdated(model, config) and await log_reading.runs(storage, home, before.cut, since):
        days = config.model_retrain_days
        changed = f"Rewards or exploration have changed; learning {days} days of log anew."
        telemetry.notice(_log, changed, loop_of(home))
        return Draft(config.arguments, settings_of(config), since, _first(since))
    return None


def _first(since: int) -> Place:
    """The first place in the log of the runs that were cut since then (ms)."""
    return Place(log_reading.first_file(since)) if since else START


def _is_wanted(draft: Draft, config: LoopConfig) -> bool:
    ours, theirs = policy.parse(draft.arguments), policy.parse(config.arguments)
    if not ours.learns_like(theirs):
        return False
    return (ours.epsilon, draft.rewards) == (theirs.epsilon, settings_of(config))


def _is_of_other_policy(model: ModelRecord | None, config: LoopConfig) -> bool:
    if model is None:
        return False
    return not policy.parse(model.arguments).learns_like(policy.parse(config.arguments))
