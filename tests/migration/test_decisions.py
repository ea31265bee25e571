"""Lines of old logs: what can be learned becomes a line of ours, and VW learns it; all else has a reason."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import vowpalwabbit
from harness.exports import START, context, line, slots_line

from migration import decisions
from migration.decisions import Decision, Unusable
from shared.vw import dsjson
from shared.vw.policy import EARLIER_ARGUMENTS

CCB = "--ccb_explore_adf --cb_type mtr"


def read(given: Any, *, multi_slot: bool = False, at: datetime | None = None) -> Decision:
    return decisions.read((given if isinstance(given, str) else json.dumps(given)).encode(), multi_slot, at)


def without(*names: str, **changed: Any) -> dict[str, Any]:
    return {name: value for name, value in line(1, **changed).items() if name not in names}


def learned(folder: Path, given: list[Decision], arguments: str = EARLIER_ARGUMENTS) -> float:
    """How many of these VW's own driver learns."""
    count: float = driven(folder, given, arguments).get_weighted_examples()
    return count


def driven(folder: Path, given: list[Decision], arguments: str = EARLIER_ARGUMENTS) -> Any:
    """VW after it has read these."""
    log = folder / "log.dsjson"
    log.write_bytes(b"".join(one.line + b"\n" for one in given))
    options = ["-d", str(log), "--dsjson", "--quiet"]
    return vowpalwabbit.Workspace(arg_list=[*arguments.split(), *options])


def costs(folder: Path, given: list[Decision]) -> float:
    """What VW has counted as cost while it learned these."""
    loss: float = driven(folder, given).get_sum_loss()
    return loss


def features(**shared: Any) -> dict[str, Any]:
    return {"c": context("night") | {"FromUrl": [shared]}}


def test_a_line_of_personalizer_is_kept_as_it_is() -> None:
    given = json.dumps(line(7))
    decision = read(given)
    assert decision == Decision("e000007", round(START.timestamp() * 1000) + 70_000, given.encode(), True, [])


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("{", "not JSON"),
        ("hello", "not JSON"),
        ("[CHECKPOINT INFO LINE]", r"a marker of the service: \[CHECKPOINT INFO LINE\]"),
        ("[CHECKPOINT INFO LINE] 2021-03-04 {}", r"a marker of the service: \[CHECKPOINT INFO LINE\]"),
        ("[End-of-day]", r"a marker of the service: \[End-of-day\]"),
        ("[]", "a list, not a decision"),
        ('[{"partition":"0","offset":12}]', "a list, not a decision"),
        ('{"x":' * 2000 + "1" + "}" * 2000, "nested too deeply"),
        (line(1, _label_cost="one"), "not of its type"),
        (line(1, Timestamp="yesterday"), "not of its type"),
        ({"RewardValue": 1.0, "EnqueuedTimeUtc": "2018-01-03T20:12:20.028Z", "EventId": "e"}, "an observation whose"),
        ({"reward_function_type": 1, "default_reward": 0.0}, "checkpoint info"),
        (without("c"), "no decision"),
        (line(1, c={"FromUrl": [], "_multi": []}), "no actions"),
        (without("_label_cost"), "no label"),
        (without("_label_Action", "_labelIndex"), "no label"),
        (line(1, _label_Action=4, _labelIndex=3), "not among the actions"),
        (line(1, _label_Action=0, _labelIndex=-1), "not among the actions"),
        (line(1, _labelIndex=2), "different actions"),
        (line(1, _label_probability=0.0), "probability"),
        (line(1, _label_probability=1.5), "probability"),
        (line(1, _label_cost=1e30), "cost"),
        (line(1, pdrop=1.0), "pdrop"),
        (line(1, **features(tags=["a", "b"])), "arrays"),
        (line(1, **features(matrix=[[1, 2]])), "arrays"),
        (without("Timestamp"), "--at"),
        (slots_line(1), "multi-slot, the loop's policy is not"),
    ],
)
def test_what_cannot_be_learned_has_a_reason(given: Any, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        read(given)


@pytest.mark.parametrize(
    ("given", "member", "value"),
    [
        (without("_labelIndex"), "_labelIndex", 1),
        (without("_label_Action"), "_label_Action", 2),
        (without("a"), "a", [2, 1, 3]),
        (line(1, a=[1, 0, 2]), "a", [2, 1, 3]),
        (line(1, _deferred=True), "_skipLearn", True),
    ],
)
def test_what_is_missing_and_known_is_completed(given: dict[str, Any], member: str, value: Any) -> None:
    decision = read(given)
    assert json.loads(decision.line) == given | {member: value}
    assert decision.notes == [f"completed: {member}"]


def test_an_event_without_an_id_gets_one_of_its_content() -> None:
    decision = read(without("EventId"))
    assert json.loads(decision.line)["EventId"] == decision.id == read(without("EventId")).id
    assert decision.id != read(without("EventId", Timestamp="2026-01-01T00:00:00Z")).id


def test_an_event_without_a_time_takes_the_one_given() -> None:
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    decision = read(without("Timestamp"), at=at)
    assert decision.at == at.timestamp() * 1000
    assert datetime.fromisoformat(json.loads(decision.line)["Timestamp"]) == at


def test_a_time_with_an_offset_is_kept_in_utc() -> None:
    """Five minutes of the log are told by the first letters of its times."""
    found = read(line(1, Timestamp="2025-06-15T03:30:00+05:30"))
    assert json.loads(found.line)["Timestamp"] == "2025-06-14T22:00:00Z"
    assert found.at == 1_749_938_400_000
    assert decisions.read(found.line, False).line == found.line


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"])
def test_what_is_no_time_in_utc_has_a_reason(time: str) -> None:
    with pytest.raises(Unusable, match="its Timestamp is"):
        read(line(1, Timestamp=time))


def test_a_number_too_large_for_json_has_a_reason() -> None:
    huge = json.dumps(line(1, c=context("night") | {"FromUrl": [{"a": "HUGE"}]})).replace('"HUGE"', "1e400")
    with pytest.raises(Unusable, match="a feature that VW cannot read: Number out of range"):
        read(huge)


def test_the_label_is_put_where_vw_sees_it(tmp_path: Path) -> None:
    behind = dict(reversed(line(4).items()))
    decision = read(behind)
    assert decision.notes == [decisions.REORDERED]
    assert json.loads(decision.line) == behind
    assert costs(tmp_path, [decision]) == costs(tmp_path, [read(line(4))]) != 0


def test_vw_learns_every_line_that_is_to_be_learned(tmp_path: Path) -> None:
    contexts = [
        features(created=1767225600000),
        features(huge=1e300, small=-1e300),
        features(**{"größe": {"x": 1}, "a:b": {"y": 1}, ":": {"z": [1, 2]}, "~": [{"t": "u"}]}),
        features(text="a\u0000b", nothing=None, yes=True, vector=[1, 2.5]),
        {"c": {"GUser": {"id": "rnc", "major": "arts"}, "_multi": [{"TAction": {"t": one}} for one in "abc"]}},
    ]
    given = [line(1), *(line(1, **one) for one in contexts)]
    given += [without("_labelIndex"), without("a"), without("EventId"), without("p"), line(1, _label_cost=-3.0)]
    assert learned(tmp_path, [read(one) for one in given]) == len(given)
    assert learned(tmp_path, [read(line(1, _skipLearn=True)), read(line(2, _deferred=True)), read(line(3))]) == 1


@pytest.mark.parametrize("name", ["_outcomes", "_outcome\\u0073"])
def test_what_the_log_holds_of_a_multi_slot_line_is_known_as_such(name: str) -> None:
    text = json.dumps(slots_line(1), indent=1).replace("\n", "").replace('"_outcomes"', f'"{name}"')
    assert dsjson.is_multi_slot(read(text, multi_slot=True).line)
    with pytest.raises(Unusable, match="multi-slot"):
        read(text)


def test_outcomes_without_slots_are_of_no_single_decision() -> None:
    with pytest.raises(Unusable, match="multi-slot"):
        read(line(1, _outcomes=slots_line(1)["_outcomes"]))


def test_multi_slot_lines_are_for_multi_slot_loops(tmp_path: Path) -> None:
    given = [slots_line(number) for number in range(5)]
    decided = [read(one, multi_slot=True) for one in given]
    assert learned(tmp_path, decided, CCB) == 5
    assert json.loads(decided[0].line) == given[0] | {"EventId": decided[0].id}
    for one, reason in (
        (line(1), "single-slot"),
        (slots_line(1, _outcomes=given[0]["_outcomes"][:1]), "one outcome per slot"),
        (slots_line(1, _outcomes=[given[0]["_outcomes"][0]] * 2), "or taken"),
        (
            slots_line(1, _outcomes=[one | {"_p": [0.0, 1, 1]} for one in given[0]["_outcomes"]]),
            "differ in number|prob",
        ),
    ):
        with pytest.raises(Unusable, match=reason):
            read(one, multi_slot=True)


def test_what_a_reader_may_miss_is_noted() -> None:
    assert read(line(1, p=[0.1, 0.8, 0.1])).notes == [decisions.MISALIGNED]
    assert read(line(1, _label_cost=-2.0)).notes == [decisions.LARGE]
    assert read(line(1, c={"G": {"x": 1}, "_multi": [{"T": {"t": 1}}] * 3})).notes == [decisions.OTHER_LAYOUT]


def test_half_a_character_is_replaced_and_noted() -> None:
    decision = read(line(1, **features(title="cut \ud83d")))
    assert json.loads(decision.line)["c"]["FromUrl"] == [{"title": "cut \ufffd"}]
    assert decisions.MENDED in decision.notes
    assert decisions.MENDED not in read(line(1, **features(title="whole \U0001f600"))).notes


def test_a_line_in_another_encoding_says_which_one_is_taken() -> None:
    given = json.dumps(line(1, **features(city="Århus")), ensure_ascii=False)
    with pytest.raises(Unusable, match="not in UTF-8; convert"):
        decisions.read(given.encode("latin-1"), multi_slot=False)
    assert decisions.read(given.encode(), multi_slot=False).line == given.encode()


def test_the_exclusions_of_a_slot_are_kept_wherever_they_are(tmp_path: Path) -> None:
    """As the .NET client's local inference logs them."""
    given = slots_line(1)
    given["c"]["_slots"][1]["sj"].append({"_inc": [0, 1]})
    decision = read(given, multi_slot=True)
    slots = json.loads(decision.line)["c"]["_slots"]
    assert slots[1] == {"_id": "two", "sj": [{"size": "small"}, {}], "_inc": [0, 1]}
    assert slots[0] == given["c"]["_slots"][0]
    assert learned(tmp_path, [decision], CCB) == 1
