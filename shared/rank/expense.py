"""Whether a request costs VW too much under the loop's policy."""

from shared.errors import ApiError
from shared.vw import cost


def units(context: bytes, count: int, arguments: str, slots: int = 0) -> int:
    """What a decision costs, 0 if that is CHEAP; raises InvalidRankRequest above MOST.

    context: VW's JSON; count: its actions; slots: 0 for a single-slot request.
    """
    policy = cost.cost_of(arguments)
    if not slots and policy.is_cheap(context, count):
        return 0
    found = policy.of(context, count, slots or 1)
    if excess := cost.excess(found):
        change = "Send fewer features, actions or slots, or put a learning policy with fewer interactions or models."
        raise ApiError(
            "InvalidRankRequest", f"Too many features for the learning policy: {excess}. {change}", inner="TooExpensive"
        )
    return found if found > cost.CHEAP else 0
