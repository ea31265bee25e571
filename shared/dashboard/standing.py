"""How a loop is doing, in a word and a sentence that its owner can repeat."""

import msgspec

from shared.dashboard import figures
from shared.dashboard.history import History
from shared.loops.config import LearningMode
from shared.loops.summary import Summary
from shared.monitoring import lift
from shared.monitoring.states import State


class Lift(msgspec.Struct, frozen=True, rename="camel"):
    """By how much the loop earns more than its baseline, relatively where the baseline's reward is known well enough.

    lower, upper: of the interval that holds however often one looks; None while there is too little for one.
    """

    online: float
    baseline: float
    difference: float
    lower: float | None = None
    upper: float | None = None
    relative: float | None = None
    relative_lower: float | None = None
    relative_upper: float | None = None


class Standing(msgspec.Struct, frozen=True):
    """state: how good that is. about: where the sentence comes from."""

    state: State
    word: str
    sentence: str
    about: str
    lift: Lift | None = None


def lift_of(summary: Summary) -> Lift | None:
    """Of the decisions that a summary has; None if none showed the baseline by its probabilities."""
    found = lift.of(summary)
    if found is None:
        return None
    whole, relative = found.range(), found.relative
    return Lift(
        online=found.online,
        baseline=found.baseline,
        difference=found.value,
        lower=whole.lower if whole is not None else None,
        upper=whole.upper if whole is not None else None,
        relative=relative.value if relative is not None else None,
        relative_lower=relative.lower if relative is not None else None,
        relative_upper=relative.upper if relative is not None else None,
    )


def of(history: History, summary: Summary, mode: LearningMode) -> Standing:
    """Of a period."""
    found = lift_of(summary)
    if mode == "Apprentice":
        sentence = "It learns to choose what your application chooses."
        return Standing("unknown", "Apprentice", sentence, "The page Apprentice says how far it has come.", found)
    if mode == "LoggingOnly":
        sentence = "It logs decisions, and decides nothing."
        return Standing("unknown", "Logging only", sentence, "Set learningMode to Online to have it decide.", found)
    if not history.funnel.ranked:
        sentence = "No decision has been joined yet."
        return Standing("unknown", "No data", sentence, "Send a Rank; it shows here when its reward wait time is over.")
    if not history.funnel.rewarded:
        sentence = "Decisions come in, and no rewards."
        return Standing(
            "critical", "Rewards missing", sentence, "Send a reward for the event id of each decision.", found
        )
    if found is None or found.lower is None or found.upper is None:
        sentence = "It is too early to tell whether it earns more than the baseline."
        return Standing("unknown", "Too early", sentence, _basis(history), found)
    return _compared(history, found, found.lower, found.upper)


def _compared(history: History, found: Lift, lower: float, upper: float) -> Standing:
    by = (
        figures.percent(abs(found.relative))
        if found.relative is not None
        else f"{figures.reward(abs(found.difference))} per decision"
    )
    about = (
        f"{figures.reward(found.online)} per decision against {figures.reward(found.baseline)}, {_basis(history)}. "
        "Estimated from the log."
    )
    if lower > 0:
        return Standing("ok", "Working", f"It earns {by} more than always showing your first action.", about, found)
    if upper < 0:
        return Standing("critical", "Worse", f"It earns {by} less than always showing your first action.", about, found)
    sentence = "It earns no more than always showing your first action, as far as can be told."
    return Standing("warning", "No better", sentence, about, found)


def _basis(history: History) -> str:
    return f"from {figures.plural(history.decisions, 'decision')} of the {_length(history)}"


def _length(history: History) -> str:
    return f"last {figures.duration((history.period.end - history.period.start) / 1000)}"
