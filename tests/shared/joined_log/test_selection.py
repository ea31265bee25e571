"""What a selection means: ids, features wherever they are, numbers and their digits."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.joined_log import unjoined_lines
from shared.joined_log.selection import Selection
from shared.loops.erasures import Wanted
from shared.vw.safe_features import safe

CONTEXT = {
    "FromUrl": [{"user": {"id": 17, "tags": ["new", "vip"]}, "flat.name": "x", "device": "phone"}, {"k=1": True}],
    "_multi": [{"_tag": "a", "i": {"constant": 1, "id": "a"}, "j": [{"owner": "ann"}, {"deep": {"er": 1.5}}]}],
    "_slots": [{"_id": "s", "_tag": "seed", "sj": [{"place": "top"}]}],
}


def line(**members: Any) -> bytes:
    return json.dumps({"Timestamp": "2026-01-01T00:00:00Z", "EventId": "e1", "c": CONTEXT} | members).encode()


def by(feature: str, value: str) -> Selection:
    return Selection([Wanted(feature=feature, value=value)])


@pytest.mark.parametrize(
    ("feature", "value", "found"),
    [
        ("user.id", "17", True),
        ("user.id", "1", False),
        ("user.id", "17.0", True),
        ("user.id", "1e", False),
        ("id", "17", False),
        ("id", "a", False),
        ("user.tags", "vip", True),
        ("flat.name", "x", True),
        ("device", "phone", True),
        ("device", "Phone", False),
        ("k=1", "true", True),
        ("owner", "ann", True),
        ("deep.er", "1.5", True),
        ("place", "top", True),
        ("user", "17", False),
        ("user.id.more", "17", False),
        ("nothing", "x", False),
    ],
)
def test_features_are_found_by_their_names_and_values(feature: str, value: str, found: bool) -> None:
    assert (by(feature, value).line(line()) is not None) is found


def test_text_and_number_of_the_same_digits_are_equal() -> None:
    texts = line(c={"FromUrl": [{"user": {"id": "17"}}]})
    floats = line(c={"FromUrl": [{"user": {"id": 17.0}}]})
    assert [by("user.id", "17").line(one) for one in (texts, floats, line())] == ["e1"] * 3


def test_values_that_json_spells_in_several_ways_are_found() -> None:
    for written in ('"a\\u002fb"', '"a\\/b"', '"a/b"'):
        spelled = b'{"EventId":"e1","c":{"FromUrl":[{"path":' + written.encode() + b"}]}}"
        assert by("path", "a/b").line(spelled) == "e1"


@pytest.mark.parametrize(
    ("written", "value", "found"),
    [
        ("1.7e1", "17", True),
        ("170E-1", "17", True),
        ("9007199254740993", "9007199254740993", True),
        ("9007199254740992", "9007199254740993", False),
        ('"17"', "017", False),
        ("17", "017", False),
        ("17", "1_7", False),
        ("17", " 17", False),
        ("17", "\u0661\u0667", False),
        ('"\\u0075-17"', "u-17", True),
        ('"a\\u002Bb@c.de"', "a+b@c.de", True),
        ('"\\\\u0075-17"', "u-17", False),
        ('"a\u2400b"', "a\0b", True),
        ("1", "true", False),
        ("true", "1", False),
        ("null", "null", True),
    ],
)
@pytest.mark.parametrize("others", [0, 20])
def test_values_are_compared_whole_however_json_spells_them(written: str, value: str, found: bool, others: int) -> None:
    wanted = [Wanted(feature="user.id", value=one) for one in (value, *(f"other-{n}" for n in range(others)))]
    kept = b'{"EventId":"e1","c":{"FromUrl":[{"user":{"id":' + written.encode() + b"}}]}}"
    assert (Selection(wanted).line(kept) is not None) is found


@pytest.mark.parametrize("others", [0, 20])
@pytest.mark.parametrize(
    "spelled",
    [
        b'{"EventId":"visit-1","c":{}}',
        b'{"EventId":"\\u0076isit-1","c":{}}',
        b'{"Event\\u0049d":"visit-1","c":{}}',
        b'{"EventId" : "visit-1","c":{}}',
        b'{"c":{"EventId":"e1"},"EventId":\t"visit-1"}',
        b'{"EventId":"e1","EventId":"visit-1","c":{}}',
        b'{"c":{"x":"EventId","y":"\\"EventId\\":\\""},"EventId":"visit-1","o":[{"EventId":"e1"}]}',
    ],
)
def test_ids_are_found_however_json_spells_them(spelled: bytes, others: int) -> None:
    wanted = [Wanted(event_id=one) for one in ("visit-1", *(f"other-{n}" for n in range(others)))]
    assert Selection(wanted).line(spelled) == "visit-1"
    lines = line() + b"\n" + spelled + b"\n" + line()
    assert Selection(wanted).may_mean(lines, joined=True)
    assert Selection(wanted[1:]).line(spelled) is None


IDS = st.one_of(st.sampled_from(["e1", "e 2", "e/3", "\u00e94", 'e"5', "e\\6", "e\n7"]), st.text(max_size=3))


@settings(deadline=None)
@given(st.lists(IDS.filter(bool), max_size=9), IDS, st.booleans(), st.sampled_from([(",", ":"), (", ", ": ")]))
def test_of_many_ids_just_the_wanted_ones_are_found(
    ids: list[str], event_id: str, is_ascii: bool, separators: tuple[str, str]
) -> None:
    kept = json.dumps({"EventId": event_id, "c": CONTEXT}, ensure_ascii=is_ascii, separators=separators)
    found = Selection([Wanted(event_id=one) for one in ids]).line(kept.encode("utf-8", "replace"))
    assert found == (event_id if event_id in ids else None)


def test_lines_without_any_of_many_ids_or_texts_are_not_decoded() -> None:
    kept = (json.dumps(json.loads(line()), separators=(",", ":")) + "\n").encode() * 2
    ids = [Wanted(event_id=f"other-{n}") for n in range(20)]
    texts = [Wanted(feature="device", value=f"other-{n}") for n in range(20)]
    for wanted in (ids, texts, ids + texts):
        assert not Selection(wanted).may_mean(kept, joined=True)
        assert Selection([*wanted, Wanted(event_id="e1")]).may_mean(kept, joined=True)
        assert Selection([*wanted, Wanted(feature="device", value="phone")]).may_mean(kept, joined=True)


@pytest.mark.parametrize("name", ["\u00e9user", ":user", "us\0er", "plain"])
def test_features_are_found_by_the_names_that_rank_was_sent(name: str) -> None:
    kept = line(c={"FromUrl": [safe({name: {"id": "u-17", name: "x"}})]})
    for feature, value in ((f"{name}.id", "u-17"), (f"{name}.{name}", "x")):
        assert by(feature, value).line(kept) == "e1", feature
    assert by(f"n{name}", "x").line(line(c={"FromUrl": [{name: "x"}]})) is None


def test_ids_are_found_and_what_is_learned_is_meant_from_then_on() -> None:
    selection = Selection([Wanted(event_id="e1"), Wanted(feature="user.id", value="99")])
    assert selection.line(line()) == "e1"
    assert selection.line(line(EventId="e2")) is None
    selection.learn("e2")
    assert selection.line(line(EventId="e2")) == "e2"


def test_imported_layouts_of_others_are_searched() -> None:
    theirs = line(c={"GUser": {"id": "u7"}, "_multi": [{"TAction": {"topic": "art"}}]})
    for feature, value in (("GUser.id", "u7"), ("id", "u7"), ("TAction.topic", "art"), ("topic", "art")):
        assert by(feature, value).line(theirs) == "e1", feature


def test_late_lines_are_searched_by_their_events() -> None:
    rank = {"v": 1, "loop": "default", "id": "e5", "c": CONTEXT}
    reward = {"v": 1, "loop": "default", "id": "e5", "kind": "reward", "value": 1}
    kept = [unjoined_lines.encode("late", 1, json.dumps(one).encode()) for one in (rank, reward)]
    assert [by("user.id", "17").unjoined(one) for one in kept] == ["e5", None]
    assert [Selection([Wanted(event_id="e5")]).unjoined(one) for one in kept] == ["e5", "e5"]


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{",
        b"[]",
        b'{"EventId":5}',
        b'{"c":"17"}',
        b"\xff17",
        b'{"EventId":"e1","c":[17]}',
        b'{"EventId":"e1","c":{"_multi":17,"_slots":true}}',
        b'{"EventId":"e1","c":{"17":' + b"[" * 5_000 + b"]" * 5_000 + b"}}",
    ],
)
def test_lines_that_are_none_are_passed_over(broken: bytes) -> None:
    assert by("user.id", "17").line(broken) is None
    assert by("user.id", "17").unjoined(broken) is None


@pytest.mark.parametrize("others", [0, 20])
@pytest.mark.parametrize("written", ['"17"', "17", "17.0", '"a \\"quoted\\" b"', '"x\\\\"', "true"])
def test_of_many_conditions_none_is_overlooked(written: str, others: int) -> None:
    value = {"17.0": "17", "true": "true"}.get(written, str(json.loads(written)))
    wanted = [Wanted(feature="user.id", value=one) for one in (value, *(f"other-{n}" for n in range(others)))]
    kept = b'{"EventId":"e1","c":{"FromUrl":[{"t":"\\\\","user":{"id":' + written.encode() + b"}}]}}"
    assert Selection(wanted).line(kept) == "e1"
    event = {"id": "e1", "c": json.loads(kept)["c"]}
    late = unjoined_lines.encode("late", 1, json.dumps(event).encode())
    assert Selection(wanted).may_mean(late)
    assert Selection(wanted).unjoined(late) == "e1"
    assert Selection([Wanted(feature="user.id", value=f"none-{n}") for n in range(others + 1)]).line(kept) is None
