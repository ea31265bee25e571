"""The split of a holdback: keys of which many events come are no fault, and a lost share of an arm is."""

import random

import pytest

from shared.loops import arm_sums
from shared.loops.config import Holdback, LearningMode, LoopConfig
from shared.loops.exploring import Exploring
from shared.loops.hour_sums import Shown
from shared.loops.summary import DAY_MS, HOUR_MS, Summary
from shared.monitoring.alarms import split
from shared.monitoring.alarms.judgement import Judgement
from shared.monitoring.alarms.window import Window

HELD = Holdback(0.1, "salt")


def judged(seed: int, keys: int, lost: float = 0.0, salt: str = "salt", mode: LearningMode = "Online") -> Judgement:
    """Keys come again and again, some of them much more often than others; of those held back, some events are lost."""
    chance, made = random.Random(seed), Summary(span=HOUR_MS)
    for _ in range(keys):
        arm = "baseline" if chance.random() < HELD.share else "policy"
        bucket, events = chance.randrange(100), round(chance.paretovariate(1.5))
        kept = sum(arm == "policy" or chance.random() >= lost for _ in range(min(events, 200)))
        arm_sums.of(made.hour(0).slots.setdefault(0, Shown()).arms, salt, arm, bucket).n += kept
    config = LoopConfig(holdback=HELD, mode=mode)
    return split.judge(Window(made, DAY_MS, config, Exploring()))


def test_keys_that_come_often_are_no_fault() -> None:
    states = [judged(seed, 3_000).state for seed in range(200)]
    assert states.count("critical") <= 1
    assert set(states) <= {"ok", "critical"}


def test_a_lost_share_of_an_arm_is_found() -> None:
    assert {judged(seed, 20_000, lost=0.6).state for seed in range(5)} == {"critical"}


@pytest.mark.parametrize(
    ("given", "reason"),
    [({"keys": 50}, "too few"), ({"salt": "another"}, "too few"), ({"mode": "Apprentice"}, "Apprentice")],
)
def test_what_cannot_be_told_is_unknown(given: dict[str, object], reason: str) -> None:
    found = judged(1, **({"keys": 3_000} | given))  # type: ignore[arg-type]
    assert found.state == "unknown"
    assert reason in found.cause
