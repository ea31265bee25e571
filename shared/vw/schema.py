"""Which namespaces the events of a loop have, and the crossings that a model of them is made with.

For context namespaces c, c' and action namespaces a, `i` being the identity of an action: `ca`, `ci` and `cc'i`.
"""

import string
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations_with_replacement
from typing import Any

import msgspec

from shared.vw.cost import MOST, Cost, sizes

IDENTITY = "i"
MOST_CONTEXT, MOST_ACTION = 12, 4
# A namespace counts that at least one in so many events has.
RARITY = 100
# The first byte of a namespace as VW can be told it; `|`, `:` and some others mean something to VW.
_TELLABLE = frozenset(string.ascii_letters + string.digits + "_.")
_UNNAMED = ord(" ")


class Schema(msgspec.Struct, frozen=True):
    """The namespaces that are crossed, a letter each: those of contexts, and those of actions but their identity."""

    context: str = ""
    action: str = ""

    def includes(self, other: "Schema") -> bool:
        """True if it has all namespaces of another one."""
        return set(other.context) <= set(self.context) and set(other.action) <= set(self.action)

    @property
    def crossings(self) -> list[str]:
        """In the order in which VW is told them."""
        pairs = [c + a for c in self.context for a in self.action if c != a]
        pairs += [c + IDENTITY for c in self.context]
        triples = [c + d + IDENTITY for c, d in combinations_with_replacement(self.context, 2)]
        each = {"".join(sorted(one)): one for one in [*pairs, *triples]}
        return list(each.values())

    @property
    def arguments(self) -> str:
        """The crossings as VW's arguments."""
        return " ".join(f"{'-q' if len(one) == 2 else '--cubic'} {one}" for one in self.crossings)


def of(crossings: Iterable[str]) -> Schema | None:
    """The schema that makes these crossings, in any order; None if none does."""
    found = {"".join(sorted(one)) for one in crossings}
    letters = {letter for one in found for letter in one}
    # A namespace of actions is crossed with `i` as well where a context has a namespace of that letter.
    context = {one for one in letters if all("".join(sorted(one * times + IDENTITY)) in found for times in (1, 2))}
    letters -= {IDENTITY}
    pairs = {letter: ["".join(sorted(c + letter)) for c in context if c != letter] for letter in letters}
    action = {letter for letter, own in pairs.items() if own and found.issuperset(own)}
    schema = Schema("".join(sorted(context)), "".join(sorted(action)))
    return schema if {"".join(sorted(one)) for one in schema.crossings} == found else None


class Tally(msgspec.Struct):
    """In how many of the events that were looked at each namespace was."""

    events: int = 0
    context: dict[str, int] = {}
    action: dict[str, int] = {}

    def add(self, context: Any) -> None:
        """Counts the namespaces of an event. context: VW's JSON, decoded."""
        self.events += 1
        actions = [one for one in context.get("_multi") or () if isinstance(one, dict)]
        _count(self.context, +sizes(context, _UNNAMED))
        _count(self.action, set().union(*(+sizes(one, _UNNAMED) for one in actions)) - {ord(IDENTITY)})

    def grown(self, known: Schema, context: Any) -> Schema:
        """What is known with the namespaces that are frequent by now, as far as a prediction may cost that much.

        context: an event's, by which the cost is told.
        """
        found = known
        for kind, most in (("context", MOST_CONTEXT), ("action", MOST_ACTION)):
            counts: dict[str, int] = getattr(self, kind)
            for letter in sorted(counts, key=lambda one: (-counts[one], one)):
                had: str = getattr(found, kind)
                if letter in had or len(had) >= most or counts[letter] * RARITY < self.events:
                    continue
                wider = msgspec.structs.replace(found, **{kind: "".join(sorted(had + letter))})
                if _units(wider.crossings, context) <= MOST:
                    found = wider
        return found


def _count(counts: dict[str, int], namespaces: Iterable[int]) -> None:
    for one in namespaces:
        letter = chr(one)
        if letter in _TELLABLE:
            counts[letter] = counts.get(letter, 0) + 1


def _units(crossings: Sequence[str], context: Any) -> int:
    cost = Cost([tuple(sorted(one.encode())) for one in crossings], 1, multi_slot=False)
    actions = [sizes(one, _UNNAMED) for one in context.get("_multi") or ()]
    return cost.exactly(Counter(sizes(context, _UNNAMED)), actions)
