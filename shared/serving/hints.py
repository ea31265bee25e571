"""Suggests the call that was probably meant when a path or method does not exist."""

import difflib
import re
from collections.abc import Iterator, Sequence

from shared.serving.routes import Table
from shared.serving.versions import IN_PATH, IN_QUERY, PARAMETER, unknown

_BASE = "personalizer"
_VERSION = re.compile(r"v?\d[\w.-]*", re.IGNORECASE)
_ALIKE = 0.8  # of 1: how alike a declared path is to be suggested
_SHOWN = 256  # characters of a path that are read and shown


def not_found(table: Table, method: str, segments: Sequence[str]) -> str:
    """That nothing answers this method of this path, and what to call instead."""
    parts = [f"Nothing answers {method} {_shown(segments)}."]
    scope, version, rest = _taken_apart(segments)
    if version is not None and version.lower() not in IN_PATH:
        parts.append(unknown(version[:_SHOWN]))
    calls = list(_calls(table, method, segments, scope, rest)) or _closest(table, segments, [*scope, _BASE, *rest])
    if calls:
        parts.append(f"Call {' or '.join(calls)}.")
    return " ".join([*parts, "GET /docs describes every operation."])


def _taken_apart(segments: Sequence[str]) -> tuple[list[str], str | None, list[str]]:
    """What names the loop, the version, and the path below it; `personalizer` may be missing."""
    rest = list(segments)
    scope = [rest.pop(0), rest.pop(0)] if rest[:1] == ["loops"] and len(rest) > 1 else []
    if rest and rest[0].lower() == _BASE:
        rest.pop(0)
    version = rest.pop(0) if rest and _VERSION.fullmatch(rest[0]) else None
    return scope, version, rest


def _calls(table: Table, method: str, given: Sequence[str], scope: list[str], rest: list[str]) -> Iterator[str]:
    """Other methods of the path, else the same operation in either kind of paths."""
    in_path, in_query = [*scope, _BASE, IN_PATH[-1], *rest], [*scope, _BASE, *rest]
    there = [path for path in (given, in_path, in_query) if any(table.all(path))]
    for path in there[:1] if there[:1] == [given] else there:
        query = f"?{PARAMETER}={IN_QUERY}" if path == in_query else ""
        methods = dict.fromkeys(route.method for route, _ in table.all(path))
        for one in [method] if method in methods else methods:
            yield f"{one} {_shown(path)}{query}"


def _closest(table: Table, given: Sequence[str], completed: Sequence[str]) -> list[str]:
    """The declared path that is written most like the one that was called, or like that with `personalizer`."""
    declared = {route.template: route.method for route in table.routes}
    for path in (given, completed):
        for template in difflib.get_close_matches(_shown(path).strip("/"), declared, n=1, cutoff=_ALIKE):
            query = f"?{PARAMETER}={IN_QUERY}" if _BASE in template and "{version}" not in template else ""
            return [f"{declared[template]} /{template.replace('{version}', IN_PATH[-1])}{query}"]
    return []


def _shown(segments: Sequence[str]) -> str:
    return f"/{'/'.join(segments)}"[:_SHOWN]
