"""Where the features of a context are, as Rank lays it out for VW, and what they are called."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

# A feature is known by its place: of the context or of an action, and the names of the objects around it.
Path = tuple[str, ...]
CONTEXT, ACTION = "contextFeatures", "actionFeatures"
ACTIONS = "_multi"
_IDENTITY = "i"
# What Rank lays features out in; they are no names of the caller's.
_WRAPPERS = ("FromUrl", "j")
# Values of one decision that are looked at, and how deep.
MOST_VALUES, DEEPEST = 1_000, 20

Values = dict[str, list[str | float]]
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_raws = msgspec.json.Decoder(list[msgspec.Raw]).decode


def own(value: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a context or an action that VW reads as features."""
    return {key: each for key, each in value.items() if not key.startswith("_")}


def of_action(action: Mapping[str, Any]) -> dict[str, Any]:
    """The same of an action, whose id is none."""
    return {key: each for key, each in own(action).items() if key != _IDENTITY}


def leaves(value: Any, path: Path) -> Iterator[Path]:
    """The features in a value at a path."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, (*path, key))
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        for each in value:
            if isinstance(each, dict):
                yield from leaves(each, path)
    elif len(path) > 1:
        yield path


def namespace(space: Path) -> str:
    """What the path of the object around a feature is called."""
    side, *names = space
    names = names[1:] if names and names[0] in _WRAPPERS else names
    return ".".join(names) or side


def title(space: str, name: str) -> str:
    """What a feature is called to a reader."""
    return f"{space}.{name}"


def values(context: bytes, draw: int) -> Values:
    """The features of a decision by their titles, with their values, at most MOST_VALUES: those of the context, and of
    one of its actions. draw: a number that says which, so that a decision with many actions costs no more.

    Raises msgspec.DecodeError and UnicodeDecodeError for what is no context.
    """
    members, found = _members(context), _Found()
    for key, raw in members.items():
        if not key.startswith("_"):
            found.member(key, msgspec.json.decode(raw), CONTEXT)
    actions = _raws(members[ACTIONS]) if ACTIONS in members else []
    if actions:
        action = msgspec.json.decode(actions[draw % len(actions)])
        for key, each in of_action(action).items() if isinstance(action, dict) else ():
            found.member(key, each, ACTION)
    return found.values


class _Found:
    """Collects values. `leaves` says the same of paths; this one is made for speed."""

    def __init__(self) -> None:
        self.values: Values = {}
        self._left = MOST_VALUES

    def member(self, key: str, value: Any, side: str) -> None:
        """A member of a context or an action, which is a namespace or a wrapper."""
        if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, dict) for one in value)):
            space = side if key in _WRAPPERS else key
            for each in [value] if isinstance(value, dict) else value:
                if isinstance(each, dict):
                    self._object(each, space, side, DEEPEST)
        else:
            self._leaf(title(side, key), value)

    def _object(self, value: dict[str, Any], space: str, side: str, depth: int) -> None:
        for key, each in value.items() if depth and self._left > 0 else ():
            kind = type(each)
            if kind is dict or (kind is list and any(type(one) is dict for one in each)):
                nested = key if space == side else title(space, key)
                for one in [each] if kind is dict else each:
                    if type(one) is dict:
                        self._object(one, nested, side, depth - 1)
            else:
                self._leaf(f"{space}.{key}", each)

    def _leaf(self, name: str, value: Any) -> None:
        if self._left <= 0:
            return
        known = self.values.get(name)
        if known is None:
            known = self.values[name] = []
        several = value[: self._left] if type(value) is list else (value,)
        self._left -= max(1, len(several))
        for one in several:
            kind = type(one)
            if kind is str:
                known.append(one)
            elif kind is bool:
                known.append("true" if one else "false")
            elif kind is float or kind is int:
                known.append(_number(one))


def _number(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return 1e308 if value > 0 else -1e308
