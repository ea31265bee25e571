"""A result as a person reads it in a terminal."""

from collections.abc import Iterator
from datetime import UTC, datetime

from evaluation.figures import figure, signed
from shared.evaluation.estimate import Comparison, Estimate
from shared.evaluation.part import BASELINE, ONLINE, RANDOM, SINGLE
from shared.evaluation.result import Result

SLOTS = "Rewards above are those of a slot, on average. By slot:"
_SLOT_HEAD = ("slot", "policy", "reward", "95 % interval", "")
_HEAD = ("policy", "reward", "95 % interval", "more than Online", "more than Baseline1", "")


def show(found: Result) -> None:
    """Prints it."""
    print("\n".join(lines(found)))


def lines(found: Result) -> Iterator[str]:
    """The text of a result."""
    yield f"{found.decisions:,.0f} decisions from {moment(found.since)} to {moment(found.until)}; {rewards(found)}"
    yield ""
    yield from _table(found)
    yield ""
    if found.slots:
        yield SLOTS
        yield from _laid_out([_SLOT_HEAD, *map(slot_row, found.slots)])
        yield ""
    for one in found.policies:
        if one.name not in (ONLINE, BASELINE):
            yield from _said(one)
    yield from (f"{reason} It is left out." for reason in found.failed.values())
    yield from found.notes
    yield f"Self-check {checked(found)}."
    yield from (f"  {sentence}" for sentence in found.self_check.told)
    if found.skipped:
        yield "Not judged:"
        yield from (f"  {count:,} events: {reason}" for reason, count in found.skipped.items())
    yield "What the figures answer:"
    asked = dict.fromkeys((one.name if not one.arguments else "other policies", one.question) for one in found.policies)
    yield from (f"  {name}: {question}" for name, question in asked)


def checked(found: Result) -> str:
    """Whether the self-check was passed."""
    if not found.decisions:
        return "not made"
    return "passed" if found.self_check.passed else "FAILED: these figures cannot be trusted"


def rewards(found: Result) -> str:
    """The range that intervals are made with."""
    return f"rewards within {found.rewards.lower:g} to {found.rewards.upper:g}"


def moment(at: int) -> str:
    """A time in UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def interval(lower: float, upper: float) -> str:
    return f"{figure(lower)} to {figure(upper)}"


def flag(one: Estimate) -> str:
    """What a policy is, in a word or two."""
    if one.verdict is not None and one.verdict.promoted:
        return "may be promoted"
    return "unreliable" if one.unreliable else ""


def compared(one: Estimate, other: str) -> Comparison | None:
    """With another policy; None if they were not."""
    return next((found for found in one.comparisons if found.other == other), None)


def difference(found: Comparison | None) -> str:
    """With half of the interval's width."""
    return "" if found is None else f"{signed(found.difference)} ± {figure(found.smallest)}"


def sentences(one: Estimate) -> list[str]:
    """What a reader is to know of a policy beside its figures."""
    found = compared(one, ONLINE)
    said = []
    if one.robust is not None:
        ends = interval(one.robust.lower, one.robust.upper)
        said.append(f"Doubly robust, with a model of the rewards: {figure(one.robust.value)}, 95 % interval {ends}.")
    if one.additive is not None and one.name != RANDOM:
        value, ends = figure(one.additive.value), interval(one.additive.lower, one.additive.upper)
        said.append(f"If what a slot earns depended on its own action alone: {value}, 95 % interval {ends}.")
    said += [] if found is None or one.name == SINGLE else [_decided(one, found)]
    if one.unreliable:
        said.append("Unreliable: " + " ".join(one.unreliable))
    if one.verdict is not None:
        reasons = [reason for reason in one.verdict.reasons if reason not in one.unreliable]
        said.append("It may be promoted." if one.verdict.promoted else " ".join(["Not to be promoted.", *reasons]))
    return said


def _decided(one: Estimate, found: Comparison) -> str:
    shows = f"The smallest difference to {found.other} that this log can show is {figure(found.smallest)}"
    if found.decided and one.unreliable:
        return f"{shows}: the one seen, {signed(found.difference)}, is not decided, for the figures are unreliable."
    if found.decided:
        return f"{shows}: the one seen, {signed(found.difference)}, is decided."
    if not found.smallest:
        return f"It does what {found.other} did."
    if found.days is None:
        return f"{shows}: no difference is seen, and no number of days would decide that."
    seen = f"one of the size seen, {signed(found.difference)}"
    return f"{shows}: {found.days:,.1f} more days like these would decide {seen}."


def _said(one: Estimate) -> Iterator[str]:
    if not sentences(one):
        return
    yield f"{one.name}{f': {one.arguments}' if one.arguments else ''}"
    yield from (f"  {sentence}" for sentence in sentences(one))


def _table(found: Result) -> Iterator[str]:
    yield from _laid_out([_HEAD, *map(_row, found.policies)])


def _laid_out(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def slot_row(one: Estimate) -> tuple[str, ...]:
    """Slot, policy and figures."""
    return one.slot or "", one.name, figure(one.value), interval(one.lower, one.upper), flag(one)


def _row(one: Estimate) -> tuple[str, ...]:
    return (
        one.name,
        figure(one.value),
        interval(one.lower, one.upper),
        difference(compared(one, ONLINE)),
        difference(compared(one, BASELINE)),
        flag(one),
    )
