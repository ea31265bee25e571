"""What an administrator is told of a holdback: what it has measured so far, and what one would need."""

import time
from datetime import UTC, datetime

import msgspec

from shared.errors import ApiError
from shared.loops import summaries
from shared.loops.config import LoopConfig
from shared.loops.stored import Damaged
from shared.loops.summaries import Gone, Reading
from shared.loops.summary import DAY_MS, HOUR_MS
from shared.monitoring import holdback
from shared.monitoring.holdback import Arm, Measured
from shared.serving.loop import Serving

DAYS = 30
USUAL_PERCENTAGE, USUAL_DIFFERENCE = 0.05, 0.1  # the latter of the average reward


class ArmReport(msgspec.Struct, rename="camel"):
    """decisions: joined ones. averageReward: null without any. rewarded: with another reward than 0."""

    decisions: int
    rewarded: int
    average_reward: float | None


class LiftReport(msgspec.Struct):
    """How much more the policy earns by decision, with an interval that holds at 95 % however often it is looked at;
    lower and upper are null as long as there are fewer than 25 rewarded decisions in an arm."""

    value: float
    lower: float | None
    upper: float | None


class Needed(msgspec.Struct):
    """How many decisions it takes until a difference in average reward is seen with 80 % power, and how many there were
    in 30 days. decisions: null if no reward is known to differ from the others, or all decisions are held back."""

    percentage: float
    difference: float | None
    decisions: int | None
    lately: int


class HoldbackReport(msgspec.Struct, rename="camel"):
    """Of several slots, what the first earned. since: when this share was put; what was before does not count."""

    holdback_percentage: float
    since: str | None
    policy: ArmReport
    baseline: ArmReport
    lift: LiftReport | None
    needed: Needed


async def report(loop: Serving, percentage: float | None, difference: float | None) -> HoldbackReport:
    """percentage, difference: what is planned, the usual ones if None; raises ApiError, StorageUnavailable."""
    config, now = await loop.read_config(), round(time.time() * 1000)
    month = now - DAYS * DAY_MS
    reading = await _read(loop, min(config.holdback.since if config.holdback else now, month), now)
    measured = holdback.measured(reading.summary, config.holdback.salt) if config.holdback else None
    return HoldbackReport(
        config.holdback_share,
        _time(config.holdback.since) if config.holdback else None,
        _arm(measured and measured.policy),
        _arm(measured and measured.baseline),
        _lift(measured),
        _needed(config, reading, month - month % HOUR_MS, now, percentage, difference),
    )


async def _read(loop: Serving, start: int, end: int) -> Reading:
    try:
        return await summaries.over(loop.storage, loop.home, start - start % HOUR_MS, end - end % HOUR_MS + HOUR_MS)
    except (Gone, Damaged) as error:
        raise ApiError("OperationNotAllowed", f"{error}; try again.", retry_after=1) from None


def _time(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _arm(arm: Arm | None) -> ArmReport:
    return ArmReport(arm.decisions, arm.rewarded, arm.mean) if arm else ArmReport(0, 0, None)


def _lift(measured: Measured | None) -> LiftReport | None:
    if measured is None:
        return None
    interval = measured.lift.range()
    return LiftReport(measured.lift.value, *(interval[1:] if interval else (None, None)))


def _needed(
    config: LoopConfig, reading: Reading, start: int, end: int, percentage: float | None, difference: float | None
) -> Needed:
    """By the rewards of a month: those before a holdback are as good as those during one."""
    served = reading.summary.within(start, end).served()
    n, total = float(served.n), float(served.r)
    deviation = holdback.deviation(n, total, float(served.rr))
    share = percentage or config.holdback_share or USUAL_PERCENTAGE
    wanted = difference or (abs(total / n) * USUAL_DIFFERENCE if n else None)
    known = wanted and deviation and share < 1
    return Needed(share, wanted, holdback.needed(share, deviation, wanted) if wanted and known else None, round(n))
