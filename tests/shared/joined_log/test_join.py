"""The join, against an oracle that sees everything at once, however the stream is cut and the process restarted."""

from collections import Counter
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from shared.hubs.events import Observation, decode_observation, encode, key_of
from shared.joined_log.join import EARLY_MS, MEMORY_MS, Joiner, horizon
from shared.joined_log.windows import Windows

WAIT = 10_000


class Ranked(NamedTuple):
    at: int
    id: str


class Seen(NamedTuple):
    at: int
    id: str
    nonce: str


ids = st.sampled_from("abc")
# Around every boundary of the rules, and in between.
steps = st.sampled_from([0, 1, 5, WAIT - 1, WAIT, WAIT + 1, 60_000, EARLY_MS - 1, EARLY_MS, EARLY_MS + 1, MEMORY_MS])


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[Ranked], list[Seen]]:
    at, ranked, observed = 1_000_000, [], []
    for number in range(draw(st.integers(1, 14))):
        at += draw(steps)
        if draw(st.booleans()):
            ranked.append(Ranked(at, draw(ids)))
        else:
            observed.append(Seen(at, draw(ids), str(number)))
    return ranked, observed


def observation(seen: Seen) -> Observation:
    return Observation(v=1, loop="default", id=seen.id, at="", kind="reward", nonce=seen.nonce, value=1.0)


def kept(joiner: Joiner) -> Windows:
    """What a joiner remembers, as it is stored and loaded again."""
    windows = Windows(horizon(joiner.cut))
    for key, end in joiner.windows.items():
        windows.put(key, end)
    return windows


def play(
    ranked: list[Ranked], observed: list[Seen], cuts: list[int], restarts: set[int], waits: list[int] | None = None
) -> dict[str, object]:
    """Runs the stream with these cuts; before the runs in `restarts`, the process is replaced. waits: of the runs."""
    waits = waits or [WAIT] * len(cuts)
    joiner, matches, fates, duplicates = Joiner(), {}, Counter(), 0
    read, settled, previous = 0, 0, 0
    for number, (cut, wait) in enumerate(zip(cuts, waits, strict=True)):
        start = read
        if number in restarts:
            joiner, start = Joiner(joiner.cut, kept(joiner)), settled
        through = max(read, sum(one.at <= cut + wait for one in observed))
        for sequence in range(start, through):
            one = observed[sequence]
            if sequence < read:
                joiner.recall(one.at, (0, sequence), observation(one), encode(observation(one)))
            else:
                joiner.observe(one.at, (0, sequence), observation(one), encode(observation(one)))
        read = through
        for one in ranked:
            if previous < one.at <= cut:
                matched = joiner.close(key_of(one.id), one.at, wait)
                if matched is None:
                    duplicates += 1
                else:
                    matches[one] = [event.nonce for _, event in matched]
        for one in joiner.settle(cut, wait):
            event = decode_observation(one.line)
            assert one.key == key_of(event.id)
            fates[one.fate, event.nonce] += 1
        first = joiner.unsettled(0)
        settled, previous = read if first is None else first, cut
    return {"matches": matches, "fates": fates, "duplicates": duplicates, "idle": joiner.idle}


@given(streams(), st.data())
def test_cuts_and_restarts_make_no_difference(stream: tuple[list[Ranked], list[Seen]], data: st.DataObject) -> None:
    ranked, observed = stream
    # A rank at the very time of an observation may be cut apart from it only if both sides see it alike.
    last = max(one.at for one in (*ranked, *observed)) + MEMORY_MS + 2 * EARLY_MS
    once = play(ranked, observed, [last], set())
    cuts = sorted({*data.draw(st.lists(st.integers(999_990, last), max_size=8)), last})
    restarts = data.draw(st.sets(st.integers(0, len(cuts) - 1)))
    assert play(ranked, observed, cuts, restarts) == once


@given(streams(), st.data())
def test_every_observation_has_one_fate_whatever_the_waits_and_restarts(
    stream: tuple[list[Ranked], list[Seen]], data: st.DataObject
) -> None:
    ranked, observed = stream
    last = max(one.at for one in (*ranked, *observed)) + MEMORY_MS + 2 * EARLY_MS
    cuts = sorted({*data.draw(st.lists(st.integers(999_990, last), max_size=8)), last})
    waits = data.draw(st.lists(st.sampled_from([1, WAIT, 60_000, MEMORY_MS]), min_size=len(cuts), max_size=len(cuts)))
    result = play(ranked, observed, cuts, data.draw(st.sets(st.integers(0, len(cuts) - 1))), waits)
    matched = [nonce for nonces in result["matches"].values() for nonce in nonces]
    settled = [nonce for (_, nonce), count in result["fates"].items() for _ in range(count)]
    assert sorted(matched + settled) == sorted(one.nonce for one in observed)
    assert len(result["matches"]) + result["duplicates"] == len(ranked)
    assert result["idle"]


def test_a_matched_observation_is_no_orphan_when_its_wait_was_shortened_before_a_restart() -> None:
    ranked, observed = [Ranked(1_000_000, "a")], [Seen(1_200_000, "a", "0")]
    cuts, waits = [1_000_000, 3_000_000], [MEMORY_MS, WAIT]
    result = play(ranked, observed, cuts, {1}, waits)
    assert result["matches"] == {ranked[0]: ["0"]}
    assert not result["fates"]


@given(streams())
def test_every_observation_has_one_fate(stream: tuple[list[Ranked], list[Seen]]) -> None:
    ranked, observed = stream
    last = max(one.at for one in (*ranked, *observed)) + MEMORY_MS + 2 * EARLY_MS
    result = play(ranked, observed, [last], set())
    matched = [nonce for nonces in result["matches"].values() for nonce in nonces]
    settled = [nonce for (_, nonce), count in result["fates"].items() for _ in range(count)]
    assert sorted(matched + settled) == sorted(one.nonce for one in observed)
    assert len(result["matches"]) + result["duplicates"] == len(ranked)
    assert result["idle"]
    for one, nonces in result["matches"].items():
        times = {seen.nonce: seen.at for seen in observed}
        assert all(-EARLY_MS < times[nonce] - one.at <= WAIT for nonce in nonces)


def run(ranked: list[Ranked], observed: list[Seen]) -> dict[str, object]:
    return play(ranked, observed, [10_000_000], set())


def test_the_window_is_open_at_its_start_and_closed_at_its_end() -> None:
    rank = Ranked(1_000_000, "a")
    times = [rank.at - EARLY_MS, rank.at - EARLY_MS + 1, rank.at, rank.at + WAIT, rank.at + WAIT + 1]
    result = run([rank], [Seen(at, "a", str(number)) for number, at in enumerate(times)])
    assert result["matches"] == {rank: ["1", "2", "3"]}
    assert result["fates"] == {("orphan", "0"): 1, ("late", "4"): 1}


def test_a_rank_repeated_within_its_window_counts_once_and_is_new_after_it() -> None:
    ranks = [Ranked(1_000_000, "a"), Ranked(1_000_000 + WAIT, "a"), Ranked(1_000_001 + WAIT, "a")]
    result = run(ranks, [])
    assert result["duplicates"] == 1
    assert list(result["matches"]) == [ranks[0], ranks[2]]


def test_a_rank_that_is_stored_again_after_its_window_counts_once() -> None:
    joiner = Joiner()
    assert joiner.close(key_of("a"), 1_000_000, WAIT, made=999_990) == []
    assert joiner.close(key_of("a"), 1_000_000 + 10 * WAIT, WAIT, made=999_990) is None
    assert joiner.close(key_of("a"), 1_000_000 + 11 * WAIT, WAIT, made=1_000_000 + 11 * WAIT) == []


def test_a_repeated_send_counts_once() -> None:
    joiner = Joiner()
    event = observation(Seen(5, "a", "n"))
    assert joiner.observe(5, (0, 0), event, encode(event))
    assert not joiner.observe(6, (0, 1), event, encode(event))
    closed = joiner.close(key_of("a"), 4, WAIT)
    assert closed is not None
    assert len(closed) == 1


def test_memory_forgets_what_can_no_longer_matter() -> None:
    joiner = Joiner()
    for number in range(100):
        joiner.close(key_of(str(number)), number, WAIT)
    assert len(dict(joiner.windows.items())) == 100
    assert list(joiner.settle(WAIT + MEMORY_MS + EARLY_MS + 50, WAIT)) == []
    assert len(dict(joiner.windows.items())) == 50


def test_an_event_may_have_very_many_observations() -> None:
    joiner, count = Joiner(), 20_000
    for number in range(count):
        event = observation(Seen(number, "a", str(number)))
        assert joiner.observe(number, (0, number), event, encode(event))
    closed = joiner.close(key_of("a"), count, WAIT)
    assert closed is not None
    assert len(closed) == count
    assert list(joiner.settle(count + WAIT, WAIT)) == []
    assert joiner.idle
