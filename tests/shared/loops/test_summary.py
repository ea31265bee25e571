"""Summaries of decisions: exact, mergeable, rolled up, stored."""

import gzip
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loops.test_gathering import drawn, gathered

from shared.evaluation.event import Event
from shared.evaluation.intervals.snips_delta import SnipsDelta
from shared.loops.hour_sums import MOST_ACTIONS, Hour, Shown
from shared.loops.policy_sums import BASELINE, PolicySums
from shared.loops.summary import DAY_MS, FIVE_MINUTES_MS, FORMAT, HOUR_MS, Summary, decode, encode
from shared.loops.unreadable import LaterVersion

SUMMARY = gathered(drawn(3, 50))


def test_any_cut_and_any_order_give_the_same_bytes_at_every_span() -> None:
    decisions = drawn(7, 200)
    whole = gathered(decisions)
    left, right = gathered(decisions[:70][::-1]), gathered(decisions[70:])
    right.merge(left)
    assert encode(right) == encode(whole)
    assert encode(whole.rolled_up(HOUR_MS).rolled_up(DAY_MS)) == encode(whole.rolled_up(DAY_MS))
    assert sorted(whole.rolled_up(HOUR_MS).stretches) == sorted(whole.hours) == [0, HOUR_MS]
    assert list(whole.rolled_up(DAY_MS).stretches) == [0]


def test_rolling_up_leaves_what_was_rolled_up() -> None:
    whole = gathered(drawn(1, 20))
    before = encode(whole)
    whole.rolled_up(DAY_MS).merge(whole)
    assert encode(whole) == before


def test_what_absorbs_others_has_the_bytes_of_what_merges_them() -> None:
    parts = [drawn(5, 200)[start : start + 40] for start in range(0, 200, 40)]
    for span in (FIVE_MINUTES_MS, HOUR_MS):
        merged, absorbing = Summary(span=span), Summary(span=span)
        for part in parts:
            merged.merge(gathered(part))
            absorbing.absorb(gathered(part))
        assert encode(absorbing) == encode(merged)
    rolled_up = Summary(span=HOUR_MS)
    for part in parts:
        rolled_up.absorb(gathered(part).rolled_up(HOUR_MS))
    assert encode(rolled_up) == encode(merged)


@given(seed=st.integers(0, 1000), count=st.integers(0, 60))
def test_the_sums_of_many_are_what_they_merge_to(seed: int, count: int) -> None:
    stretches = gathered(drawn(seed, count)).stretches.values()
    every = [PolicySums(), *(sums for slots in stretches for policies in slots.values() for sums in policies.values())]
    merged = PolicySums()
    for sums in every:
        merged.merge(sums)
    assert PolicySums.of(every) == merged
    assert PolicySums.of([]) == PolicySums()


def test_what_is_shared_counts_as_if_merged_and_stays_as_it_is() -> None:
    parts = [gathered(drawn(5, 200)[start : start + 40]).rolled_up(HOUR_MS) for start in range(0, 200, 40)]
    before = [encode(part) for part in parts]
    merged, sharing = Summary(span=HOUR_MS), Summary(span=HOUR_MS)
    for part in parts:
        merged.merge(part)
        sharing.share(part)
    assert encode(sharing) == encode(merged)
    assert [encode(part) for part in parts] == before
    with pytest.raises(ValueError, match="are not shared"):
        sharing.share(Summary())


def test_long_stretches_do_not_merge_into_short_ones() -> None:
    with pytest.raises(ValueError, match="do not make up"):
        Summary().merge(Summary(span=DAY_MS))


def test_what_was_stored_is_read_to_the_last_bit() -> None:
    assert decode("a", encode(SUMMARY)) == SUMMARY


def test_a_later_format_is_refused_by_name() -> None:
    with pytest.raises(LaterVersion, match="summaries/1"):
        decode("summaries/1", gzip.compress(b'{"v":%d}' % (FORMAT + 1)))


def test_what_format_1_stored_is_read_and_lacks_what_it_did_not_count() -> None:
    earlier = json.loads(gzip.decompress(encode(SUMMARY)))
    for slots in earlier["stretches"].values():
        for policies in slots.values():
            for sums in policies.values():
                del sums["paid"]
    data = gzip.compress(json.dumps(earlier | {"v": 1}).encode(), mtime=0)
    read, whole = decode("a", data), SUMMARY.total(BASELINE)
    assert read.total(BASELINE) == msgspec.structs.replace(whole, paid=0)


@given(st.integers(10, len(encode(SUMMARY)) - 1), st.integers(1, 255))
def test_no_changed_byte_goes_unnoticed(position: int, change: int) -> None:
    data = bytearray(encode(SUMMARY))
    data[position] ^= change
    with pytest.raises(ValueError):  # noqa: PT011
        decode("a", bytes(data))


@pytest.mark.parametrize(
    "data", [b"", b"{}", gzip.compress(b"[]", mtime=0), gzip.compress(b'{"stretches":{"0":1}}', mtime=0)]
)
def test_what_is_no_summary_is_damage(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        decode("a", data)


def test_the_sums_are_those_that_estimators_make() -> None:
    decisions, estimator = [one for one in drawn(4, 200) if one.slot == 0], SnipsDelta()
    for one in decisions:
        weight = (one.baseline == one.numbers[0]) / one.p[0]
        estimator.add(Event(weight, one.reward, drop=1 - 1 / one.count))
    sums = gathered(decisions).total(BASELINE)
    assert SnipsDelta(sums.w, sums.wr, sums.ww, sums.wwr, sums.wwrr).get() == pytest.approx(estimator.get())


def test_a_part_of_the_time_has_its_stretches_and_hours() -> None:
    some = SUMMARY.within(HOUR_MS, 2 * HOUR_MS)
    assert list(some.hours) == [HOUR_MS]
    assert {at // HOUR_MS for at in some.stretches} == {1}
    assert (some.hours[HOUR_MS], some.span) == (SUMMARY.hours[HOUR_MS], SUMMARY.span)


def test_only_the_commonest_actions_of_an_hour_are_kept_apart_and_none_is_lost() -> None:
    counts = {f"{number:03}": 300 - number for number in range(MOST_ACTIONS + 5)}
    capped = Hour(slots={0: Shown(chosen=counts, explored={"000": 2, "204": 3}, baseline={"001": 1})}).capped()
    shown = capped.slots[0]
    assert len(shown.chosen) == MOST_ACTIONS + 1
    assert (shown.chosen["199"], shown.chosen[""]) == (101, sum(range(96, 101)))
    assert (shown.explored, shown.baseline) == ({"000": 2, "": 3}, {"001": 1})
    assert capped.capped() == capped
