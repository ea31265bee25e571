"""What a model goes through, as the lines tell it that it learns."""

import json
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest
from harness.learning import train

from shared.vw import dsjson, policy
from shared.vw.experience import Experience, Pupil
from shared.vw.known_actions import ENOUGH, KnownActions
from shared.vw.model import Model
from shared.vw.schema import Schema

GIVEN = policy.parse(policy.DEFAULT_ARGUMENTS)
DAY_MS = 86_400_000


def line(number: int, action: int = 0, reward: float = 1.0, names: str = "abc", **more: Any) -> bytes:
    from shared.joined_log.joined_lines import timestamp

    actions = [{"_tag": one, "i": {"constant": 1, "id": one}, "j": [{"x": 1}]} for one in names]
    context = {"FromUrl": [{"hour": 1, **more.pop("context", {})}], "_multi": actions}
    numbers = [action + 1, *(one + 1 for one in range(len(names)) if one != action)]
    made = dsjson.Line(
        cost=0.0 - reward, probability=0.25, action=action + 1, index=action, at=timestamp(more.pop("at", number)),
        version="1", id=f"e{number}", a=numbers, c=msgspec.Raw(msgspec.json.encode(context)), p=[0.25] * len(names),
        state=dsjson.State("m"), original_cost=0.0 - reward, **more,
    )  # fmt: skip
    return dsjson.encode(made)


def pupil(given: policy.Policy = GIVEN) -> Pupil:
    return Pupil(given, Experience(), KnownActions())


def test_a_learner_gets_label_probability_1_and_the_line_is_else_as_it_was() -> None:
    before = line(1)
    after = pupil().take(before)
    assert json.loads(after) == json.loads(before) | {"_label_probability": 1}
    assert json.loads(after)["p"] == [0.25] * 3


def test_lines_in_another_order_are_changed_too() -> None:
    members = json.loads(line(1, action=2))
    foreign = json.dumps(dict(reversed(members.items()))).encode() + b"\n"
    one = pupil()
    assert json.loads(one.take(foreign)) == members | {"_label_probability": 1}
    assert one.experience.schedule.learned == 1


@pytest.mark.parametrize("other", [line(1, skip=True), b'{"_outcomes":[{"_a":[0]}],"c":{}}\n', b"no json\n"])
def test_what_is_not_learned_passes_as_it_is(other: bytes) -> None:
    one = pupil()
    assert one.take(other + line(2) + other).count(other) == 2
    assert one.experience.schedule.learned == 1


@pytest.mark.parametrize(
    "odd",
    [
        b'{"_label_cost":-1,"_label_probability":0.5,"_label_Action":1,"_labelIndex":0}\n',
        b'{"_label_cost":-1,"_label_probability":0.5,"_label_Action":1,"c":[1]}\n',
        b'{"_label_cost":-1,"_label_probability":0.5,"_label_Action":1,"c":{"_multi":[1,null]}}\n',
        b'{"_label_cost":null,"_label_probability":0.5,"_label_Action":1,"c":{}}\n',
        b'{"_label_cost":1e999,"_label_probability":0.5,"_label_Action":1,"c":{}}\n',
        b'{"_label_cost":-1,"_label_probability":0.5,"_label_Action":9,"c":{},"Timestamp":5}\n',
    ],
)
def test_lines_of_any_shape_stop_nothing(odd: bytes) -> None:
    one = pupil()
    lines = one.take(odd + line(2)).splitlines()
    assert len(lines) == 2
    one.take(odd * 1_200 + b"".join(line(number) for number in range(3, 1_300)))
    assert math.isfinite(one.experience.schedule.usual.mean)
    assert "F" in one.experience.schema.context


def test_a_policy_of_its_own_words_learns_as_logged() -> None:
    weighted = policy.parse("--cb_explore_adf --squarecb --interactions auto")
    assert pupil(weighted).take(line(1)) == line(1)


def test_actions_are_known_by_their_ids() -> None:
    one = pupil()
    odd = 'a"\\\n'
    actions = [{"_tag": odd, "i": {"constant": 1, "id": odd}}, {"_tag": "b", "i": {"constant": 1, "id": "b"}}]
    members = json.loads(line(1)) | {"c": {"FromUrl": [{"t": '"_multi":['}], "_multi": actions}}
    text = msgspec.json.encode(members) + b"\n"
    one.take((text + line(2, action=1, names="xyz")) * ENOUGH)
    assert [name in one.actions for name in (odd, "b", "x", "y")] == [True, False, False, True]
    assert one.has_changed_actions


def test_the_first_event_tells_the_schema_and_others_widen_it_at_looks() -> None:
    one = pupil()
    one.take(line(1))
    assert one.experience.schema == Schema("F", "j")
    user = {"user": {"age": 3}}
    one.take(b"".join(line(number, context=user) for number in range(2, 10)))
    assert one.experience.schema == Schema("F", "j")
    one.take(line(10, context=user))
    assert one.experience.schema == Schema("Fu", "j")


def test_later_it_grows_once_a_day_of_event_time() -> None:
    one = pupil()
    days: dict[int, dict[str, Any]] = {0: {}, 1: {"user": {"x": 1}}, 2: {"user": {"x": 1}, "place": {"x": 1}}}
    for day, context in days.items():
        for number in range(2_000):
            more = context if day < 2 or number < 1_000 else context | {"trip": {"x": 1}}
            one.take(line(number, context=more, at=DAY_MS * min(day, 1) + number))
    assert one.experience.schema == Schema("Fu", "j")  # place and trip came on the day on which user did
    one.take(b"".join(line(number, context={"trip": {"x": 1}}, at=DAY_MS * 2) for number in range(1_000)))
    assert one.experience.schema == Schema("Ftu", "j")
    assert one.experience.grown == "1970-01-03"


def test_it_is_the_same_in_whatever_parts_lines_come_and_however_it_is_stored() -> None:
    lines = [line(number, number % 3, float(number % 5 == 0)) for number in range(2_345)]
    whole, parts = pupil(), pupil()
    taken = whole.take(b"".join(lines))
    pieces = []
    for start in range(0, len(lines), 57):
        stored = msgspec.json.decode(msgspec.json.encode(parts.experience), type=Experience)
        parts = Pupil(GIVEN, stored, parts.actions)
        pieces.append(parts.take(b"".join(lines[start : start + 57])))
    assert b"".join(pieces) == taken
    assert parts.experience == whole.experience


def test_vw_learns_what_a_pupil_hands_on(tmp_path: Path) -> None:
    one = pupil()
    lines = one.take(b"".join(line(number, number % 3, float(number % 3 == 1)) for number in range(90)))
    arguments = GIVEN.for_vw(one.experience.schema.arguments)
    learner = train(tmp_path / "model", lines.splitlines(keepends=True), policy=arguments)
    model = Model("m", learner.predict)
    context = json.loads(line(1))["c"]
    assert model.predict(json.dumps(context).encode(), 3)[1] > 0.5
    model.close()


def test_a_line_with_spaces_says_the_same_as_one_without() -> None:
    spaced, plain = pupil(), pupil()
    for number in range(ENOUGH):
        for made in (line(number, action=1), line(number, skip=True)):
            plain.take(made)
            spaced.take(json.dumps(json.loads(made)).encode() + b"\n")
    assert "b" in plain.actions
    assert "b" in spaced.actions
    assert spaced.experience == plain.experience


def test_an_action_is_called_by_its_own_id_whatever_its_features_are_called() -> None:
    one = pupil()
    features = {"j": [{"i": {"constant": 1, "id": "a feature"}}]}
    actions = [{"_tag": name, "i": {"constant": 1, "id": name}, **features} for name in "abc"]
    tagged = [{"_tag": name, "j": [{"x": 1}]} for name in "def"]
    for number in range(ENOUGH):
        for multi in (actions, tagged):
            members = json.loads(line(number, action=1))
            members["c"]["_multi"] = multi
            one.take(msgspec.json.encode(members) + b"\n")
    assert [name for name in "abcdef" if name in one.actions] == ["b", "e"]
    assert "a feature" not in one.actions


@pytest.mark.parametrize("spaced", [False, True])
def test_rewards_have_not_fallen_because_an_apprentice_is_let_go(spaced: bool) -> None:
    """Its label says whether it agreed with the baseline, which it mostly does; rewards are rare all the time."""
    one = pupil()
    for number in range(3_000):
        reward = float(not number % 10)
        made = line(number, reward=reward, mode=None if number >= 2_000 else "Apprentice")
        if number < 2_000:
            made = made.replace(f'"_label_cost":{0.0 - reward}'.encode(), b'"_label_cost":-1.0', 1)
        one.take(json.dumps(json.loads(made)).encode() + b"\n" if spaced else made)
    assert one.experience.schedule.learned == 3_000
    assert one.experience.schedule.fall is None
    assert one.experience.schedule.usual.mean == pytest.approx(0.1)


@pytest.mark.parametrize("odd", ["2026-03-01t00:30:00z", "2026-03-01 01:30:00+01:00", "2026-03-01T00:30:00.0000000"])
def test_the_time_of_a_fall_is_in_utc_however_a_line_spells_it(odd: str) -> None:
    one, usual = pupil(), line(1, at=0).partition(b'"Timestamp":"')[2].partition(b'"')[0]
    for number in range(1_400):
        one.take(line(number, reward=float(number < 1_000), at=0).replace(usual, odd.encode()))
    fall = one.experience.schedule.fall
    assert fall is not None
    assert fall.at == "2026-03-01T00:30:00.000Z"
    assert one.experience.grown == "2026-03-01"
