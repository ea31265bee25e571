"""What a context may ask of VW: what it may cost, which actions a slot leaves to the next, how rare a choice.

A context is VW's JSON of one decision, from whoever made it: Rank, a client that ranks by itself, or an imported log.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from shared.vw import cost

# One event must not outweigh a million others: VW divides by probabilities, and its numbers are float32.
LEAST_PROBABILITY = 1e-6


class BadContext(ValueError):
    """The context is not one that VW can learn from; the text says what to change."""


def check_cost(context: bytes, count: int, slots: int, arguments: str) -> None:
    """Raises BadContext if a decision costs VW more than MOST under a policy. slots: 0 without any."""
    if excess := cost.excess(cost.cost_of(arguments).of(context, count, slots or 1)):
        change = "take fewer features, actions or slots, or a learning policy with fewer interactions or models"
        raise BadContext(f"{excess}: {change}")


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
