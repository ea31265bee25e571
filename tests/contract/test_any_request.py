"""No request, whatever it holds, reaches VW in a form that changes what it means: with a trained model, in volume."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import vowpalwabbit
from harness.learning import decide, rewarded, train, trained
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import ApiError
from shared.rank import wire
from shared.rank.ranking import Decision, answer
from shared.vw.model import Model
from shared.vw.policy import EARLIER_ARGUMENTS

# First bytes of namespaces that VW 9.11 writes out of bounds for, and whatever else has a meaning in VW's formats.
SPECIAL = ["a b", "a:b", "a|b", "|", ":", "\t", "\n", "\r", " ", "\0", "a\0b", "\x7f", "~"]
SPECIAL += ["é", "\x80", "ÿ", "日本", "😀", "_label", "_multi", "_slots", "_tag", "_text", "__aid", "_inc", "_x"]
SPECIAL += ["i", "j", "FromUrl", "c", "a", "p", "o", "pdrop"]
VALUES: list[Any] = [1, 0, -5, 1e10, -1e300, 1e-300, "s", "", "|x :1\n", "\0", True, False, None, [1, 2.5], [], [0.0]]
VALUES += [{}, {"x": 1}, {"é": {"ü": 1}}, {"_x": 1}, {"y": {"z": "q", "|": [1]}}]

names = st.text(min_size=1, max_size=8) | st.sampled_from(SPECIAL)
finite = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.text(max_size=20) | st.integers() | finite
numbers = st.lists(finite, max_size=4)
values = st.recursive(scalars | numbers, lambda part: st.dictionaries(names, part, max_size=3), max_leaves=8)
features = st.dictionaries(names, values, max_size=4)


@st.composite
def ranks(draw: st.DrawFn) -> dict[str, Any]:
    """Requests within the contract, mostly."""
    ids = draw(st.lists(names, min_size=1, max_size=6, unique=True))
    body: dict[str, Any] = {
        "actions": [{"id": one, "features": draw(st.lists(features, min_size=1, max_size=2))} for one in ids]
    }
    optional = {
        "contextFeatures": st.none() | st.lists(features, max_size=3),
        "excludedActions": st.none() | st.lists(st.sampled_from(ids) | st.text(max_size=3), max_size=2),
        "eventId": st.none() | st.text(min_size=1, max_size=20),
        "deferActivation": st.none() | st.booleans(),
        "unknown": values,
    }
    return body | {name: draw(strategy) for name, strategy in optional.items() if draw(st.booleans())}


anything = st.recursive(
    scalars | st.floats(), lambda part: st.lists(part, max_size=3) | st.dictionaries(names, part, max_size=3)
)


@st.composite
def bent_ranks(draw: st.DrawFn) -> Any:
    """Requests of which one part, at any depth, was replaced by anything."""
    body: Any = draw(ranks())
    holder, key = {"": body}, ""
    for _ in range(draw(st.integers(0, 5))):
        part = holder[key]
        if not part or not isinstance(part, dict | list):
            break
        holder, key = part, draw(st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part))))
    bent = draw(anything)
    if key == "":
        return bent
    holder[key] = bent
    return body


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any-request")


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return trained(folder)


@pytest.fixture(scope="module")
def public(model: Model, folder: Path) -> Iterator[vowpalwabbit.Workspace]:
    workspace = vowpalwabbit.Workspace(arg_list=["-i", str(folder / "predict.vw"), "--testonly", "--json", "--quiet"])
    yield workspace
    workspace.finish()


@pytest.fixture(scope="module")
def reader() -> Iterator[vowpalwabbit.Workspace]:
    workspace = vowpalwabbit.Workspace(arg_list=[*EARLIER_ARGUMENTS.split(), "--dsjson", "--quiet"])
    yield workspace
    workspace.finish()


def decided(body: Any, model: Model) -> Decision | ApiError:
    try:
        return decide(body, model)
    except ApiError as refusal:
        return refusal


def check(decision: Decision, model: Model, public: vowpalwabbit.Workspace, reader: vowpalwabbit.Workspace) -> bytes:
    """A decision has one probability per action, the same by the public route, and a line that VW reads as such."""
    count = len(decision.candidates)
    ranking = json.loads(answer(decision))["ranking"]
    assert len(ranking) == count + len(decision.excluded)
    assert sum(one["probability"] for one in ranking) == pytest.approx(1, abs=1e-5)
    assert all(0 <= one["probability"] <= 1 for one in ranking)
    expected = public.predict(decision.context.decode()) or [1.0]
    assert model.predict(decision.context, count) == pytest.approx(expected, abs=1e-6)
    line = rewarded(decision)
    examples = reader.parse(line.decode().rstrip("\n"))
    assert len(examples) == count + 1
    reader.finish_example(examples)
    return line


@given(body=ranks())
@settings(max_examples=settings().max_examples * 3)
def test_every_request_within_the_contract_is_decided(
    body: dict[str, Any], model: Model, public: vowpalwabbit.Workspace, reader: vowpalwabbit.Workspace
) -> None:
    decision = decided(body, model)
    if isinstance(decision, ApiError):
        assert decision.code == "InvalidRankRequest"
        assert re.search("All actions are excluded|Number out of range", decision.message)
    else:
        check(decision, model, public, reader)


@given(body=bent_ranks())
def test_a_request_bent_in_one_place_is_decided_or_refused_with_a_reason(
    body: Any, model: Model, public: vowpalwabbit.Workspace, reader: vowpalwabbit.Workspace
) -> None:
    decision = decided(body, model)
    if isinstance(decision, ApiError):
        assert decision.code in {"BadRequest", "InvalidRankRequest"}
        assert decision.message != "Invalid request."
    else:
        check(decision, model, public, reader)


@given(body=st.binary())
def test_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(ApiError) as refused:
        decide(body)
    assert refused.value.status == 400


def both(name: str, value: Any) -> dict[str, Any]:
    """A request that has this feature in its context and in an action."""
    actions = [{"id": "a", "features": [{name: value}]}, {"id": "b", "features": [{"x": 1}]}]
    return {"contextFeatures": [{name: value}], "actions": actions}


def test_special_names_and_values_can_be_ranked_and_learned(
    model: Model, folder: Path, public: vowpalwabbit.Workspace, reader: vowpalwabbit.Workspace
) -> None:
    """The learner is a process of its own: a VW that wrote out of bounds would end it."""
    decisions = [decide(both(name, value), model) for name in SPECIAL for value in VALUES]
    lines = [check(decision, model, public, reader) for decision in decisions]
    learner = train(folder / "special", lines * 2, folder / "model.vw")
    again = Model("again", learner.predict)
    for decision in decisions:
        assert sum(again.predict(decision.context, 2)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    "body",
    [
        both("x", "s" * 200_000),
        both("😀" * 50_000, 1),
        both("x", {str(number): number for number in range(1_000)}),
        both("x", list(range(1_000))),
        {"actions": [{"id": str(n), "features": [{str(f): f for f in range(20)}]} for n in range(50)]},
    ],
    ids=["long text", "long name", "wide namespace", "long array", "many actions"],
)
def test_large_requests_are_decided(
    body: Any, model: Model, public: vowpalwabbit.Workspace, reader: vowpalwabbit.Workspace
) -> None:
    check(decide(body, model), model, public, reader)


@given(body=ranks() | bent_ranks(), is_ascii=st.booleans())
@settings(max_examples=500)
def test_a_request_that_is_taken_as_it_is_needs_no_change(body: Any, is_ascii: bool) -> None:
    text = json.dumps(body, ensure_ascii=is_ascii).encode(errors="surrogatepass")
    with contextlib.suppress(ApiError):
        plain = wire.plain_request(text)
        if plain is not None:
            plain.context_features = plain.context_features or []
            assert msgspec.json.encode(plain) == msgspec.json.encode(wire.unusual_request(text, []))
