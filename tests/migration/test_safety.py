"""The quick look at a context sees everything that the slow one would change."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration import safety
from shared.vw.context_limits import BadContext

NAMES = st.text(st.sampled_from('ab_: |~é"\\\0,[{}1e-'), min_size=1, max_size=4)
NUMBERS = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | NAMES
OF_A_KIND = st.sampled_from([NAMES, NUMBERS | st.none(), st.booleans(), st.lists(NUMBERS, max_size=2)])
VALUES = st.recursive(
    SCALARS | OF_A_KIND.flatmap(lambda kind: st.lists(kind, max_size=3)),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3) | st.lists(st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)


COMMANDS = st.sampled_from(["_tag", "_id", "_inc", "_multi", "_slots", "_label", "__aid"])
EXAMPLES = st.dictionaries(NAMES, VALUES, max_size=2) | st.dictionaries(COMMANDS, VALUES, max_size=2)


@given(st.dictionaries(NAMES | COMMANDS, VALUES, max_size=4), st.lists(EXAMPLES, min_size=1, max_size=3), st.booleans())
def test_the_patterns_miss_nothing(shared: dict[str, object], actions: list[dict[str, object]], spaced: bool) -> None:
    written = msgspec.json.encode(
        {name: value for name, value in shared.items() if name != "_slots"} | {"_multi": actions}
    )
    written = msgspec.json.format(written) if spaced else written
    try:
        expected = safety._context(msgspec.json.decode(written))
    except BadContext:
        with pytest.raises(BadContext):
            safety.made_safe(written, multi_slot=False)
    else:
        assert msgspec.json.decode(safety.made_safe(written, multi_slot=False)) == expected


def test_an_ordinary_context_is_not_taken_apart() -> None:
    actions = '[{"i":{"id":"3e4f-1234567890"},"j":[{"vector":[1,2],"city":"Århus"}]}]'
    context = f'{{"FromUrl":[{{"hour":"12","mean":-0.95}}],"_multi":{actions}}}'.encode()
    assert safety.made_safe(context, multi_slot=False) is context
