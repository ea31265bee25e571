"""No context that a client sends, whatever it holds, stops VW or changes what it means: predicted, and learned."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from harness import rlc
from harness.learning import train
from harness.slots import CONFIG
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.hubs import events
from shared.hubs.events import Observation
from shared.joined_log.joined_lines import join_line
from shared.local_inference import conversion, decision_context
from shared.local_inference.decision_context import Dictionary
from shared.loops.config import LoopConfig
from shared.vw.context_limits import BadContext
from shared.vw.model import Model
from shared.vw.policy import DEFAULT_ARGUMENTS as POLICY

SPECIAL = ["a b", "a:b", "a|b", "|", ":", "\t", "\n", " ", "\0", "a\0b", "\x7f", "é", "日本", "😀"]
SPECIAL += ["_label", "_label_cost", "_labelIndex", "_tag", "_text", "_inc", "_id", "__aid", "_x", "_definitely_bad"]
SPECIAL += ["FromUrl", "i", "c", "a", "p", "o", "pdrop", "EventId", "VWState", "_outcomes", "_skipLearn", "_a", "_ba"]

names = st.text(min_size=1, max_size=6) | st.sampled_from(SPECIAL)
finite = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.text(max_size=12) | st.sampled_from(SPECIAL) | st.integers() | finite
values = st.recursive(
    scalars | st.lists(finite, max_size=3),
    lambda part: (
        st.dictionaries(names, part, max_size=3)
        | st.lists(st.dictionaries(names, part, max_size=2) | finite, max_size=3)
    ),
    max_leaves=8,
)
features = st.dictionaries(names, values, max_size=3)


@st.composite
def contexts(draw: st.DrawFn) -> dict[str, Any]:
    """Contexts of one slot or two, which may not be taken."""
    made = draw(features) | {"_multi": draw(st.lists(features, min_size=2, max_size=4))}
    included = st.just({}) | st.builds(dict, _inc=st.lists(st.integers(0, 1), min_size=1, max_size=2, unique=True))
    slots = [draw(features) | draw(included) for _ in range(2)]
    return made | {"_slots": slots} if draw(st.booleans()) else made


def sent(context: dict[str, Any], name: str) -> bytes | None:
    """The batch with a decision about a context, of this id, slot and model; None if the context alone is refused."""
    count, ids = len(context["_multi"]), [name, f"{name}2"] if "_slots" in context else None
    try:
        decision_context.clean(json.dumps(context).encode(), Dictionary({}, 0), POLICY, ids)
    except BadContext:
        return None
    if ids is None:
        made = rlc.decision(name, range(1, count + 1), [1 / count] * count, context, name)
    else:
        order = [range(count), range(1, count)]
        slots = [(one, places, [1 / len(places)] * len(places)) for one, places in zip(ids, order, strict=True)]
        made = rlc.slots_decision(name, slots, context, name)
    return rlc.batch(made)


def collect(kind: Callable[[dict[str, Any]], bool], config: LoopConfig) -> list[bytes]:
    """Joined lines of many contexts that are taken; nothing is refused but for its context."""
    lines: list[bytes] = []

    @given(contexts().filter(kind), names)
    @settings(max_examples=max(120, settings().max_examples))
    def look(context: dict[str, Any], name: str) -> None:
        batch = sent(context, name)
        if batch is not None:
            [line] = conversion.interactions(batch, "default", POLICY).taken
            reward = Observation(v=1, loop="default", id="e", at="", kind="reward", nonce="", value=1.0, index=0)
            lines.append(join_line(events.decode_interaction(line.event), 0, [reward], config).line)

    look()
    assert len(lines) > 15
    return lines


def test_contexts_are_predicted_and_learned(tmp_path: Path) -> None:
    lines = collect(lambda context: "_slots" not in context, LoopConfig())
    model = Model("learned", train(tmp_path / "learned", lines).predict)
    for line in lines:
        event = msgspec.json.decode(line)
        pmf = model.predict(msgspec.json.encode(event["c"]), len(event["a"]))
        assert sum(pmf) == pytest.approx(1, abs=1e-4)


def test_contexts_with_slots_are_predicted_and_learned(tmp_path: Path) -> None:
    lines = collect(lambda context: "_slots" in context, CONFIG)
    model = Model("learned", train(tmp_path / "learned", lines, policy=CONFIG.arguments).predict)
    for line in lines:
        rankings = model.predict_slots(msgspec.json.encode(msgspec.json.decode(line)["c"]), 2)
        assert [sum(one.probabilities) for one in rankings] == pytest.approx([1, 1], abs=1e-4)


def test_what_vw_predicts_is_what_the_client_predicted(tmp_path: Path) -> None:
    """A context without commands is logged as it means the same to VW."""
    contexts = [rlc.context(liked, top=1, flag=True, L=[{"q": 2}, {"N": {"m": "x"}}]) for liked in ("x", "y")]
    decided = [rlc.decision(f"e{n}", [1 + n % 2, 2 - n % 2], features=contexts[n // 2 % 2]) for n in range(40)]
    made = [
        events.decode_interaction(line.event)
        for line in conversion.interactions(rlc.batch(*decided), "default", POLICY).taken
    ]
    rewards = [1.0 if (one.a[0] == 1) == (b'"likes":"x"' in bytes(one.c)) else 0.0 for one in made]
    lines = []
    for one, value in zip(made, rewards, strict=True):
        reward = Observation(v=1, loop="default", id=one.id, at="", kind="reward", nonce="", value=value)
        lines.append(join_line(one, 0, [reward], LoopConfig()).line)
    model = Model("learned", train(tmp_path / "learned", lines).predict)
    for context, logged, best in ((contexts[0], made[0], 0), (contexts[1], made[2], 1)):
        pmf = model.predict(json.dumps(context).encode(), 2)
        assert pmf == model.predict(bytes(logged.c), 2)
        assert pmf[best] > 0.6


def test_the_exclusions_of_a_slot_count_wherever_they_are() -> None:
    """The .NET client sends them inside the features of the slot."""
    context = {
        "_multi": [{"x": 1}, {"x": 2}, {"x": 3}],
        "_slots": [{"sj": [{"Size": "L"}, {"_inc": [0]}]}, {"_id": "b"}],
    }
    cleaned, _ = decision_context.clean(json.dumps(context).encode(), Dictionary({}, 0), POLICY, ["a", "b"])
    slots = json.loads(cleaned)["_slots"]
    assert slots == [{"_id": "a", "sj": [{"Size": "L"}, {}], "_inc": [0]}, {"_id": "b"}]


def test_half_a_character_is_replaced() -> None:
    context = {"FromUrl": [{"title": "cut \ud83d"}], "_multi": [{"x": 1}]}
    cleaned, _ = decision_context.clean(json.dumps(context).encode(), Dictionary({}, 0), POLICY)
    assert json.loads(cleaned)["FromUrl"] == [{"title": "cut \ufffd"}]
