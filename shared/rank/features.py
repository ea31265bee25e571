"""A Rank request as VW's JSON, in the layout that models of Azure Personalizer were trained on.

`{"FromUrl":[context...],"_multi":[{"_tag":id,"i":{"constant":1,"id":id},"j":[features...]}...]}`:
the context is namespace FromUrl, the action's id and a constant are namespace i, its features namespace j.
Objects and arrays among the features open namespaces of their own, named by their key. With several slots,
`"_slots":[{"_id":id,"_tag":seed,"sj":[features...],"_inc":[actions]}...]` follows: a slot's features are namespace sj.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from shared.rank.slots_wire import SlotRequest
from shared.rank.wire import RankableAction

_encode = msgspec.json.Encoder().encode
_parts = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_raw_slots = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode


class _Identity(msgspec.Struct, gc=False):
    constant: int
    id: str


class _Action(msgspec.Struct, gc=False):
    tag: str = msgspec.field(name="_tag")
    i: _Identity
    j: list[Any]


class _Context(msgspec.Struct, gc=False):
    shared: Sequence[Any] = msgspec.field(name="FromUrl")
    actions: list[_Action] = msgspec.field(name="_multi")


class _Slot(msgspec.Struct, gc=False, omit_defaults=True):
    id: str = msgspec.field(name="_id")
    tag: str = msgspec.field(name="_tag")
    sj: list[Any]
    included: list[int] | None = msgspec.field(name="_inc", default=None)


class _SlotsContext(_Context, gc=False):
    slots: list[_Slot] = msgspec.field(name="_slots")


def vw_json(context: Sequence[Any], actions: Sequence[RankableAction[Any]]) -> bytes:
    """The context VW predicts on and learns from, as it is logged. Encoded from decoded values, never copied.

    So duplicate names, odd escapes and number formats of the request cannot reach VW's own parser.
    """
    return _encode(_Context(context, _layout(actions)))


def slots_json(
    context: Sequence[Any],
    actions: Sequence[RankableAction[Any]],
    slots: Sequence[SlotRequest[Any]],
    available: Sequence[list[int] | None],
    event_id: str,
) -> bytes:
    """`vw_json` with slots. available: by slot the indices of the actions it may get, None for all of them.

    VW draws while it predicts, each slot by the seed in its tag.
    """
    layout = [
        _Slot(slot.id, f"seed={event_id}{slot.id}", slot.features or [], included)
        for slot, included in zip(slots, available, strict=True)
    ]
    return _encode(_SlotsContext(context, _layout(actions), layout))


def with_included(context: bytes, actions: Sequence[int]) -> bytes:
    """What `slots_json` has made, whose first slots may get these actions alone, one each."""
    parts: dict[str, msgspec.Raw] = _parts(context)
    slots: list[dict[str, Any]] = _raw_slots(parts["_slots"])
    for slot, action in zip(slots, actions, strict=False):
        slot["_inc"] = [action]
    return _encode(parts | {"_slots": slots})


def _layout(actions: Sequence[RankableAction[Any]]) -> list[_Action]:
    return [_Action(action.id, _Identity(1, action.id), action.features) for action in actions]
