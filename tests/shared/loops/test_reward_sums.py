"""The sums of a loop's decisions: they give the averages they promise, and do not depend on how runs are cut."""

import math
import random
import statistics
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.hubs.events import Interaction, Slot, key_of
from shared.joined_log.joined_lines import Joined
from shared.joined_log.summarising import Summarising
from shared.loops import checkpoint
from shared.loops.checkpoint import Checkpoint, decode, encode
from shared.loops.reward_sums import DELAYS_MS, EarlierStatistics, Statistics

Rewarded = tuple[Interaction, float]


def decided(a: list[int], p: list[float], mode: str = "Online", model: str = "1", **others: Any) -> Interaction:
    return Interaction(1, "default", "e", "", mode, False, model, a, p, msgspec.Raw(b"{}"), **others)


def world(count: int, seed: int) -> list[Rewarded]:
    """Decisions of a policy that shows one of four actions, the baseline with 0.1 or 0.7, which earns 0.3 or 0.6."""
    chance, decisions = random.Random(seed), []
    for _ in range(count):
        often = chance.random() < 0.5
        probability = 0.7 if often else 0.1
        baseline = chance.random() < probability
        reward = float(chance.random() < ((0.6 if often else 0.3) if baseline else 0.1))
        own = probability if baseline else (1 - probability) / 3
        decisions.append((decided([1 if baseline else 2], [own]), reward))
    return decisions


def of(decisions: list[Rewarded], before: Statistics | None = None) -> Statistics:
    made, summarising = (before or Statistics()).copy(), Summarising(0.0)
    for decision, reward in decisions:
        joined = Joined(b"", False, False, rewards=[reward] * len(decision.slots or [0]))
        summarising.join(0, decision, joined, 0, key_of(decision.id))
    made.add(summarising.finished())
    return made


def test_the_online_average_and_its_interval_are_those_of_the_rewards() -> None:
    decisions = world(500, 1)
    rewards = [reward for _, reward in decisions]
    online = of(decisions).online
    assert online.mean == pytest.approx(statistics.fmean(rewards))
    # Personalizer's own formula divides by n - 1.
    assert online.interval == pytest.approx(1.96 * statistics.stdev(rewards) / math.sqrt(500), rel=2e-3)


def test_the_baseline_s_average_is_what_it_would_have_earned_in_19_of_20_worlds() -> None:
    covered = 0
    for seed in range(200):
        baseline = of(world(1000, seed)).baseline
        assert baseline.mean is not None
        assert baseline.interval is not None
        covered += abs(baseline.mean - 0.45) <= baseline.interval
    assert 180 <= covered <= 198


def test_no_average_without_decisions_and_no_interval_with_one() -> None:
    empty, one = Statistics(), of([(decided([1], [0.5]), 1.0)])
    assert (empty.online.mean, empty.online.interval, empty.baseline.mean) == (None, None, None)
    assert (one.online.mean, one.online.interval, one.baseline.mean, one.baseline.interval) == (1, None, 1, None)


@given(st.integers(0, 10_000), st.lists(st.integers(0, 300), max_size=5))
def test_the_sums_are_the_same_to_the_bit_wherever_runs_are_cut(seed: int, cuts: list[int]) -> None:
    decisions, stored = world(300, seed), Checkpoint()
    for start, end in pairwise([0, *sorted(cuts), 300]):
        made = of(decisions[start:end], stored.statistics)
        stored = decode(encode(msgspec.structs.replace(stored, statistics=made)))
    assert stored.statistics == of(decisions)


def test_a_copy_is_added_to_alone() -> None:
    before = of(world(5, 1))
    before.wait(7)
    after = before.copy()
    assert after == before
    after.wait(7)
    after = of([(decided([1], [0.5]), 1.0)], after)
    assert (before.decisions, sum(before.delays), after.decisions, sum(after.delays)) == (5, 1, 6, 2)
    assert before.baseline != after.baseline


@pytest.mark.parametrize(
    ("delay", "place"), [(-500, 0), (0, 0), (1_000, 0), (1_001, 1), (172_800_000, 9), (172_800_001, 10)]
)
def test_delays_are_counted_up_to_their_bound(delay: int, place: int) -> None:
    made = Statistics()
    made.wait(delay)
    assert made.delays == [int(number == place) for number in range(len(DELAYS_MS) + 1)]
    assert made.delay == max(delay, 0)


@pytest.mark.parametrize(
    ("decision", "explored", "weight"),
    [
        (decided([2, 1], [0.3, 0.7]), 1, 0),
        (decided([1, 2], [0.4, 0.6]), 1, 1 / 0.4),
        (decided([1, 2], [0.4, 0.6], model="N/A"), 0, 1 / 0.4),
        (decided([1, 2], [0.4, 0.6], mode="LoggingOnly"), 0, 1),
        (decided([1, 2], [0.5, 0.5]), 0, 2),
        (decided([3, 2, 1, 4], [0.25] * 4), 0, 0),
        (decided([2, 1], [0.1, 0.9], mode="Apprentice"), 0, 1),
        (decided([1, 2], [1.0, 0.0], mode="LoggingOnly"), 0, 1),
        (decided([], [], slots=[Slot("s", [2, 0], [0.2, 0.8]), Slot("t", [0], [1.0])], ba=[2, 0]), 1, 5),
        (decided([], [], slots=[Slot("s", [2, 0], [0.8, 0.2]), Slot("t", [0], [1.0])], ba=[0, 0]), 0, 0),
        (decided([], [], slots=[Slot("s", [2, 0], [0.8, 0.2])]), 0, 0),
        (decided([], [], mode="Apprentice", slots=[Slot("s", [2, 0], [0.2, 0.8])], ba=[0]), 0, 1),
    ],
)
def test_what_a_decision_shows(decision: Interaction, explored: int, weight: float) -> None:
    made = of([(decision, 0.5)])
    assert (made.decisions, made.explored) == (1, explored)
    assert (float(made.online.w), float(made.online.wr), float(made.online.wwrr)) == (1, 0.5, 0.25)
    assert (float(made.baseline.w), float(made.baseline.wr)) == (weight, weight / 2)


def test_a_decision_of_a_client_that_drops_some_weighs_as_in_vw() -> None:
    """One that came through where three of four are dropped stands for four."""
    dropping, whole = (decided([1, 2], [0.5, 0.5], drop=0.75), 1.0), (decided([1, 2], [0.5, 0.5]), -0.5)
    made, same = of([dropping, whole]), of([(decided([1, 2], [0.5, 0.5]), 1.0)] * 4 + [whole])
    assert made.online.mean == same.online.mean == pytest.approx(0.7)
    assert made.baseline.mean == same.baseline.mean
    assert (made.decisions, float(made.online.w), float(made.online.ww)) == (2, 5, 17)
    assert float(made.online.wwr) == pytest.approx(16 - 0.5)
    assert float(made.online.wwrr) == pytest.approx(16 + 0.25)


def test_sums_of_an_earlier_version_go_on() -> None:
    """A checkpoint of format 4 and below has floats, and of clients that drop events what their weights add."""
    floats = {"w": 4.0, "wr": 3.0, "ww": 8.0, "wwr": 5.0, "wwrr": 3.5}
    delays = {"delays": [1, *[0] * len(DELAYS_MS)], "delay": 7}
    stored = {"decisions": 5, "explored": 2, "reward": 0.1, "squares": 1.5, "baseline": floats, **delays}
    earlier = [stored, stored | {"extra": {"w": 3.0, "wr": 0.0, "ww": 15.0, "wwr": 0.5, "wwrr": 0.0}}]
    for one, expected in zip(earlier, ([5, 0.1, 5, 0.1, 1.5], [8, 0.1, 20, 0.6, 1.5]), strict=True):
        data = {**msgspec.json.decode(encode(Checkpoint(cut=5))), "v": 1, "statistics": one}
        for gone in ("sha256", "sums", "summarised"):
            del data[gone]
        state = decode(checkpoint._sealed(msgspec.json.encode(data)))
        made = state.statistics
        assert (made.decisions, made.explored, made.delays[0], made.delay) == (5, 2, 1, 7)
        assert [float(getattr(made.online, name)) for name in floats] == expected
        assert {name: float(getattr(made.baseline, name)) for name in floats} == floats
        assert decode(encode(state)).statistics == made
        assert msgspec.json.decode(encode(state))["v"] == checkpoint.WITH_SUMMARIES


def test_decisions_that_cannot_be_summed_are_counted_alone() -> None:
    made = of([(decided([2], [0.5]), 1e200), (decided([1], [0.0]), 1.0), (decided([1], [0.5]), 1.0)])
    assert (made.decisions, made.online.mean, float(made.baseline.w)) == (3, 1.0, 2.0)


def test_a_checkpoint_of_before_is_read_with_empty_statistics() -> None:
    assert decode(encode(Checkpoint(cut=5))).statistics == Statistics()
    assert EarlierStatistics().now() == Statistics()
