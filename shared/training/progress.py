"""How a checkpoint says what is learned: the model, what it has not learned yet, and the draft that will replace it."""

import msgspec

from shared.joined_log import log_reading, outlook
from shared.loops.artifacts import Artifact
from shared.loops.checkpoint import Checkpoint, Plan
from shared.loops.counts import Counts
from shared.loops.model_records import Backlog, ModelRecord, Past, Place
from shared.training.new_model import Learned


def learned(after: Checkpoint, plan: Plan, joined: Counts, run: Learned, model: ModelRecord, now: int) -> Checkpoint:
    """With the model of a run, current or a draft that is complete. joined: the counts of the run's own events.

    now: ms since 1970. The model of another policy could be put back; what it has not learned is kept with it.
    """
    went_on = run.course.state is not None and run.course.draft is None
    draft = run.course.draft is not None
    if draft and outlook.is_of_other_policy(after.model, plan.config):
        waiting = _waiting(after.backlog, plan, joined.learned)
        after = msgspec.structs.replace(after, backlog=waiting).replacing_model(now)
    return msgspec.structs.replace(
        after,
        model=model,
        first_model=after.first_model or model.created,
        counts=after.counts if draft else _less(after.counts, run.spent.refused, run.spent.rewarded_refused),
        failure=None,
        unverified=after.unverified and went_on,
        backlog=None if draft else _backlog(after.backlog, joined, run),
        draft=None,
    )


def drafted(
    after: Checkpoint, plan: Plan, joined: Counts, run: Learned, state: Artifact, past: Past | None
) -> Checkpoint:
    """With a draft that has learned another part of the log; the current model does not learn meanwhile."""
    draft = run.course.draft
    assert draft is not None
    assert run.at is not None
    known = draft.learned + run.spent.learned
    return msgspec.structs.replace(
        after,
        draft=msgspec.structs.replace(draft, at=run.at, state=state, learned=known, past=past),
        backlog=_waiting(after.backlog, plan, joined.learned),
    )


def refused(after: Checkpoint, plan: Plan, joined: Counts, run: Learned, failure: str) -> Checkpoint:
    """After a run whose learner refused: what it was fed is passed over, and the current model stays.

    A draft goes on behind what it was fed; one that was to be completed is given up. The current model, which has not
    learned meanwhile, may be wanted again.
    """
    if run.course.draft is not None:
        draft = msgspec.structs.replace(run.course.draft, at=run.at) if run.at is not None else None
        waiting = _waiting(after.backlog, plan, joined.learned)
        return msgspec.structs.replace(after, draft=draft, failure=failure, backlog=waiting)
    spent = run.spent
    counts = _less(after.counts, spent.learned + spent.refused, spent.rewarded + spent.rewarded_refused)
    return msgspec.structs.replace(
        after, counts=counts, failure=failure, backlog=_backlog(after.backlog, joined, run), draft=None
    )


def known(run: Learned) -> int | None:
    """How many events the model of a run knows; None if that of the one before it is not known."""
    before = run.course.learned
    return None if before is None else before + run.spent.learned


def _less(counts: Counts, events: int, rewarded: int) -> Counts:
    """With events that no model learns after all."""
    return msgspec.structs.replace(
        counts,
        learned=counts.learned - events,
        rewarded=counts.rewarded - rewarded,
        rejected=counts.rejected + events,
    )


def _backlog(before: Backlog | None, joined: Counts, run: Learned) -> Backlog | None:
    """What the current model has not learned after a run."""
    if run.at is None:
        return None
    waiting = before.events if before is not None else 0
    return Backlog(run.at, max(0, waiting + joined.learned - run.spent.learned - run.spent.refused))


def _waiting(before: Backlog | None, plan: Plan, events: int) -> Backlog | None:
    """What the current model has not learned when a run's own events wait, too."""
    if not events:
        return before
    if before is None:
        return Backlog(Place(log_reading.file_name(plan.run)), events)
    return msgspec.structs.replace(before, events=before.events + events)
