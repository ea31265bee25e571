"""What a context may ask of VW: how many pairs of features, which actions a slot leaves to the next, how rare a choice.

A context is VW's JSON of one decision, from whoever made it: Rank, a client that ranks by itself, or an imported log.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

# VW looks at every pair of features of an action and its context. So many take it about half a second, in
# which nobody else is answered; a flat Rank body of 12,000 bytes cannot hold more (50 actions that share 2,000
# features).
MAX_PAIRS = 250_000_000
# One event must not outweigh a million others: VW divides by probabilities, and its numbers are float32.
LEAST_PROBABILITY = 1e-6


class BadContext(ValueError):
    """The context is not one that VW can learn from; the text says what to change."""


def count(value: Any) -> int:
    """How many features VW makes of a decoded JSON value."""
    if isinstance(value, dict):
        return sum(map(count, value.values()))
    return sum(map(count, value)) if isinstance(value, list) else 1


def pairs(contexts: Iterable[int], actions: Sequence[int]) -> int:
    """The pairs of features that VW may look at, over all actions in each context.

    contexts: the numbers of features of the context, together with each slot if there are slots. actions: those of
    each action.
    """
    return sum((context + action) ** 2 for context in contexts for action in actions)


def check_pairs(shared: dict[str, Any], actions: list[dict[str, Any]], slots: list[dict[str, Any]]) -> None:
    """Raises BadContext above MAX_PAIRS. slots: a single empty one for a decision without slots."""
    excess = pairs((count(shared) + count(slot) for slot in slots), [count(action) for action in actions])
    if excess > MAX_PAIRS:
        raise BadContext(f"{excess:,} pairs of features of an action and the context; {MAX_PAIRS:,} allowed")


def included(slot: dict[str, Any], actions: int) -> dict[str, list[int]]:
    """The 0-based numbers of the actions that the slot may get, if it may not get all of them.

    VW takes `_inc` from any depth of a slot's features, but from nothing inside another command, and adds all of them
    up. Clients of local inference send it inside the features of the slot.
    """
    found = list(_inclusions(slot))
    if not found:
        return {}
    for numbers in found:
        if not isinstance(numbers, list) or not numbers or any(one not in range(actions) for one in numbers):
            raise BadContext("_inc of a slot must list 0-based numbers of actions")
    return {"_inc": list(dict.fromkeys(int(one) for numbers in found for one in numbers))}


def _inclusions(features: Any) -> Iterator[Any]:
    """The values of `_inc` in a slot, in order."""
    if isinstance(features, list):
        for one in features:
            yield from _inclusions(one)
    elif isinstance(features, dict):
        for name, value in features.items():
            if name == "_inc":
                yield value
            elif not name.startswith("_"):
                yield from _inclusions(value)


def check_choice(inclusions: list[dict[str, list[int]]], ids: Sequence[object], actions: int) -> None:
    """Whatever the slots before it get, each slot has an action left: a model that answers none counts as unfit.

    ids: what slots are called in the reason for a refusal; a slot whose id is no text is called by its number.
    """
    if not any(inclusions):
        return
    open_to = [set(one.get("_inc", range(actions))) for one in inclusions]
    for place, own in enumerate(open_to):
        earlier = [other for other in open_to[:place] if other & own]
        if own <= set().union(*earlier) and len(earlier) >= len(own):
            name = f"'{ids[place]}'" if isinstance(ids[place], str) else f"slot {place + 1}"
            raise BadContext(f"the slots before {name} may get all the actions in its _inc")
