"""The features of a log: which there are, and lines without some of them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from shared.vw.context_features import ACTION, ACTIONS, CONTEXT, Path, leaves, namespace, of_action, own, title

# Each group of features costs a policy's replay.
MOST_GROUPS = 40
# A feature that fewer of the events looked at have is not named.
RARITY = 1_000


class Group(msgspec.Struct, frozen=True):
    """Features that are left out together. namespace, name: what they are called; a whole namespace has no name."""

    namespace: str
    name: str
    paths: list[Path]

    @property
    def title(self) -> str:
        """For a reader."""
        return title(self.namespace, self.name) if self.name else f"{self.namespace} (all of it)"


class Seen:
    """Counts the features of events."""

    def __init__(self) -> None:
        self._events, self._paths = 0, Counter[Path]()

    def add(self, context: Mapping[str, Any]) -> None:
        """An event's context, decoded from VW's JSON."""
        self._events += 1
        found = set(leaves(own(context), (CONTEXT,)))
        for action in context.get(ACTIONS) or ():
            if isinstance(action, dict):
                found.update(leaves(of_action(action), (ACTION,)))
        self._paths.update(found)

    def groups(self) -> list[Group]:
        """Each namespace that has several features, and each feature; of many, some together, so that the groups are at
        most MOST_GROUPS."""
        frequent = sorted(path for path, count in self._paths.items() if count * RARITY >= self._events)
        spaces: defaultdict[Path, list[Path]] = defaultdict(list)
        for path in frequent:
            spaces[path[:-1]].append(path)
        whole = [Group(namespace(space), "", paths) for space, paths in spaces.items() if len(paths) > 1]
        if len(whole) + len(frequent) <= MOST_GROUPS:
            return whole + [Group(namespace(path[:-1]), path[-1], [path]) for path in frequent]
        whole = _together(whole, MOST_GROUPS // 2)
        return whole + list(_chunks(frequent, MOST_GROUPS - len(whole)))


def without(line: bytes, paths: Collection[Path]) -> bytes:
    """A line without these features; as it is if it cannot be read."""
    try:
        raw = bytes(_context(line).c)
        context = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return line
    for side, *names in paths:
        if side == CONTEXT:
            _remove(context, names)
        else:
            for action in context.get(ACTIONS) or ():
                _remove(action, names)
    start = line.rfind(raw) if line.count(raw) == 1 else line.find(b'"c":' + raw) + 4
    return line[:start] + msgspec.json.encode(context) + line[start + len(raw) :]


class _Context(msgspec.Struct, gc=False):
    c: msgspec.Raw


_context = msgspec.json.Decoder(_Context).decode


def _remove(value: Any, names: list[str]) -> None:
    if isinstance(value, list):
        for each in value:
            _remove(each, names)
    elif isinstance(value, dict) and names[0] in value:
        if len(names) == 1:
            del value[names[0]]
        else:
            _remove(value[names[0]], names[1:])


def _together(groups: list[Group], most: int) -> list[Group]:
    """At most so many, those with the most features alone."""
    ordered = sorted(groups, key=lambda one: (-len(one.paths), one.namespace))
    rest = ordered[most - 1 :] if len(ordered) > most else []
    if not rest:
        return ordered
    joined = Group("other namespaces", ", ".join(one.namespace for one in rest), [p for one in rest for p in one.paths])
    return [*ordered[: most - 1], joined]


def _chunks(paths: Iterable[Path], most: int) -> Iterator[Group]:
    """Neighbours in the order of their names, some together."""
    every = list(paths)
    size = -(-len(every) // most)
    for start in range(0, len(every), size):
        some = every[start : start + size]
        names = ", ".join(path[-1] for path in some)
        yield Group(namespace(some[0][:-1]), names, some)
