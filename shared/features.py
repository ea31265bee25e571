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
    shared: Sequence[Any] = msgspec.field(name="FromUrl")
    actions: list[_Action] = msgspec.field(name="_multi")


def vw_json(context: Sequence[Any], actions: Sequence[RankableAction[Any]]) -> bytes:
    """The context VW predicts on and learns from, as it is logged. Encoded from decoded values, never copied.

    So duplicate names, odd escapes and number formats of the request cannot reach VW's own parser.
    """
    layout = [_Action(action.id, _Identity(1, action.id), action.features) for action in actions]
    return _encode(_Context(context, layout))
