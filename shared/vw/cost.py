"""What a decision costs VW under a policy, in generated features: the unit of every bound and every budget.

VW computes with a feature for each one that it is given and for each crossing that the policy asks for, once per
action and model. What is computed here is at least that number: wildcards are taken to cross all features of an
action with its context, whatever their namespaces. One unit takes 1 to 4 ns to predict and about three times as long
to learn. docs/decisions/0024-cost.md has the measurements.
"""

import functools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import comb, prod
from typing import Any

import msgspec

from shared.vw.crossings import WILDCARD
from shared.vw.options import AUTO, CROSSINGS
from shared.vw.policy import parse

# What one event may cost at most: about a second to predict. It lets through whatever had 250,000,000 pairs of features
# under the default policies, which was the bound before there was this one.
MOST = 300_000_000
# About 5 ms to predict: what costs more is predicted outside the process that answers requests.
CHEAP = 1_250_000
# A decision is taken to cost what a rough bound says if that is no more, which lets a run learn 200,000 of them.
PLAIN = 10_000

# Crossings of the namespaces seen cost no more than this one, whichever those are.
_AUTO = ("::i",)

_REMEMBERED = 4_096
_SHORTEST = 4  # bytes of a feature in VW's JSON: a number of an array
_DEFAULT = ord(" ")  # the namespace of features that stand in none
# The two features that Rank gives an action beside its own, and their namespace.
_ACTION, _IDENTITY = ord("i"), b'"i":{"constant":1,"id":'
# An object or array whose name begins with i opens that namespace as well, and may have many features.
# A quote behind a backslash begins no name: looking from there, too, would take the square of the length of a text.
_OPENING = re.compile(rb'"(?<!\\")i[^"\\]*(?:\\.[^"\\]*)*"\s*:\s*[\[{]')
_ESCAPED = b'"\\u'  # at the beginning of a name; it may be an i
_BACKSLASH = b"\\"  # one byte is found ten times as fast as three
Sizes = Mapping[int, int]  # the number of features by namespace, which is known by its first byte


def excess(units: int) -> str | None:
    """What is too much about a decision that costs so many units, as a refusal says it; None up to MOST."""
    allowed = f"{MOST:,} allowed"
    return f"{units:,} features with their crossings, over all actions and models; {allowed}" if units > MOST else None


class Cost:
    """A policy's cost. crossings: the namespaces of each crossing that it asks for. models: how many compute it."""

    def __init__(self, crossings: Sequence[tuple[int, ...]], models: int, *, multi_slot: bool) -> None:
        self.crossings, self.models, self.multi_slot = crossings, models, multi_slot
        self._crosses_identity = any(_ACTION in crossing for crossing in crossings)
        self._few: dict[int, int] = {}
        self._wilds: dict[int | None, dict[int, int]] = {}
        self._rough: dict[tuple[int, int, int], int] = {}

    def is_cheap(self, context: bytes, count: int) -> bool:
        """True for a single-slot context of Rank that a glance shows to be CHEAP; False says nothing."""
        few = self._few.get(count)
        if few is None:
            few = self._few[count] = self._how_few(count)
        is_short = len(context) < _SHORTEST * few or context.count(b",") < few
        return is_short and (not self._crosses_identity or _has_identities_alone(context, count))

    def of(self, context: bytes, count: int, slots: int = 1) -> int:
        """At least what a decision costs. context: VW's JSON; count: its actions; slots: 1 without any.

        A rough bound or a glance says enough of most contexts. Those that might not be CHEAP are decoded.
        """
        bound = self.roughly(context, count) or self.glance(context, count, slots)
        return bound if bound <= CHEAP else min(bound, self._decoded(context, bound))

    def roughly(self, context: bytes, count: int) -> int | None:
        """At least `glance` of a single-slot decision, in half its time; None if that is above PLAIN or not known."""
        if self.multi_slot:
            return None
        actions = max(context.find(b'"_multi"'), 0)
        shared, own = context.count(b",", 0, actions) + 1, context.count(b",", actions)
        units = self._rough.get((shared, own, count)) or self._uneven(shared, own, count)
        if units > PLAIN or (self._crosses_identity and not _has_identities_alone(context, count)):
            return None
        return units

    def _uneven(self, shared: int, own: int, count: int) -> int:
        """The cost if all commas of the actions are one action's.

        No other division of them costs more, since the cost grows faster than the number of features.
        """
        identity = 2 if self._crosses_identity else None
        most, least = self._wild(shared + own + 1, identity), self._wild(shared + 1, identity)
        if len(self._rough) >= _REMEMBERED:
            self._rough.clear()
        found = self._rough[shared, own, count] = most + (count - 1) * least
        return found

    def glance(self, context: bytes, count: int, slots: int = 1) -> int:
        """`of` by commas, between which there is a feature at most, whatever namespaces they are in."""
        actions = max(context.find(b'"_multi"'), 0)
        end = context.rfind(b'"_slots"') if self.multi_slot else len(context)
        end = end if end > actions else len(context)
        shared = context.count(b",", 0, actions) + 1
        own = _features(context[actions:end], b'"_tag"', count)
        identity = 2 if self._crosses_identity and _has_identities_alone(context, count) else None
        known, wild = self._known(identity), self._wild
        if not self.multi_slot:
            return sum([known.get(shared + one) or wild(shared + one, identity) for one in own])
        slotted = Counter(_features(context[end:], b'"_id"', slots))
        return sum(
            times * others * (known.get(shared + one + other) or wild(shared + one + other, identity))
            for one, times in Counter(own).items()
            for other, others in slotted.items()
        )

    def _decoded(self, context: bytes, unread: int) -> int:
        try:
            parts = msgspec.json.decode(context, type=dict[str, Any])
            actions, slots = ([sizes(one, _DEFAULT) for one in parts.get(name) or ()] for name in ("_multi", "_slots"))
        except (msgspec.MsgspecError, RecursionError, TypeError):
            return unread
        return self.exactly(sizes(parts, _DEFAULT), actions, slots or [Counter()])

    def exactly(self, shared: Sizes, actions: Iterable[Sizes], slots: Iterable[Sizes] = ({},)) -> int:
        """The cost of a decision by the namespaces of its features; multi-slot: of all actions in every slot."""
        each = Counter(tuple(sorted(action.items())) for action in actions)
        return sum(times * self._one(shared, dict(action), slot) for slot in slots for action, times in each.items())

    def _one(self, shared: Sizes, action: Sizes, slot: Sizes) -> int:
        sizes = Counter(shared)
        sizes.update(action)
        sizes.update(slot)
        return self._sum(sizes, sum(sizes.values()))

    def _wild(self, features: int, identity: int | None) -> int:
        """The cost of an action with so many features, all but its identity in the namespaces that are crossed most."""
        crossed = 0
        for crossing in self.crossings:
            own = crossing.count(_ACTION) if identity is not None else 0
            combinations = comb(features + len(crossing) - own - 1, len(crossing) - own)
            crossed += self._copies(len(crossing)) * combinations * (comb(identity + own - 1, own) if identity else 1)
        known = self._known(identity)
        if len(known) >= _REMEMBERED:
            known.clear()
        found = known[features] = self.models * (features + crossed)
        return found

    def _known(self, identity: int | None) -> dict[int, int]:
        """What `_wild` has found, by the number of features."""
        return self._wilds.setdefault(identity, {})

    def _how_few(self, count: int) -> int:
        """Of so many features a decision among `count` actions is CHEAP, wherever they are; 0 for several slots."""
        few, many = 0, 100_000
        while not self.multi_slot and many - few > 1:
            middle = (few + many) // 2
            few, many = (middle, many) if count * self._wild(middle, 2) <= CHEAP else (few, middle)
        return few

    def _sum(self, sizes: Counter[int], total: int) -> int:
        crossed = sum(self._copies(len(one)) * _combinations(one, sizes, total) for one in self.crossings)
        return self.models * (total + crossed)

    def _copies(self, degree: int) -> int:
        """With several slots VW crosses everything with the slot as well."""
        return 2 ** (degree - 1) if self.multi_slot else 1


def _combinations(crossing: tuple[int, ...], sizes: Counter[int], total: int) -> int:
    """Within one namespace, and among all of them for wildcards, every combination of features counts once."""
    degrees = Counter(crossing)
    wild = degrees.pop(WILDCARD, 0)
    own = prod(comb(sizes[one] + times - 1, times) for one, times in degrees.items())
    return comb(total + wild - 1, wild) * own if wild else own


@functools.lru_cache(256)
def cost_of(arguments: str) -> Cost:
    """The cost of a policy, computed once from its VW arguments."""
    policy = parse(arguments)
    crossings = dict.fromkeys(
        tuple(sorted(one.encode()))
        for option in policy.options
        if option.name in CROSSINGS and option.value
        for one in (_AUTO if option.value == AUTO else (option.value,))
    )
    # Measured: an ensemble computes each crossing once per model, --cover and --rnd about twice.
    models = 1
    for option in policy.options:
        if option.name in ("bag", "cover", "rnd") and option.value:
            models *= int(option.value) * (1 if option.name == "bag" else 2)
    if policy.is_multi_slot and models > 1:
        models *= 2
    return Cost(tuple(crossings), models, multi_slot=policy.is_multi_slot)


def _has_identities_alone(context: bytes, count: int) -> bool:
    """True if nothing but what Rank gives the actions is in their identities' namespace."""
    if context.count(_IDENTITY) != count or (_BACKSLASH in context and _ESCAPED in context):
        return False
    # Most contexts have no names or texts that begin with i but the names `i` and `id` of each action.
    return context.count(b'"i') == 2 * count or len(_OPENING.findall(context)) == count


def _features(part: bytes, mark: bytes, count: int) -> list[int]:
    """At least the features of each of `count` parts; if no mark tells them apart, as if one of them had all."""
    parts = part.split(mark)
    if len(parts) == count + 1:
        return [one.count(b",") + 1 for one in parts[1:]]
    return [part.count(b",") + 1, *[1] * (count - 1)]


def sizes(features: Any, namespace: int) -> Counter[int]:
    """The features of decoded JSON by namespace. Objects and arrays inside open one of their own, by their name.

    Names that begin with `_` are commands to VW.
    """
    found: Counter[int] = Counter()
    for space, count in _walk(features, namespace):
        found[space] += count
    return found


def _walk(value: Any, namespace: int) -> Iterator[tuple[int, int]]:
    if isinstance(value, dict):
        plain = 0
        for name, inner in value.items():
            if name.startswith("_"):
                continue
            if isinstance(inner, dict | list):
                yield from _walk(inner, name.encode()[0] if name else namespace)
            else:
                plain += 1
        yield namespace, plain
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict | list):
                yield from _walk(inner, namespace)
            else:
                yield namespace, 1
