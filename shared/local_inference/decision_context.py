"""The context of a decision that a client made by itself: VW's JSON, made safe to be learned from.

Namespaces at the top, the actions in `_multi`, the slots in `_slots`. Other names that begin with `_` are dropped,
here as in a Rank request: to VW they are commands. An action may be `{"__aid": N}`, which stands for one that was sent
once for a whole batch.
"""

from typing import Any

import msgspec

from shared import charsets
from shared.hubs.events import LARGEST_CONTEXT_BYTES
from shared.rank.wire import MAX_ACTIONS, MAX_NESTING, Name
from shared.vw.context_limits import BadContext, check_choice, check_cost, included
from shared.vw.safe_features import safe

# FromUrl and j, where Rank puts what an application sent, are a level of their own, and so is the list in them.
_LEVELS = MAX_NESTING + 1


class Dictionary:
    """The actions that were sent once for a whole batch, as JSON, by the numbers that stand for them.

    Bounded is how much they are in all the places where they are put: there may be very many.
    """

    def __init__(self, actions: dict[int, str], most: int) -> None:
        self._actions, self._left = actions, most

    def resolve(self, action: msgspec.Raw) -> bytes | str:
        """The JSON of an action of a context; raises BadContext."""
        number = _reference.decode(action).number
        if number is None:
            return bytes(action)
        if number not in self._actions:
            raise BadContext(f"there is no action {number} in the batch, which the context refers to")
        self._left -= len(self._actions[number])
        if self._left < 0:
            raise BadContext("with its repeated actions written out the batch is too long; send smaller batches")
        return self._actions[number]


class _Reference(msgspec.Struct):
    number: int | None = msgspec.field(name="__aid", default=None)


def _values() -> Any:
    """The type of features: as in a Rank request, and lists of objects besides."""
    scalar = None | bool | str | float
    value: Any = scalar | list[float]
    for _ in range(_LEVELS - 1):
        value = scalar | dict[Name, value] | list[float | dict[Name, value]]
    return value


_parts = msgspec.json.Decoder(dict[Name, msgspec.Raw])
_features = msgspec.json.Decoder(dict[Name, _values()])  # type: ignore[misc]
_value = msgspec.json.Decoder(_values())
_objects = msgspec.json.Decoder(list[msgspec.Raw])
_reference = msgspec.json.Decoder(_Reference)
_encode = msgspec.json.Encoder().encode


def clean(context: bytes, actions: Dictionary, arguments: str, slots: list[str] | None = None) -> tuple[bytes, int]:
    """The context as it is logged, and the number of its actions; raises BadContext.

    actions: what its actions may refer to. arguments: the policy, whose cost is bounded. slots: the ids of the slots it
    must have, in order.
    """
    try:
        cleaned, count = _clean(charsets.mended(context), actions, slots)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BadContext(f"the context is not VW's JSON as a Rank request could give it: {error}") from None
    check_cost(cleaned, count, len(slots or ()), arguments)
    return cleaned, count


def _clean(context: bytes, actions: Dictionary, slots: list[str] | None) -> tuple[bytes, int]:
    parts = _parts.decode(context)
    shared = safe({name: _value.decode(raw) for name, raw in parts.items() if not name.startswith("_")})
    multi = _actions(_objects.decode(parts.get("_multi", b"[]")), actions)
    cleaned: dict[str, Any] = shared | {"_multi": multi}
    if slots is not None:
        cleaned["_slots"] = _slots(parts.get("_slots", msgspec.Raw(b"[]")), slots, len(multi))
    encoded = _encode(cleaned)
    _check_size(len(encoded))
    return encoded, len(multi)


def _actions(multi: list[msgspec.Raw], actions: Dictionary) -> list[dict[str, Any]]:
    if not 1 <= len(multi) <= MAX_ACTIONS:
        raise BadContext(f"the context needs 1 to {MAX_ACTIONS} actions in _multi, not {len(multi)}")
    written = [actions.resolve(action) for action in multi]
    _check_size(sum(map(len, written)))
    features = map(_features.decode, written)
    return [_tag(action) | safe(action) for action in features]


def _tag(features: dict[str, Any]) -> dict[str, Any]:
    return {"_tag": features["_tag"]} if isinstance(features.get("_tag"), str) else {}


def _slots(raw: msgspec.Raw, ids: list[str], actions: int) -> list[dict[str, Any]]:
    slots = [_features.decode(one) for one in _objects.decode(raw)]
    if len(slots) != len(ids):
        raise BadContext(f"the context has {len(slots)} slots, the event has {len(ids)}")
    inclusions = [included(slot, actions) for slot in slots]
    check_choice(inclusions, ids, actions)
    parts = zip(ids, slots, inclusions, strict=True)
    return [{"_id": name} | _tag(slot) | safe(slot) | inc for name, slot, inc in parts]


def _check_size(size: int) -> None:
    if size > LARGEST_CONTEXT_BYTES:
        raise BadContext(f"the context is {size} bytes as logged, {LARGEST_CONTEXT_BYTES} allowed; send fewer features")
