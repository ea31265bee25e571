"""Suggests the call that was probably meant when a path or method does not exist."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shared.errors import shown
from shared.serving import likeness
from shared.serving.routes import Route, Table
from shared.serving.versions import BASE, BOTH, IN_PATH, IN_QUERY, TWICE, Api, unknown, url

_VERSION = re.compile(r"v?\d[\w.-]*", re.IGNORECASE)
_PREFIX = "api"  # what a function app puts before its paths unless it is told otherwise
_SCOPE = "loops/{loop}/"
_READING = ("GET", "HEAD")
_LONGEST = 256  # characters of a path that is compared with those of operations
_MOST = 4  # calls that are named


class _Asked(NamedTuple):
    """What a path means: its loop and its version as they were written, and the path of an operation below them."""

    whole: list[str]
    loop: str | None
    version: str | None
    based: int  # how often it has `personalizer`
    path: list[str]

    @property
    def apis(self) -> tuple[Api, ...]:
        """The kinds of paths that it may be meant as."""
        if self.version is None:
            return (Api.V2022,) if self.based else BOTH
        if self.version.lower() == IN_QUERY:
            return (Api.V2022,)
        return (Api.V1,) if self.version.lower() in IN_PATH else BOTH


class _Call(NamedTuple):
    """Something that there is, `distance` away from what was called."""

    distance: float
    api: Api | None
    method: str
    url: str


def not_found(table: Table, method: str, segments: Sequence[str]) -> str:
    """That nothing answers this method of this path, and what to call instead.

    Never what writes for what reads, and never DELETE for anything else.
    """
    asked = _taken_apart(segments)
    parts = [f"Nothing answers {method} {shown('/' + '/'.join(segments))}."]
    if asked.based > 1:
        parts.append(TWICE)
    if asked.version is not None and asked.version.lower() not in (*IN_PATH, IN_QUERY):
        parts.append(unknown(asked.version))
    near = sorted(_near(table, asked), key=lambda call: call.distance)
    if calls := _meant(near, method, asked.apis):
        parts.append(f"Call {' or '.join(calls)}.")
    elif others := [call for call in near if call.method != "DELETE"]:
        there = others[0].url
        methods = dict.fromkeys(call.method for call in others if call.url == there)
        parts.append(f"{there} answers {' and '.join(methods)}.")
    return " ".join([*parts, "GET /docs describes every operation."])


def _taken_apart(segments: Sequence[str]) -> _Asked:
    rest = list(segments)
    if [segment.lower() for segment in rest[:1]] == [_PREFIX]:
        rest.pop(0)
    whole, loop, version, based = [*rest], None, None, 0
    while rest:
        if rest[0].lower() == BASE:
            based += 1
        elif rest[0].lower() == "loops" and len(rest) > 1:
            loop = rest.pop(1)
        elif _VERSION.fullmatch(rest[0]):
            version = rest[0]
        else:
            break
        rest.pop(0)
    return _Asked(whole, loop, version, based, rest)


def _near(table: Table, asked: _Asked) -> Iterator[_Call]:
    """What is declared and like the path."""
    if sum(map(len, asked.whole)) > _LONGEST:
        return
    for route in table.routes:
        api, path = _kind(route)
        if api is None and path and not asked.based and (found := likeness.nearest(path, asked.whole)):
            yield _Call(found[0], None, route.method, f"/{'/'.join(found[1])}")
        elif api is not None and (found := _nearest(path, asked.path)):
            version = asked.version if asked.version and asked.version.lower() in IN_PATH else IN_PATH[-1]
            yield _Call(found[0], api, route.method, url(api, asked.loop, "/".join(found[1]), version))


def _kind(route: Route) -> tuple[Api | None, list[str]]:
    """The kind of a route's path, and the path below it. Of the paths of every loop, the ones without it count."""
    for api in BOTH:
        if route.template.startswith(api.value):
            return api, route.template.removeprefix(api.value).split("/")
    return None, [] if route.template.startswith(f"{_SCOPE}{BASE}/") else route.template.split("/")


def _nearest(path: list[str], given: list[str]) -> tuple[float, list[str]] | None:
    """As `likeness.nearest`; a page of the documentation has `events/{id}/reward/reward` for rewards of slots, too."""
    if path[:1] == ["multislot"] and given[:1] == ["events"] and given[2:] == ["reward", "reward"]:
        return likeness.nearest(path, ["multislot", *given])
    return likeness.nearest(path, given)


def _meant(near: Sequence[_Call], method: str, apis: Sequence[Api]) -> list[str]:
    """The nearest calls of the caller's method, else of one that does no more; as often as can be in its version.

    Who would write to a path that there is means that path, not one that is like it.
    """
    if method not in _READING and any(call.distance == 0 and call.method != "DELETE" for call in near):
        near = [call for call in near if call.distance == 0]
    others = _READING if method in _READING else tuple({call.method for call in near} - {"DELETE"})
    for methods in ((method,), others):
        fit = [call for call in near if call.method in methods]
        mine = [call for call in fit if call.api in (None, *apis)] or fit
        if mine:
            least = mine[0].distance
            return list(dict.fromkeys(f"{call.method} {call.url}" for call in mine if call.distance == least))[:_MOST]
    return []
