"""Which requests cost Vowpal Wabbit too much, under which policies; none that the default policies took before."""

from typing import Any

import msgspec
import pytest
from harness import slots
from harness.learning import decide

from shared.errors import ApiError
from shared.rank import expense, ranking, slots_ranking, slots_wire, wire
from shared.vw.policy import DEFAULT_ARGUMENTS, HISTORIC_ARGUMENTS, MULTI_SLOT_ARGUMENTS

USUAL = (DEFAULT_ARGUMENTS, HISTORIC_ARGUMENTS)
CUBIC, BAG = "--cb_explore_adf --epsilon 0.2 --cubic :::", "--cb_explore_adf --epsilon 0.2 --bag 32 -q ::"


def body(width: int, count: int, kind: str = "context") -> dict[str, Any]:
    """A request of `count` actions, each of which meets `width` features."""
    names = {str(number): 1.5 for number in range(width)}
    wide: dict[str, Any] = {"flat": names, "array": {"x": [1.5] * width}, "nested": {"x": {"y": names}}}.get(kind, {})
    context = [names] if kind == "context" else []
    return {"actions": [{"id": str(n), "features": [wide]} for n in range(count)], "contextFeatures": context}


def in_kinds(cases: list[tuple[int, int, str]]) -> list[tuple[int, int, str, str]]:
    """Each case in every kind; many features in each of 50 actions are more than a message holds, but as an array."""
    kinds = ("context", "array", "flat", "nested")
    return [(*case, kind) for case in cases for kind in kinds if case[1] == 1 or case[0] < 1_000 or kind in kinds[:2]]


def is_dear(request: dict[str, Any], arguments: str) -> bool:
    asked = ranking.ask(wire.rank_request(msgspec.json.encode(request)), arguments)
    expense.check(asked.context, len(asked.candidates), arguments)
    return asked.is_dear


def of_slots(request: dict[str, Any], arguments: str = MULTI_SLOT_ARGUMENTS) -> bool:
    asked = slots_ranking.ask(slots_wire.rank_request(msgspec.json.encode(request)), arguments)
    expense.check(asked.context, len(asked.actions), arguments, len(asked.slots))
    return asked.is_dear


@pytest.mark.parametrize(("width", "count", "arguments", "kind"), in_kinds([
    *((15_800, 1, one) for one in USUAL),
    *((2_200, 50, one) for one in USUAL),
    (1_000, 1, CUBIC), (250, 50, CUBIC), (4_000, 1, BAG), (600, 50, BAG),
]))  # fmt: skip
def test_what_is_within_the_bound_is_taken(width: int, count: int, arguments: str, kind: str) -> None:
    assert is_dear(body(width, count, kind), arguments)


@pytest.mark.parametrize(("width", "count", "arguments", "kind"), in_kinds([
    (17_500, 1, DEFAULT_ARGUMENTS), (2_500, 50, DEFAULT_ARGUMENTS), (25_000, 1, HISTORIC_ARGUMENTS),
    (15_000, 1, CUBIC), (1_300, 1, CUBIC), (350, 50, CUBIC), (4_500, 1, BAG), (650, 50, BAG),
]))  # fmt: skip
def test_what_is_beyond_it_is_refused_and_says_what_to_change(
    width: int, count: int, arguments: str, kind: str
) -> None:
    with pytest.raises(ApiError, match="Send fewer features, actions or slots, or put a learning policy") as refused:
        is_dear(body(width, count, kind), arguments)
    assert refused.value.code == "InvalidRankRequest"


def test_an_ordinary_request_is_cheap() -> None:
    for arguments in USUAL:
        assert not is_dear(body(20, 50, "flat"), arguments)


def test_every_slot_counts() -> None:
    wide = [{f"c{number}": number + 0.5 for number in range(9_000)}]
    with pytest.raises(ApiError, match="Too many features for the learning policy"):
        of_slots(slots.body() | {"contextFeatures": wide})
    assert not of_slots(slots.body() | {"contextFeatures": wide}, "--ccb_explore_adf --epsilon 0.2")
    assert not of_slots(slots.body() | {"contextFeatures": [{"c": 1}]})


def test_a_decision_is_the_same_however_dear_it_is() -> None:
    """Without a model the draw needs no prediction."""
    assert decide(body(3_000, 2)).ranking.probabilities == [0.5, 0.5]
