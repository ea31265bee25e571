"""A feature with values, and whether a decoded context has it: in its shared part, in an action or in a slot."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from shared.vw.dsjson import CONTEXT
from shared.vw.safe_features import namespace, safe_text

# What Rank lays an action's identity out in: no feature of the caller's.
_IDENTITY = "i"
# Texts that JSON spells in one way, unless it escapes what need not be escaped.
_PLAIN = re.compile(r"[A-Za-z0-9 _:;,.@#+*()-]+")
# Numbers as JSON has them: of others, as 017 or 1_7, Python would make numbers, too.
_WHOLE = re.compile(r"-?(0|[1-9]\d*)", re.ASCII)
_NUMBER = re.compile(rf"{_WHOLE.pattern}(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


class WantedFeature:
    """values: those that are wanted, as text. A number is equal to its digits as text, and `7` means 7.0, too, as which
    Rank logs it.

    needles: by value, what every line has in it that has the value, unless it spells it in an unusual way; b"" for a
    value that JSON may spell in several ways.
    """

    def __init__(self, name: str, values: Iterable[str]) -> None:
        values = set(values)
        self._paths = {tuple(one.split(".")) for one in (name, safe_text(name))}
        self._texts = {said for one in values for said in (one, safe_text(one))}
        numbers = {one: float(one) for one in values if _NUMBER.fullmatch(one)}
        self._floats = set(numbers.values())
        self._whole = {int(one) if _WHOLE.fullmatch(one) else number for one, number in numbers.items()}
        self.needles = {_digits(one, numbers[one]) if one in numbers else plain(one) for one in values}
        self.has_numbers = bool(numbers)
        # Only texts can have these values.
        self.is_text = not numbers and values.isdisjoint(("true", "false", "null")) and b"" not in self.needles

    def is_in(self, roots: list[dict[str, Any]]) -> bool:
        """Whether one of the `roots` of a context has it."""
        return any(self._is(value) for root in roots for path in self._paths for value in _values(root, path))

    def _is(self, value: Any) -> bool:
        if value is None or isinstance(value, bool):
            value = msgspec.json.encode(value).decode()
        if isinstance(value, str):
            return value in self._texts
        return value in (self._floats if isinstance(value, float) else self._whole)


def plain(text: str) -> bytes:
    """What JSON has for a text where it escapes nothing without need; b"" if it may spell it in several ways."""
    return text.encode() if _PLAIN.fullmatch(text) else b""


def roots(context: msgspec.Raw) -> list[dict[str, Any]]:
    """The objects that a feature's names may begin in: of the context, of each action and of each slot."""
    decoded = msgspec.json.decode(context)
    return list(_roots(decoded)) if isinstance(decoded, dict) else []


def _roots(context: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from _namespaces(context)
    for kind in (CONTEXT["actions"], CONTEXT["slots"]):
        several = context.get(kind)
        for one in several if isinstance(several, list) else ():
            if isinstance(one, dict):
                yield from _namespaces({name: value for name, value in one.items() if name != _IDENTITY})


def _namespaces(described: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An object with namespaces, and what is in each of them."""
    own = {name: value for name, value in described.items() if not name.startswith("_")}
    yield own
    for value in own.values():
        yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict))


def _values(found: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """The values at a path. Names may be joined by dots, as far as they are so in the object, and those of objects and
    arrays may be as Rank makes them safe."""
    if isinstance(found, list):
        for one in found:
            yield from _values(one, path)
    elif not path:
        if not isinstance(found, dict):
            yield found
    elif isinstance(found, dict):
        for length in range(1, len(path) + 1):
            name = ".".join(path[:length])
            if name in found:
                yield from _values(found[name], path[length:])
            renamed = namespace(name)
            if renamed != name and isinstance(found.get(renamed), dict | list):
                yield from _values(found[renamed], path[length:])


def _digits(value: str, number: float) -> bytes:
    """What every number without an exponent, and every text, has in it that is equal to a value; b"" if none has."""
    said = repr(number).removesuffix(".0")
    return said.encode() if said in value and "e" not in said else b""
