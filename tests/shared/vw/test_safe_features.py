"""Nothing in a request may reach VW in a form that changes what it means."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.vw.safe_features import MAX_MAGNITUDE, is_plain, safe

scalars = st.none() | st.booleans() | st.text() | st.floats(allow_nan=False, allow_infinity=False)
numbers = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3)
names = st.text(min_size=1, max_size=4) | st.sampled_from(
    ["_x", "_multi", ":a", "|", "é", "~", "\0", "\x7f", "\t", " "]
)
flat = st.dictionaries(names, scalars, max_size=4)
nested = st.dictionaries(names, st.recursive(scalars | numbers, lambda part: st.dictionaries(names, part, max_size=3)))


@pytest.mark.parametrize("name", ["_", "_label", "_multi", "_tag", "_text", "__aid", "_inc", "_slots", "_x"])
def test_a_name_that_starts_with_underscore_is_dropped(name: str) -> None:
    assert safe({name: 1.0, "x": {name: {"y": 1.0}, "z": 2.0}}) == {"x": {"z": 2.0}}


@pytest.mark.parametrize(
    "name", ["é", "日本", "😀", "\x80", "\xff", "~", "\x7f", ":", "|", ":x", "|x", " ", "\t", "\n", "\x01"]
)
@pytest.mark.parametrize("opens", [[1.0], [], {"x": 1.0}, {}])
def test_a_namespace_with_a_special_first_byte_gets_a_prefix(name: str, opens: object) -> None:
    assert safe({name: opens, "outer": {name: opens}}) == {f"n{name}": opens, "outer": {f"n{name}": opens}}


@pytest.mark.parametrize("name", ["é", ":", "|", " ", "\t", "a b", "a:b"])
def test_a_name_of_a_plain_feature_stays(name: str) -> None:
    assert safe({name: "v"}) == {name: "v"}


def test_nul_becomes_its_symbol_in_names_and_texts() -> None:
    assert safe({"a\0b": "c\0d", "\0": [1.0]}) == {"a␀b": "c␀d", "n␀": [1.0]}


@pytest.mark.parametrize(("number", "held"), [(1e300, MAX_MAGNITUDE), (-1e300, -MAX_MAGNITUDE), (1e-300, 1e-300)])
def test_numbers_are_held_within_what_vw_can_learn_from(number: float, held: float) -> None:
    assert safe({"x": number, "y": [number], "z": {"x": number}}) == {"x": held, "y": [held], "z": {"x": held}}


def texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(text for part in value.values() for text in texts(part))]
    return [value] if isinstance(value, str) else []


def namespaces(features: dict[str, object]) -> list[str]:
    opened = [name for name, value in features.items() if isinstance(value, dict | list)]
    return opened + [name for value in features.values() if isinstance(value, dict) for name in namespaces(value)]


@given(nested)
def test_whatever_comes_is_safe_afterwards_and_safe_twice_is_safe_once(features: dict[str, object]) -> None:
    made = safe(features)
    assert not any("\0" in text for text in texts(made))
    assert not any(name.encode()[0] in b":|~" or not 32 < name.encode()[0] < 126 for name in namespaces(made))
    assert safe(made) == made


@given(flat)
def test_what_is_called_plain_needs_no_change(features: dict[str, object]) -> None:
    held = {
        name: value for name, value in features.items() if not isinstance(value, float) or abs(value) < MAX_MAGNITUDE
    }
    for ascii_only in (True, False):
        if is_plain(json.dumps(held, ensure_ascii=ascii_only).encode(errors="surrogatepass")):
            assert safe(held) == held
