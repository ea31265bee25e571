"""How a loop is doing, as the evaluator has last judged it: verdict, lift and alarms."""

import msgspec

from shared.loops.apprentice import Progress, report
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LearningMode
from shared.loops.summary import Summary
from shared.monitoring import lift, verdict
from shared.monitoring.alarms.catalogue import ALARMS
from shared.monitoring.alarms.history import History
from shared.monitoring.alarms.history import Standing as Stands
from shared.monitoring.headline import Headline
from shared.monitoring.states import State
from shared.monitoring.verdict import WORDS, Basis, Kind, Seen, Verdict

# What is so while an alarm is not raised; those of FIRST are shown also then.
CALM = {
    "choices-off": "Choices follow the logged probabilities",
    "exploration-collapse": "It explores",
    "rewards-missing": "Rewards arrive",
    "reward-drop": "Rewards hold up",
    "worse-than-baseline": "It earns no less than the baseline",
    "one-action": "Several actions are shown",
    "rewards-equal": "Rewards differ",
    "rewards-late": "Rewards are in time",
    "little-exploration": "Its log is good for evaluations",
    "calibration": "Predicted rewards come true",
    "feature-drift": "Features stay as they were",
    "feature-cardinality": "No feature is an id or a time stamp",
    "holdback-split": "The holdback is split as it should be",
    "trainer-behind": "The trainer keeps up",
    "model-refused": "The model is sound",
    "checkpoint-damaged": "Its state can be read",
}
FIRST = (
    "rewards-missing", "rewards-late", "reward-drop", "choices-off", "exploration-collapse", "trainer-behind",
)  # fmt: skip


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


def checks(known: History, *, every: bool = False) -> list[Check]:
    """The alarms that are raised, the worst first, and then those of FIRST, or all."""
    raised = known.raised()
    titles = {alarm.name: alarm.title for alarm in ALARMS}
    calm = [alarm.name for alarm in ALARMS] if every else list(FIRST)
    names = [*raised, *(name for name in calm if name not in raised)]
    made = []
    for name in names:
        standing = known.alarms.get(name, Stands())
        title = titles[name] if name in raised else CALM.get(name, titles[name])
        made.append(Check(name, title, standing.state, standing.cause, standing.next, standing.since))
    return made
