"""Sums of what was expected and what came: by hour, and no longer than they are asked for."""

from shared.loops import checkpoint
from shared.loops.calibration import KEPT_MS, STRETCH_MS, Calibration, Sums
from shared.loops.checkpoint import Checkpoint
from shared.loops.summary import DAY_MS, HOUR_MS
from shared.vw.calibrating import Expected

START = 20_000 * DAY_MS


def test_differences_are_summed_by_the_time_of_decisions() -> None:
    made = Calibration().plus([Expected(START + 5, 0.5, 1.0), Expected(START + STRETCH_MS, 0.25, 0.0)])
    made = made.plus([Expected(START + 9, 0.5, 0.25)])
    assert made.stretches == {
        START: Sums(2, 1.0, 1.25, -0.25, 0.3125),
        START + STRETCH_MS: Sums(1, 0.25, 0.0, 0.25, 0.0625),
    }
    assert made.within(START, START + STRETCH_MS) == made.stretches[START]
    assert made.within(START, START + DAY_MS).n == 3
    assert checkpoint.decode(checkpoint.encode(Checkpoint(calibration=made))).calibration == made


def test_stretches_that_nobody_asks_for_go() -> None:
    made = Calibration()
    for hour in range(1_000):
        made = made.plus([Expected(START + hour * HOUR_MS, 1.0, 1.0)])
    assert len(made.stretches) == KEPT_MS // STRETCH_MS + 1
    assert max(made.stretches) == START + 999 // 6 * STRETCH_MS
    assert len(checkpoint.encode(Checkpoint(calibration=made))) - len(checkpoint.encode(Checkpoint())) < 2_000
