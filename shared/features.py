"""A Rank request as VW's JSON, in the layout that models of Azure Personalizer were trained on.

`{"FromUrl":[context...],"_multi":[{"_tag":id,"i":{"constant":1,"id":id},"j":[features...]}...]}`:
the context is namespace FromUrl, the action's id and a constant are namespace i, its features namespace j.
Objects and arrays among the features open namespaces of their own, named by their key.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from shared.wire import RankableAction

_encode = msgspec.json.Encoder().encode


class _Identity(msgspec.Struct, gc=False):
    constant: int
    id: str


class _Action(msgspec.Struct, gc=False):
    tag: str = msgspec.field(name="_tag")
    i: _Identity
    j: list[Any]


class _Context(msgspec.Struct, gc=False):
    shared: list[Any] = msgspec.field(name="FromUrl")
    actions: list[_Action] = msgspec.field(name="_multi")


def vw_json(context: Sequence[Any] | None, actions: Sequence[RankableAction]) -> bytes:
    """The context VW predicts on and learns from, as it is logged. Encoded from decoded values, never copied.

    So duplicate names, odd escapes and number formats of the request cannot reach VW's own parser.
    """
    shared = list(context or ())
    layout = [_Action(action.id, _Identity(1, action.id), action.features) for action in actions]
    text = _encode(_Context(shared, layout))
    if _is_plain(text, len(layout)):
        return text
    for one in layout:
        one.j = [_safe(features) for features in one.j if features is not None]
    return _encode(_Context([_safe(features) for features in shared], layout))


def _is_plain(text: bytes, count: int) -> bool:
    """True if no name can mean something else to VW: names are flat, none is reserved and there is no null."""
    return (
        text.count(b'"_') == count + 1
        and text.count(b'":{') == count
        and text.count(b'":[') == count + 2
        and b"null" not in text
        and b"\\u0000" not in text
    )


def _safe(features: dict[str, Any]) -> dict[str, Any]:
    return {_name(key, value): _value(value) for key, value in features.items() if not key.startswith("_")}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return _safe(value)
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    """VW ends a text at a NUL."""
    return text.replace("\0", "␀")


def _name(key: str, value: Any) -> str:
    """Prefixes a namespace VW cannot hold: its first byte is an index, above 127 VW 9.11 writes out of bounds."""
    key = _text(key)
    if isinstance(value, dict | list) and (not "!" <= key[0] < "~" or key[0] in ":|"):
        return "n" + key
    return key
