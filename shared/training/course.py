"""What a run's learner learns: the next events for the current model, or the log anew for one that will replace it."""

import logging
from typing import NamedTuple

import msgspec

from shared import telemetry
from shared.joined_log import log_reading, outlook
from shared.loops.artifacts import Artifact
from shared.loops.blob_names import Home, loop_of
from shared.loops.checkpoint import Checkpoint, Plan
from shared.loops.config import LoopConfig
from shared.loops.model_records import Draft, ModelRecord, Past, Place
from shared.storage import Storage
from shared.vw import policy
from shared.vw.experience import Experience

START = Place("")

_log = logging.getLogger(__name__)


class Course(NamedTuple):
    """What is learned, in this order: the log from `at` on, then the run's own events.

    state: the trainer's state that it goes on from, None for a new model. at: None if the log is learned already.
    draft: the model that learns the log anew, None for the current one. learned: how many events it knows already.
    past: what goes with the state; of a new model its schema alone, None if its first events are to tell it.
    """

    arguments: str
    state: Artifact | None
    at: Place | None
    since: int
    learned: int | None
    draft: Draft | None = None
    past: Past | None = None


def must_relearn(before: Checkpoint, config: LoopConfig) -> bool:
    """True if the log is to be learned anew, whether or not anything happens: the policy or the settings changed."""
    return before.failure is None and _is_changed(before, config)


def has_to_catch_up(before: Checkpoint, config: LoopConfig) -> bool:
    """True if earlier runs have left something to learn, which can be learned.

    What waits for a model that would be replaced is not learned by it. Where that was refused it is tried again with
    the next events, as ever, and not without end.
    """
    if before.draft is not None:
        return True
    return before.backlog is not None and (before.failure is None or not _is_changed(before, config))


def _is_changed(before: Checkpoint, config: LoopConfig) -> bool:
    return outlook.is_of_other_policy(before.model, config) or outlook.is_outdated(before.model, config)


async def chosen(storage: Storage, home: Home, before: Checkpoint, plan: Plan) -> Course:
    """The course of a run that begins with this checkpoint."""
    model, config = before.model, plan.config
    draft = await _draft(storage, home, before, plan)
    if draft is not None:
        return Course(draft.arguments, draft.state, draft.at, draft.since, draft.learned, draft, draft.past)
    at = before.backlog.at if before.backlog is not None else None
    if model is None:
        return Course(config.arguments, None, at, 0, 0)
    return Course(config.arguments, model.trainer, at, model.since, outlook.known(before), None, _kept(model))


def again(course: Course, before: Checkpoint, config: LoopConfig) -> Course:
    """The course in place of one whose state is damaged: the log from where it began."""
    first = _first(course.since)
    if course.draft is not None:
        draft = msgspec.structs.replace(course.draft, at=first, state=None, learned=0, past=_begun(course.past))
    else:
        past = _begun(course.past)
        draft = Draft(config.arguments, outlook.settings_of(config), course.since, first, past=past)
    return Course(course.arguments, None, first, course.since, 0, draft, draft.past)


def anew(model: ModelRecord, config: LoopConfig) -> Draft:
    """A draft that learns from the log what a model has learned, as if there had never been that model."""
    return Draft(config.arguments, outlook.settings_of(config), model.since, _first(model.since))


async def _draft(storage: Storage, home: Home, before: Checkpoint, plan: Plan) -> Draft | None:
    """The draft that is under way or to be begun."""
    config, draft = plan.config, before.draft
    if draft is not None and _is_wanted(draft, config):
        return draft
    after = await outlook.outlook(storage, home, before, config, plan.cut)
    if after is None:
        return None
    if not after.replaces:
        kept = "The model is kept, for the log has too few events to replace it; it goes on with the new settings."
        telemetry.notice(_log, kept, loop_of(home))
        return None
    model = before.model
    is_grown = model is not None and outlook.is_outgrown(model) and not outlook.is_of_other_policy(model, config)
    reason = "Events have features in new namespaces" if is_grown else "Policy or settings have changed"
    telemetry.notice(_log, f"{reason}; learning about {after.events:,} events anew.", loop_of(home))
    past = _begun(model.past) if is_grown and model is not None else None
    return Draft(config.arguments, outlook.settings_of(config), after.since, _first(after.since), past=past)


def _begun(past: Past | None) -> Past | None:
    """The past of a model that learns anew what another one has learned, with the namespaces that there were."""
    return Past(past.experience.schema, Experience()) if past is not None else None


def _kept(model: ModelRecord) -> Past | None:
    """The past of a model that goes on, although it may have been outgrown."""
    past = model.past
    if past is None:
        return None
    experience = msgspec.structs.replace(past.experience, schema=past.schema)
    return msgspec.structs.replace(past, experience=experience)


def _first(since: int) -> Place:
    """The first place in the log of the runs that were cut since then (ms)."""
    return Place(log_reading.first_file(since)) if since else START


def _is_wanted(draft: Draft, config: LoopConfig) -> bool:
    ours, theirs = policy.parse(draft.arguments), policy.parse(config.arguments)
    if not ours.learns_like(theirs):
        return False
    return (ours.epsilon, draft.rewards) == (theirs.epsilon, outlook.settings_of(config))
