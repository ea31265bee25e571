"""How a loop is doing, as the evaluator has last judged it: verdict, lift and alarms."""

from typing import NamedTuple

import msgspec

from shared.loops import monitoring_names, stored
from shared.loops.apprentice import Progress, report
from shared.loops.blob_names import Home
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LearningMode
from shared.loops.stored import Damaged
from shared.loops.summary import Summary
from shared.monitoring import headline, lift, verdict
from shared.monitoring.alarms import history
from shared.monitoring.alarms.catalogue import ALARMS
from shared.monitoring.headline import Headline
from shared.monitoring.states import State
from shared.monitoring.verdict import Basis, Kind, Seen, Verdict
from shared.storage import Storage

# A word for each verdict, and how good that is.
WORDS: dict[Kind, tuple[str, State]] = {
    "no-data": ("No data", "unknown"),
    "rewards-missing": ("Rewards missing", "critical"),
    "too-early": ("Too early", "unknown"),
    "working": ("Working", "ok"),
    "no-better": ("No better", "warning"),
    "worse": ("Worse", "critical"),
    "exploration-broken": ("Exploration broken", "critical"),
    "trainer-stalled": ("Trainer stands still", "critical"),
    "apprentice": ("Apprentice", "unknown"),
    "logging": ("Logging only", "unknown"),
}
# What is so while an alarm is not raised, of those that a page shows also then.
WELL = {
    "rewards-missing": "Rewards arrive",
    "rewards-late": "Rewards are in time",
    "reward-drop": "Rewards hold up",
    "choices-off": "Choices follow the logged probabilities",
    "exploration-collapse": "It explores",
    "trainer-behind": "The trainer keeps up",
}


class Span(msgspec.Struct, frozen=True):
    """An estimate with the ends of its interval, which holds however often one looks."""

    value: float
    lower: float
    upper: float


class Standing(msgspec.Struct, frozen=True):
    """kind, sentence, cause, next and basis: of the verdict. lift: over the baseline per decision; relative: as a share
    of what the baseline earns. through: what was ranked up to there is in it, ms since 1970."""

    kind: Kind
    state: State
    word: str
    sentence: str
    cause: str
    next: str = ""
    basis: Basis | None = None
    decisions: int = 0
    online: float | None = None
    baseline: float | None = None
    lift: Span | None = None
    relative: Span | None = None
    through: int = 0


class Check(msgspec.Struct, frozen=True):
    """An alarm as it stands. title: what is so. since: ms since 1970, 0 if it was not judged yet."""

    name: str
    title: str
    state: State
    cause: str
    next: str
    since: int


class Told(NamedTuple):
    """What is stored of a loop; None for what is not there yet, or cannot be read."""

    headline: Headline | None
    alarms: history.History | None


async def told(storage: Storage, home: Home) -> Headline | None:
    """The headline alone: one read."""
    try:
        return (await stored.read(storage, monitoring_names.headline(home), headline.decode)).value
    except Damaged:  # the evaluator makes it again
        return None


async def alarms(storage: Storage, home: Home) -> history.History | None:
    """How its alarms stand and have stood."""
    try:
        return (await stored.read(storage, monitoring_names.alarms(home), history.decode)).value
    except Damaged:
        return None


def of(found: Headline) -> Standing | None:
    """None before there is a verdict."""
    if found.verdict is None:
        return None
    made = _of_verdict(found.verdict)
    return msgspec.structs.replace(
        made,
        decisions=found.decisions,
        online=found.online,
        baseline=found.baseline,
        lift=Span(*found.lift) if found.lift is not None else None,
        relative=Span(*found.relative) if found.relative is not None else None,
        through=found.through,
    )


def judged(made: Summary, state: Checkpoint, mode: LearningMode) -> Standing:
    """The same of a loop that the evaluator has not come to yet, from its summaries."""
    known = lift.of(made)
    progress: Progress | None = report(state.apprentice, mode).last if state.apprentice is not None else None
    seen = Seen(made.fate("shown"), made.fate("rewarded"), known, mode, progress)
    found = known.range() if known is not None else None
    served = made.served()
    return msgspec.structs.replace(
        _of_verdict(verdict.of(seen)),
        decisions=seen.decisions,
        online=float(served.r) / float(served.n) if served.n.units else None,
        baseline=known.baseline if known is not None else None,
        lift=Span(*found) if found is not None else None,
        relative=Span(*known.relative) if known is not None and known.relative is not None else None,
        through=state.cut,
    )


def _of_verdict(found: Verdict) -> Standing:
    word, state = WORDS[found.kind]
    return Standing(found.kind, state, word, found.sentence, found.cause, found.next, found.basis)


def checks(found: history.History | None, *, every: bool = False) -> list[Check]:
    """The alarms that are raised, the worst first, and then those of WELL, or all."""
    known = found or history.History()
    raised = known.raised()
    titles = {alarm.name: alarm.title for alarm in ALARMS}
    calm = [alarm.name for alarm in ALARMS] if every else list(WELL)
    names = [*raised, *(name for name in calm if name not in raised)]
    made = []
    for name in names:
        standing = known.alarms.get(name, history.Standing())
        title = titles[name] if name in raised else WELL.get(name, titles[name])
        made.append(Check(name, title, standing.state, standing.cause, standing.next, standing.since))
    return made
