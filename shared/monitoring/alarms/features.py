"""Features whose values drift, or are ids or time stamps."""

from collections.abc import Callable, Sequence

from shared.monitoring.alarms.judgement import Judgement, ok, unknown
from shared.monitoring.alarms.window import Window
from shared.monitoring.feature_report import Feature
from shared.monitoring.figures import percent
from shared.monitoring.states import Grade

NONE_YET = "Summaries have no features yet: the trainer stores them from its next run on."
_NAMED = 3


def judge_drift(window: Window) -> Judgement:
    """Whether a feature has other values than on the seven days before."""
    report = window.features
    if report is None:
        return unknown(NONE_YET)
    if report.lacking is not None:
        return unknown(report.lacking)
    grade, found = _worst(report.features, lambda one: one.stability)
    if grade == "ok":
        return ok(f"{len(report.features)} features have the values of the seven days before.")
    return Judgement(
        grade,
        f"In the last 24 hours {_listed(found, _drifted)}.",
        "Check what the application sends for it: a feature that is renamed, dropped or in another unit has to be "
        "learned anew. If your visitors have changed, the loop adapts by itself, and the alarm ends within a week.",
    )


def judge_cardinality(window: Window) -> Judgement:
    """Whether a feature has a value of its own for most decisions."""
    report = window.features
    if report is None:
        return unknown(NONE_YET)
    if not report.recent.sampled:
        return unknown("There are no decisions in the last 24 closed hours.")
    grade, found = _worst(report.features, lambda one: one.cardinality)
    if grade == "ok":
        return ok(f"None of {len(report.features)} features has a value of its own for most decisions.")
    return Judgement(
        grade,
        f"In the last 24 hours {_listed(found, _many)}.",
        "Leave it out, or send what it stands for: a segment in place of a user's id, the hour in place of a time "
        "stamp. What is learned of a value helps only where the value comes again.",
    )


def _worst(features: Sequence[Feature], of: Callable[[Feature], Grade]) -> tuple[Grade, list[Feature]]:
    """The highest grade, and the features that have it, those with the most uses first."""
    grades: tuple[Grade, ...] = ("critical", "warning")
    for grade in grades:
        found = [one for one in features if of(one) == grade]
        if found:
            return grade, sorted(found, key=lambda one: (-one.uses, one.name))
    return "ok", []


def _listed(found: Sequence[Feature], tell: Callable[[Feature], str]) -> str:
    told = "; ".join(map(tell, found[:_NAMED]))
    return told + (f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else "")


def _drifted(one: Feature) -> str:
    if one.gone or one.drift is None:
        return f"{one.name} is in no decision any more"
    told = f"PSI {one.drift.psi:.2f}, bound {one.drift.told_bound:.2f}"
    return f"{one.name} had other values than on the seven days before ({told})"


def _many(one: Feature) -> str:
    return f"{one.name} had {one.values:,.0f} values in {one.uses:,} decisions of a sample ({percent(one.ratio)})"
