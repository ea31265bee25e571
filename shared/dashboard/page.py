"""What a page is: data that is also its JSON twin, and a function that makes HTML of them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from shared.auth import Permission
from shared.dashboard.markup import Html
from shared.dashboard.visitors import Visitor
from shared.loops import exact_sum
from shared.serving.loop import Serving
from shared.serving.service import Service

Data = TypeVar("Data")
NOTHING: Mapping[str, str] = {}


class Call(NamedTuple):
    """What a page is asked for. given: of the query of a page, of the form of an action; files: that a form sends."""

    service: Service
    visitor: Visitor
    loop: Serving | None = None
    given: Mapping[str, str] = NOTHING
    files: Mapping[str, bytes] = NOTHING  # type: ignore[assignment]

    @property
    def of(self) -> Serving:
        """The loop of a page that has one."""
        assert self.loop is not None
        return self.loop

    def may(self, needed: Permission) -> bool:
        """Whether whoever asks may do something with this loop."""
        return self.visitor.may(needed, self.loop.loop if self.loop is not None else None)


class Page(NamedTuple, Generic[Data]):
    """load: the data, which are also the JSON twin. view: the content of <main>. tab: where it is in the navigation.

    needs: what whoever looks at it has to be permitted.
    """

    title: str
    load: Callable[[Call], Awaitable[Data]]
    view: Callable[[Data, Call], Html]
    tab: str = ""
    needs: Permission = Permission.READ


def encoded(data: Any) -> bytes:
    """The JSON twin."""
    return msgspec.json.encode(data, enc_hook=exact_sum.to_json)
