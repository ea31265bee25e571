"""Summaries of decisions: exact, mergeable, rolled up, stored."""

import random

import msgspec
import pytest

from shared.evaluation.event import Event
from shared.evaluation.intervals.snips_delta import SnipsDelta
from shared.loops.policy_sums import Choice
from shared.loops.summary import DAY_MS, HOUR_MS, Summary, choice_of, decode, encode
from shared.loops.unreadable import LaterVersion
from shared.vw.dsjson import Line, State


def choices(count: int) -> list[tuple[int, Choice]]:
    """Of three hours and a client that drops some of its decisions."""
    drawn = random.Random(7)
    made = []
    for _ in range(count):
        p = [0.7, 0.1, 0.2]
        drawn.shuffle(p)
        choice = Choice(drawn.random(), p, drawn.randrange(3), drop=drawn.choice([0.0, 0.3]))
        made.append((drawn.randrange(3 * HOUR_MS), choice))
    return made


def of(decisions: list[tuple[int, Choice]]) -> Summary:
    made = Summary()
    for at, choice in decisions:
        made.add(at, choice)
    return made


def line(mode: str | None = None, *, skip: bool = False) -> Line:
    return Line(
        -1.0, 0.2, 2, 1, "", "1", "e", [2, 1, 3], msgspec.Raw(b"{}"), [0.2, 0.7, 0.1], State("m"), -0.5, skip, mode
    )


def test_any_cut_and_any_order_give_the_same_bytes_at_every_span() -> None:
    decisions = choices(200)
    whole = of(decisions)
    left, right = of(decisions[:70][::-1]), of(decisions[70:])
    right.merge(left)
    assert encode(right) == encode(whole)
    assert encode(whole.rolled_up(HOUR_MS).rolled_up(DAY_MS)) == encode(whole.rolled_up(DAY_MS))
    assert sorted(whole.rolled_up(HOUR_MS).stretches) == [0, HOUR_MS, 2 * HOUR_MS]
    assert list(whole.rolled_up(DAY_MS).stretches) == [0]


def test_rolling_up_leaves_what_was_rolled_up() -> None:
    whole = of(choices(20))
    before = encode(whole)
    whole.rolled_up(DAY_MS).merge(whole)
    assert encode(whole) == before


def test_long_stretches_do_not_merge_into_short_ones() -> None:
    with pytest.raises(ValueError, match="do not make up"):
        Summary().merge(Summary(span=DAY_MS))


def test_what_was_stored_is_read_to_the_last_bit() -> None:
    whole = of(choices(50))
    assert decode("a", encode(whole)) == whole


def test_a_later_format_is_refused_by_name() -> None:
    with pytest.raises(LaterVersion, match="summaries/1"):
        decode("summaries/1", encode(Summary(v=2)))


def test_the_sums_are_those_that_estimators_make() -> None:
    decisions, estimator = choices(100), SnipsDelta()
    for _, choice in decisions:
        weight = (choice.baseline == 0) / choice.p[0]
        estimator.add(Event(weight, choice.reward, drop=choice.drop))
    sums = of(decisions).total("baseline")
    assert SnipsDelta(sums.w, sums.wr, sums.ww, sums.wwr, sums.wwrr).get() == pytest.approx(estimator.get())


def test_a_decision_of_a_client_that_drops_half_stands_for_two() -> None:
    made = of([(0, Choice(0.5, [0.25, 0.75], drop=0.5)), (1, Choice(1.0, [0.5, 0.5], 1))])
    sums, online = made.total("baseline"), made.total("online")
    assert (online.least, online.largest) == (1.0, 2.0)
    assert (float(sums.n), float(sums.w), float(sums.wr), float(sums.r)) == (3.0, 8.0, 4.0, 2.0)
    assert float(sums.second) == 4 / 0.25 + 1 / 0.5
    assert (sums.least, sums.largest, sums.seen, sums.lowest, sums.highest) == (0.0, 8.0, 8.0, 0.5, 1.0)
    assert (sums.positive, sums.heavy) == (1, 1)


def test_a_line_counts_for_three_policies() -> None:
    made = Summary()
    made.add_line(1, line(), default_reward=0.0)
    online, baseline, uniform = (made.total(policy) for policy in ("online", "baseline", "random"))
    assert (float(online.w), float(online.wr), online.heavy, online.largest) == (1.0, 0.5, 0, 1.0)
    assert (float(baseline.w), baseline.positive, baseline.least) == (0.0, 0, 0.0)
    assert baseline.largest == float(baseline.second) == pytest.approx(1 / 0.7)
    assert float(uniform.w) == pytest.approx(1 / 0.6)
    assert float(uniform.second) == pytest.approx((1 / 0.2 + 1 / 0.7 + 1 / 0.1) / 9)


@pytest.mark.parametrize("mode", ["Apprentice", "LoggingOnly"])
def test_what_showed_the_baseline_for_sure_counts_for_it_alone(mode: str) -> None:
    made = Summary()
    made.add_line(1, line(mode, skip=mode == "LoggingOnly"), default_reward=0.5)
    assert float(made.total("baseline").wr) == 0.5
    assert float(made.total("online").n) == float(made.total("random").n) == 0


def test_what_was_never_activated_counts_nowhere() -> None:
    assert choice_of(line(skip=True), 0.0) is None


@pytest.mark.parametrize("p", [[], [0.0, 1.0], [float("nan"), 1.0], [-0.1, 1.1], [1e-200, 1.0]])
def test_a_probability_that_makes_no_weight_is_skipped_and_counted(p: list[float]) -> None:
    made = of([(0, Choice(1.0, p))])
    assert (made.skipped, made.stretches) == (1, {})
