"""Route templates of HTTP triggers, matched as the Functions host does (ASP.NET Core's legacy router)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cmp_to_key, lru_cache
from typing import Generic, TypeVar
from urllib.parse import unquote

Target = TypeVar("Target")
Check = Callable[[str], bool]

_NOT_UTF8 = re.compile("[\udc80-\udcff]")  # a byte, as the error handler surrogateescape keeps it
_PART = re.compile(r"\{([^{}]*)\}")
_PARAMETER = re.compile(
    r"(?P<catch_all>\*{0,2})(?P<name>\w+)(?P<constraints>(?::\w+)*)(?P<optional>\??)(?:=(?P<default>.*))?"
)
# More forgiving than the real host: SDKs put their path behind an endpoint that may end in a slash.
_SLASHES = re.compile("/{2,}")
_KNOWN_PATHS = 1024


def _is_integer(text: str, bits: int) -> bool:
    if not re.fullmatch(r"\s*[+-]?[0-9]+\s*", text):
        return False
    return -(1 << bits - 1) <= int(text) < 1 << bits - 1


def _is_guid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


CONSTRAINTS: dict[str, Check] = {
    "int": lambda text: _is_integer(text, 32),
    "long": lambda text: _is_integer(text, 64),
    "guid": _is_guid,
    "alpha": lambda text: re.fullmatch(r"[A-Za-z]*", text) is not None,
    "bool": lambda text: text.strip().lower() in {"true", "false"},
}


@dataclass(frozen=True)
class Parameter:
    """One `{name:constraint=default}` of a template."""

    name: str
    checks: tuple[Check, ...]
    catch_all: bool
    optional: bool
    default: str | None

    @property
    def omittable(self) -> bool:
        return self.catch_all or self.optional or self.default is not None

    @classmethod
    def parse(cls, text: str) -> Parameter:
        match = _PARAMETER.fullmatch(text)
        if match is None:
            raise ValueError(f"cannot read the route parameter {{{text}}}")
        names = match["constraints"].split(":")[1:]
        unknown = [name for name in names if name not in CONSTRAINTS]
        if unknown:
            raise ValueError(f"the route constraint {unknown[0]} is not one of {', '.join(CONSTRAINTS)}")
        checks = tuple(CONSTRAINTS[name] for name in names)
        return cls(match["name"], checks, bool(match["catch_all"]), bool(match["optional"]), match["default"])


@dataclass(frozen=True)
class Segment:
    """The text between two slashes of a template: literals and parameters in turn."""

    parts: tuple[str | Parameter, ...]

    @classmethod
    def parse(cls, text: str) -> Segment:
        pieces = _PART.split(text)
        if any(brace in piece for piece in pieces[::2] for brace in "{}"):
            raise ValueError(f"the route segment {text} has a brace without its partner")
        parts = [Parameter.parse(piece) if index % 2 else piece for index, piece in enumerate(pieces)]
        return cls(tuple(part for part in parts if part != ""))

    @property
    def alone(self) -> Parameter | None:
        """The parameter, where it is all there is in the segment."""
        part = self.parts[0]
        return part if len(self.parts) == 1 and isinstance(part, Parameter) else None

    def pattern(self) -> str:
        if self.alone and self.alone.catch_all:
            return f"(?P<{self.alone.name}>[^/].*)"
        return "".join(
            f"(?P<{part.name}>[^/]+)" if isinstance(part, Parameter) else re.escape(part) for part in self.parts
        )


class Route(Generic[Target]):
    """A template, the methods it answers (None: all) and what it leads to."""

    def __init__(self, template: str, methods: Iterable[str] | None, target: Target) -> None:
        self.template = template.strip("/")
        self.methods = frozenset(method.upper() for method in methods) if methods is not None else None
        self.target = target
        self.segments = [Segment.parse(text) for text in self.template.split("/")] if self.template else []
        self.parameters = [part for segment in self.segments for part in segment.parts if isinstance(part, Parameter)]
        self._regex = re.compile(_pattern(self.segments) + "/?", re.IGNORECASE | re.DOTALL)

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Route values of a decoded path, or None."""
        found = self._regex.fullmatch(path)
        if found is None or (self.methods is not None and method not in self.methods):
            return None
        values = {}
        for parameter in self.parameters:
            value = found[parameter.name] or parameter.default
            if value is None:
                continue
            if not all(check(value) for check in parameter.checks):
                return None
            values[parameter.name] = value
        return values


def _pattern(segments: list[Segment]) -> str:
    """A tail of segments may be missing if each of them is one parameter that is optional or has a default."""
    pattern, may_end = "", True
    for segment in reversed(segments):
        pattern = f"/{segment.pattern()}{pattern}"
        may_end = may_end and segment.alone is not None and segment.alone.omittable
        if may_end:
            pattern = f"(?:{pattern})?"
    return pattern


def _precedence(one: Route[Target], other: Route[Target]) -> int:
    """Literal before parameter, more constraints first, longer first, then by text (the host's WebJobsRouteBuilder).

    That leaves open whether `{x}` or `{*x}` comes first; here it is `{x}`.
    """
    for mine, yours in zip(one.segments, other.segments, strict=False):
        a, b = mine.parts[0], yours.parts[0]
        if isinstance(a, Parameter) and isinstance(b, Parameter):
            order = len(b.checks) - len(a.checks) or a.catch_all - b.catch_all
        elif isinstance(a, str) and isinstance(b, str):
            order = (a.lower() > b.lower()) - (a.lower() < b.lower())
        else:
            order = 1 if isinstance(a, Parameter) else -1
        if order:
            return order
    return len(other.segments) - len(one.segments)


def decode_path(raw_path: str) -> str:
    """Percent-decode as Kestrel does: `%2F` and what is not UTF-8 stay encoded, dot segments are resolved."""
    segments = [_decode_segment(segment) for segment in raw_path.split("/")] if "%" in raw_path else raw_path.split("/")
    if "." not in segments and ".." not in segments:
        return "/".join(segments)
    kept: list[str] = []
    for segment in segments[1:]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if segments[-1] in {".", ".."} and kept else "")


def _decode_segment(segment: str) -> str:
    parts = re.split("(%2[fF])", segment)
    decoded = (part if index % 2 else unquote(part, errors="surrogateescape") for index, part in enumerate(parts))
    return _NOT_UTF8.sub(lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", "".join(decoded))


class Router(Generic[Target]):
    """Finds the first route, most specific first, that matches method and path; a wrong method is no match."""

    def __init__(self, routes: Iterable[Route[Target]]) -> None:
        self.routes = sorted(routes, key=cmp_to_key(_precedence))
        self._find = lru_cache(_KNOWN_PATHS)(self._search)

    def match(self, method: str, raw_path: str) -> tuple[Target, dict[str, str]] | None:
        found = self._find(method, raw_path)
        return found and (found[0], dict(found[1]))

    def _search(self, method: str, raw_path: str) -> tuple[Target, dict[str, str]] | None:
        path = decode_path(_SLASHES.sub("/", raw_path))
        for route in self.routes:
            values = route.match(method, path)
            if values is not None:
                return route.target, values
        return None
