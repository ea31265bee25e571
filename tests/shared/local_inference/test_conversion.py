"""Batches of local inference: built by another implementation of FlatBuffers, read by ours, refused if bent."""

import dataclasses
import struct
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from harness import rlc
from hypothesis import example, given
from hypothesis import strategies as st

from shared.errors import ApiError
from shared.hubs import events
from shared.hubs.events import Interaction, Observation
from shared.joined_log.joined_lines import join_line
from shared.local_inference import conversion
from shared.local_inference.conversion import LARGEST_BATCH_BYTES, Line, Lines
from shared.loops.config import LoopConfig
from shared.vw.policy import DEFAULT_ARGUMENTS as POLICY

SLOTS = rlc.context(_slots=[{"_id": "x", "Size": {"large": 1}}, {}])
TWO_SLOTS = [("top", [1, 0], [0.75, 0.25]), ("side", [0], [1.0])]


def decided(*made: bytes, **more: Any) -> list[Interaction]:
    """A batch of decisions as the trainer reads it."""
    return [
        events.decode_interaction(line.event)
        for line in conversion.interactions(rlc.batch(*made, **more), "shop", POLICY).taken
    ]


def observed(*made: bytes) -> list[Observation]:
    lines = conversion.observations(rlc.batch(*made), "shop", POLICY)
    return [events.decode_observation(line.event) for line in lines.taken]


def test_a_decision() -> None:
    made = rlc.decision("e1", [2, 1], [0.75, 0.25], rlc.context("é"), "m/1", deferred=True, mode=rlc.APPRENTICE)
    [one] = decided(made)
    assert (one.loop, one.id, one.mode, one.deferred, one.model) == ("shop", "e1", "Apprentice", True, "m/1")
    assert (one.a, one.p, one.slots, one.ba, one.drop) == ([2, 1], [0.75, 0.25], None, None, None)
    assert msgspec.json.decode(one.c) == rlc.context("é")


def test_a_decision_about_several_slots() -> None:
    made = rlc.slots_decision("e2", TWO_SLOTS, SLOTS, "m", baselines=[0, 1], mode=rlc.LOGGING_ONLY)
    [one] = decided(made)
    assert (one.a, one.p, one.ba, one.mode) == ([], [], [0, 1], "LoggingOnly")
    assert [(slot.id, slot.a, slot.p) for slot in one.slots or ()] == TWO_SLOTS
    assert msgspec.json.decode(one.c) == SLOTS | {"_slots": [{"_id": "top", "Size": {"large": 1}}, {"_id": "side"}]}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (rlc.outcome("e", 0.25), ("reward", 0.25, None, None)),
        (rlc.outcome("e", 0.0), ("reward", 0.0, None, None)),
        (rlc.outcome("e", -1.0, 1), ("reward", -1.0, None, 1)),
        (rlc.outcome("e", 1.0, 0), ("reward", 1.0, None, 0)),
        (rlc.outcome("e", 1.0, "top"), ("reward", 1.0, "top", None)),
        (rlc.outcome("e", taken=True), ("activation", None, None, None)),
        (rlc.outcome("e", index="top", taken=True), ("activation", None, None, None)),
    ],
)
def test_an_outcome(made: bytes, expected: Any) -> None:
    [one] = observed(made)
    assert (one.id, one.kind, one.value, one.slot, one.index) == ("e", *expected)


def test_a_repeated_batch_has_the_same_nonces_and_any_other_has_others() -> None:
    first, again = (observed(rlc.outcome("e", 1.0), rlc.outcome("e", 1.0)) for _ in range(2))
    assert [one.nonce for one in first] == [one.nonce for one in again]
    others = observed(rlc.outcome("e", 0.5), rlc.outcome("e", 1.0))
    assert len({one.nonce for one in first + others}) == 4


def test_events_say_which_kind_of_policy_they_are_of() -> None:
    both = rlc.batch(rlc.decision("a"), rlc.slots_decision("b", TWO_SLOTS, SLOTS))
    assert conversion.kinds(conversion.interactions(both, "shop", POLICY).taken) == {False, True}
    outcomes = {0: rlc.outcome("e", 1.0), 1: rlc.outcome("e", 1.0, 0), 2: rlc.outcome("e", taken=True)}
    found = [
        conversion.kinds(conversion.observations(rlc.batch(one), "shop", POLICY).taken) for one in outcomes.values()
    ]
    assert found == [{False}, {True}, set()]


def test_what_its_sender_drops_weighs_more() -> None:
    passed = rlc.decision("e", passed=0.25), rlc.slots_decision("e", TWO_SLOTS, SLOTS, passed=0.25)
    for one in decided(*passed):
        assert msgspec.json.decode(join_line(one, 0, [], LoopConfig()).line)["pdrop"] == 0.75
    [unsaid] = decided(rlc.decision("e", passed=0.0))
    assert b"pdrop" not in join_line(unsaid, 0, [], LoopConfig()).line


def test_a_reward_of_the_slot_at_a_place_counts_for_it() -> None:
    [one] = decided(rlc.slots_decision("e", TWO_SLOTS, SLOTS))
    rewards = observed(rlc.outcome("e", 0.5, 1), rlc.outcome("e", 0.25, "top"), rlc.outcome("e", 1.0, 2))
    line = msgspec.json.decode(join_line(one, 0, rewards, LoopConfig()).line)
    assert [slot["_label_cost"] for slot in line["_outcomes"]] == [-0.25, -0.5]
    assert [reward["v"] for reward in line["o"]] == [1.0]  # there is no third slot


def test_slots_keep_their_lists_of_actions() -> None:
    features = rlc.context(_slots=[{"_inc": [1], "_tag": "seed=e"}, {"_inc": [0, 1]}])
    [one] = decided(rlc.slots_decision("e", TWO_SLOTS, features))
    assert msgspec.json.decode(one.c)["_slots"] == [
        {"_id": "top", "_tag": "seed=e", "_inc": [1]},
        {"_id": "side", "_inc": [0, 1]},
    ]


def test_deduplicated_actions_are_written_out() -> None:
    actions = {7: '{"A":{"side":"left"}}', 2**63: '{"_tag":"r","A":{"side":"right"}}'}
    made = rlc.decision("e", features={"_multi": [{"__aid": 2**63}, {"__aid": 7}]})
    [one] = decided(rlc.dictionary(actions), made, content="DEDUP")
    assert msgspec.json.decode(one.c) == {"_multi": [{"_tag": "r", "A": {"side": "right"}}, {"A": {"side": "left"}}]}


def test_commands_to_vw_are_dropped_and_numbers_held() -> None:
    features = rlc.context(_label_cost=5, _text="a|b", Big={"x": 1e30, "_y": 1, "deep": [{"_z": 1, "q": [1, 2]}]})
    features["_multi"][0] |= {"_inc": [0], "_label": "0:1:1", "__x": 2}
    [one] = decided(rlc.decision("e", features=features))
    assert msgspec.json.decode(one.c) == rlc.context(Big={"x": 4e9, "deep": [{"q": [1, 2]}]})


def long(size: int, number: int = 1) -> bytes:
    """A deduplicated batch whose actions are so long, written out."""
    made = [rlc.decision(f"e{one}", [1], [1.0], {"_multi": [{"__aid": 1}]}) for one in range(number)]
    return rlc.batch(rlc.dictionary({1: '{"a":1' + " " * size + "}"}), *made, content="DEDUP")


def bad(*made: bytes, **more: Any) -> Callable[[], bytes]:
    return lambda: rlc.batch(*made, **more)


def slots(*made: Any, features: Any = SLOTS, **more: Any) -> Callable[[], bytes]:
    return bad(rlc.slots_decision("e", made, features, **more))


def multi(**members: Any) -> Callable[[], bytes]:
    return bad(rlc.decision("e", features=rlc.context(**members)))


INTERACTIONS: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "empty": (lambda: b"", "BadRequest", "Content-Length"),
    "json": (lambda: b'{"eventId":"e"}', "InvalidRankRequest", "protocol.version 2"),
    "first protocol": (bad(rlc.decision("e"), kind=9), "InvalidRankRequest", "protocol.version 2"),
    "cut": (lambda: rlc.batch(rlc.decision("e"))[:-1], "BadRequest", "announces"),
    "longer": (lambda: rlc.batch(rlc.decision("e")) + b"\0", "BadRequest", "announces"),
    "no event": (bad(), "BadRequest", "no event"),
    "an outcome": (bad(rlc.outcome("e", 1.0)), "InvalidRankRequest", "logs/observations"),
    "compressed": (bad(rlc.event("e", rlc.CB, b"zstd", encoding=1)), "InvalidRankRequest", "compression"),
    "slates": (bad(rlc.event("e", rlc.SLATES, b"")), "InvalidRankRequest", "Slates is not taken; CB"),
    "continuous": (bad(rlc.event("e", rlc.CA, bytes(8))), "InvalidRankRequest", "CA is not taken"),
    "no event id": (bad(rlc.decision("")), "InvalidRankRequest", "event id"),
    "long event id": (bad(rlc.decision("e" * 257)), "InvalidRankRequest", "event id"),
    "long model id": (bad(rlc.decision("e", model="m" * 257)), "InvalidRankRequest", "model id"),
    "no payload": (bad(rlc.event("e", rlc.CB, b"")), "BadRequest", "too short"),
    "no such mode": (bad(rlc.decision("e", mode=3)), "BadRequest", "learning mode"),
    "pass probability": (bad(rlc.decision("e", passed=1.5)), "BadRequest", "pass_probability"),
    "pass probability nan": (bad(rlc.decision("e", passed=float("nan"))), "BadRequest", "pass_probability"),
    "action ids from 0": (bad(rlc.decision("e", [0, 1])), "InvalidRankRequest", "action_ids"),
    "an action twice": (bad(rlc.decision("e", [1, 1])), "InvalidRankRequest", "action_ids"),
    "an action less": (bad(rlc.decision("e", [1], [1.0])), "InvalidRankRequest", "action_ids"),
    "a probability less": (bad(rlc.decision("e", [1, 2], [1.0])), "InvalidRankRequest", "probabilities of"),
    "probability 0": (bad(rlc.decision("e", [1, 2], [0.0, 1.0])), "InvalidRankRequest", "at least"),
    "probability nan": (bad(rlc.decision("e", [1, 2], [float("nan"), 1.0])), "InvalidRankRequest", "sum to 1"),
    "negative probability": (bad(rlc.decision("e", [1, 2], [1.5, -0.5])), "InvalidRankRequest", "sum to 1"),
    "probabilities of 2": (bad(rlc.decision("e", [1, 2], [1.0, 1.0])), "InvalidRankRequest", "sum to 1"),
    "no json": (bad(rlc.decision("e", features=b"{")), "InvalidRankRequest", "VW's JSON"),
    "not utf-8": (bad(rlc.decision("e", features=b'{"a":"\xff"}')), "InvalidRankRequest", "VW's JSON"),
    "deep": (bad(rlc.decision("e", features=b'{"a":' * 5000)), "InvalidRankRequest", "VW's JSON"),
    "a list": (bad(rlc.decision("e", features=[])), "InvalidRankRequest", "VW's JSON"),
    "no actions": (bad(rlc.decision("e", features={})), "InvalidRankRequest", "_multi"),
    "51 actions": (bad(rlc.decision("e", features={"_multi": [{}] * 51})), "InvalidRankRequest", "1 to 50"),
    "action null": (multi(_multi=[None, {}]), "InvalidRankRequest", "VW's JSON"),
    "texts in a list": (multi(a=["x"]), "InvalidRankRequest", "VW's JSON"),
    "too deep": (multi(a={"a": {"a": {"a": {"a": {"a": {"a": 1}}}}}}), "InvalidRankRequest", "VW's JSON"),
    "much for VW": (multi(a={f"x{one}": 1 for one in range(18_000)}), "InvalidRankRequest", "with their crossings"),
    "unknown action": (multi(_multi=[{"__aid": 1}, {}]), "InvalidRankRequest", "no action 1"),
    "no number of an action": (multi(_multi=[{"__aid": "x"}, {}]), "InvalidRankRequest", "VW's JSON"),
    "long context": (lambda: long(1_000_000), "InvalidRankRequest", "send fewer features"),
    "no slots": (slots(), "InvalidRankRequest", "the context has 2 slots"),
    "no slots at all": (slots(features=rlc.context()), "InvalidRankRequest", "1 to 2 slots, not 0"),
    "a slot less": (slots(TWO_SLOTS[0]), "InvalidRankRequest", "the context has 2 slots"),
    "three slots": (
        slots(*TWO_SLOTS, ("z", [1], [1.0]), features=rlc.context(_slots=[{}] * 3)), "InvalidRankRequest", "not 3",
    ),
    "an action in two slots": (slots(TWO_SLOTS[1], ("z", [0], [1.0])), "InvalidRankRequest", "at most one slot"),
    "a slot twice": (slots(TWO_SLOTS[1], ("side", [1], [1.0])), "InvalidRankRequest", "unique"),
    "a slot without id": (slots(TWO_SLOTS[0], ("", [0], [1.0])), "InvalidRankRequest", "slot id"),
    "a slot without action": (slots(TWO_SLOTS[0], ("z", [], [])), "InvalidRankRequest", "different numbers"),
    "a slot with another's action": (slots(TWO_SLOTS[0], ("z", [2], [1.0])), "InvalidRankRequest", "from 0 to 1"),
    "a baseline less": (slots(*TWO_SLOTS, baselines=[0]), "InvalidRankRequest", "baseline_actions"),
    "a negative baseline": (slots(*TWO_SLOTS, baselines=[0, -1]), "InvalidRankRequest", "baseline_actions"),
    "an apprentice without": (slots(*TWO_SLOTS, mode=rlc.APPRENTICE), "InvalidRankRequest", "baseline_actions"),
    "_inc": (slots(*TWO_SLOTS, features=rlc.context(_slots=[{"_inc": [2]}, {}])), "InvalidRankRequest", "_inc"),
    "a slot left without action": (
        slots(*TWO_SLOTS[::-1], features=rlc.context(_slots=[{"_inc": [0]}, {"_inc": [0]}])),
        "InvalidRankRequest",
        "slots before 'top'",
    ),
    "hardly ever passed": (bad(rlc.decision("e", passed=1e-9)), "InvalidRankRequest", "pass_probability"),
    "_inc of texts": (
        slots(*TWO_SLOTS, features=rlc.context(_slots=[{"_inc": "x"}, {}])), "InvalidRankRequest", "_inc",
    ),
}  # fmt: skip
OBSERVATIONS: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "a decision": (bad(rlc.decision("e")), "InvalidRewardRequest", "logs/interactions"),
    "a text": (bad(rlc.outcome("e", "good")), "InvalidRewardRequest", "number from -1 to 1"),
    "nothing": (bad(rlc.outcome("e")), "InvalidRewardRequest", "either"),
    "both": (bad(rlc.outcome("e", 1.0, taken=True)), "InvalidRewardRequest", "either"),
    "too much": (bad(rlc.outcome("e", 1.5)), "InvalidRewardRequest", "from -1 to 1"),
    "infinite": (bad(rlc.outcome("e", float("inf"))), "BadRequest", "not a number"),
    "nan": (bad(rlc.outcome("e", float("nan"))), "BadRequest", "not a number"),
    "long slot id": (bad(rlc.outcome("e", 1.0, "s" * 257)), "InvalidRewardRequest", "slot id"),
    "an episode": (bad(rlc.event("e", rlc.EPISODE, rlc.outcome("e", 1.0))), "InvalidRewardRequest", "Episode"),
    "an unknown kind": (bad(rlc.event("e", 99, rlc.outcome("e", 1.0))), "InvalidRewardRequest", "99"),
    "all": (bad(rlc.outcome("bad", 1.5), rlc.outcome("wrong", 2.0)), "InvalidRewardRequest", "Event 1"),
}


@pytest.mark.parametrize(
    ("read", "made", "code", "hint"),
    [pytest.param(conversion.interactions, *one, id=name) for name, one in INTERACTIONS.items()]
    + [pytest.param(conversion.observations, *one, id=name) for name, one in OBSERVATIONS.items()],
)
def test_a_batch_is_refused(
    read: Callable[[bytes, str], Lines], made: Callable[[], bytes], code: str, hint: str
) -> None:
    with pytest.raises(ApiError) as refused:
        read(made(), "shop", POLICY)
    assert (refused.value.status, refused.value.code) == (400, code)
    assert hint in refused.value.message


@pytest.mark.parametrize(
    ("wrong", "code", "hint"),
    [
        (rlc.outcome("bad", 1.5), "InvalidRewardRequest", "Event 2 of the batch, 'bad': the reward"),
        (rlc.outcome("bad", float("nan")), "BadRequest", "event 2: the outcome is not a number"),
        (rlc.outcome("bad", "good"), "InvalidRewardRequest", "event 2: an outcome that is a text"),
        (rlc.event("bad", 99, b""), "InvalidRewardRequest", "event 2: payload type 99"),
    ],
)
def test_one_bad_event_is_refused_and_the_others_of_its_batch_are_taken(wrong: bytes, code: str, hint: str) -> None:
    batch = rlc.batch(rlc.outcome("first", 1.0), wrong, rlc.outcome("last", 0.5))
    lines = conversion.observations(batch, "shop", POLICY)
    assert [line.event_id for line in lines.taken] == ["first", "last"]
    [refused] = lines.refused
    assert (refused.status, refused.code) == (400, code)
    assert hint in refused.message


def test_of_a_batch_that_is_too_long_as_logged_the_first_events_are_taken() -> None:
    lines = conversion.interactions(long(LARGEST_BATCH_BYTES // 20, 21), "shop", POLICY)
    assert 0 < sum(len(line.event) for line in lines.taken) <= LARGEST_BATCH_BYTES
    assert len(lines.taken) + len(lines.refused) == 21
    assert "smaller batches" in lines.refused[-1].message


def test_a_few_bytes_cannot_pretend_to_be_many_events() -> None:
    """A vector whose thousand offsets all lead to one event: each would be read, and logged."""
    count = 1000
    one = rlc.decision("e", features=rlc.context("x" * 5000))
    body = rlc.batch(*[one] + [b""] * (count - 1))[8:]
    [root] = struct.unpack_from("<I", body)
    vtable = root - struct.unpack_from("<i", body, root)[0]
    field = root + struct.unpack_from("<H", body, vtable + 4)[0]
    vector = field + struct.unpack_from("<I", body, field)[0]
    assert struct.unpack_from("<I", body, vector)[0] == count
    target = vector + 4 + struct.unpack_from("<I", body, vector + 4)[0]
    offsets = [target - (vector + 4 + 4 * number) for number in range(count)]
    bent = bytearray(body)
    struct.pack_into(f"<{count}I", bent, vector + 4, *offsets)
    with pytest.raises(ApiError, match="overlap"):
        conversion.interactions(struct.pack(">BBHI", 0, 0, 13, len(bent)) + bent, "shop", POLICY)


@dataclasses.dataclass
class Bent:
    """A valid body and what was done to it."""

    read: Callable[[bytes, str], Lines]
    body: bytes


VALID = [
    (conversion.interactions, rlc.batch(rlc.decision("e1", passed=0.5), rlc.decision("e2"))),
    (conversion.interactions, rlc.batch(rlc.slots_decision("e", TWO_SLOTS, SLOTS, baselines=[0, 1]))),
    (conversion.interactions, long(10)),
    (conversion.observations, rlc.batch(rlc.outcome("e", 1.0), rlc.outcome("f", 0.5, 1), rlc.outcome("g", taken=True))),
    (conversion.observations, rlc.batch(rlc.outcome("e", 1.0, "slot"))),
]
EXTREMES = [0, 1, 2, 4, 0x7F, 0x80, 0xFF]


@st.composite
def bent(draw: st.DrawFn) -> Bent:
    """A valid body, flipped, overwritten, cut or extended; its preamble is made right again, mostly."""
    read, valid = draw(st.sampled_from(VALID))
    body = bytearray(valid)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(8, len(body) - 1))
        match draw(st.sampled_from(["byte", "word", "cut", "extend"])):
            case "byte":
                body[place] = draw(st.sampled_from(EXTREMES) | st.integers(0, 255))
            case "word":
                body[place : place + 4] = struct.pack(
                    "<i", draw(st.integers(-200, 200) | st.integers(-(2**31), 2**31 - 1))
                )
            case "cut":
                del body[max(place, 9) :]
            case _:
                body += draw(st.binary(max_size=40))
    if draw(st.integers(0, 9)):
        body[4:8] = struct.pack(">I", len(body) - 8)
    return Bent(read, bytes(body))


def taken(made: Bent) -> list[Line] | ApiError:
    try:
        return made.read(made.body, "shop", POLICY).taken
    except ApiError as refused:
        return refused


@given(bent())
def test_a_bent_batch_gives_events_or_a_refusal(made: Bent) -> None:
    lines = taken(made)
    if isinstance(lines, ApiError):
        assert lines.status == 400
        return
    decode: Callable[[bytes], Any] = (
        events.decode_interaction if made.read is conversion.interactions else events.decode_observation
    )
    assert [decode(line.event).id for line in lines] == [line.event_id for line in lines]
    assert all(line.event.count(b"\n") == 1 for line in lines)


@given(st.binary(max_size=300))
@example(bytes(8))
def test_any_bytes_give_a_refusal(body: bytes) -> None:
    for read in (conversion.interactions, conversion.observations):
        for sent in (body, struct.pack(">BBHI", 0, 0, 13, len(body)) + body):
            with pytest.raises(ApiError) as refused:
                read(sent, "shop", POLICY)
            assert refused.value.status == 400
