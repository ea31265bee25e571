"""Which features VW crosses (it calls that interactions): specifications, expanded over namespaces as VW expands them.

A namespace is its first byte, and `:` stands for any of them. The order within a crossing matters, because the index
of a crossed feature is a hash of the features' indices in that order.
"""

import re
from collections.abc import Collection, Iterable
from itertools import combinations_with_replacement
from math import comb

from shared.vw.options import CROSSINGS

WILDCARD = ord(":")

# The namespaces whose features are crossed.
Crossing = tuple[int, ...]

_SPECIFICATION = re.compile(rf"--({'|'.join(CROSSINGS)})[ =](\S+)")


def specified(arguments: str) -> list[Crossing]:
    """The specifications in VW's arguments, spelled out as VW does it in `Workspace.get_arguments()`."""
    found = sorted(_SPECIFICATION.findall(arguments), key=lambda one: CROSSINGS.index(one[0]))
    return _distinct([tuple(specification.encode()) for _, specification in found])


def most(specifications: Iterable[Crossing], namespaces: int) -> int:
    """How many crossings of so many namespaces there may be."""
    wild = (specification.count(WILDCARD) for specification in specifications)
    return sum(comb(namespaces + one - 1, one) if one else 1 for one in wild)


def expanded(specifications: Iterable[Crossing], namespaces: Collection[int]) -> list[Crossing]:
    """Every crossing of these namespaces, each once whatever its order."""
    found = [one for specification in specifications for one in _expand(specification, sorted(namespaces))]
    return _distinct(sorted(found, key=lambda one: (-len(one), one)))


def _expand(specification: Crossing, namespaces: list[int]) -> Iterable[Crossing]:
    wild = [position for position, namespace in enumerate(specification) if namespace == WILDCARD]
    for chosen in combinations_with_replacement(namespaces, len(wild)):
        crossing = list(specification)
        # Two wildcards ascend in VW, any other number of them descends.
        for position, namespace in zip(wild, chosen if len(wild) == 2 else reversed(chosen), strict=True):
            crossing[position] = namespace
        yield tuple(crossing)


def _distinct(crossings: Iterable[Crossing]) -> list[Crossing]:
    """The first of those that differ in order only; sorted if a namespace is in it twice beside another."""
    kept: dict[Crossing, Crossing] = {}
    for crossing in crossings:
        ordered = tuple(sorted(crossing))
        repeated = 1 < len(set(crossing)) < len(crossing)
        kept.setdefault(ordered, ordered if repeated else crossing)
    return list(kept.values())
