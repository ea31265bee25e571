"""The loop against its baseline: as a holdback has measured it, or else as the log lets one estimate it."""

from typing import Literal, NamedTuple

from shared.monitoring.holdback import Measured
from shared.monitoring.lift import Lift, Range

Basis = Literal["estimated from the log", "measured by holdback"]


class Compared(NamedTuple):
    """loop, baseline: mean rewards. lift: of the loop. relative: the lift as a share of what the baseline earns,
    None if that may be 0.
    """

    decisions: float
    loop: float
    baseline: float
    lift: Range
    relative: Range | None
    basis: Basis


def of(lift: Lift | None, measured: Measured | None) -> Compared | None:
    """None as long as neither has an interval."""
    found = measured.range() if measured is not None else None
    if measured is not None and found is not None:
        arms = measured.policy, measured.baseline
        decisions = sum(arm.decisions for arm in arms)
        loop, baseline = (arm.mean for arm in arms)
        return Compared(decisions, loop, baseline, found, measured.relative(), "measured by holdback")
    estimated = lift.range() if lift is not None else None
    if lift is None or estimated is None:
        return None
    return Compared(lift.decisions, lift.online, lift.baseline, estimated, lift.relative, "estimated from the log")
