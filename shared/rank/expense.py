"""Whether a request costs too much: to read, or to predict under the loop's policy."""

from shared.errors import ApiError
from shared.vw import cost

# How many values a body may have that is read in the process that answers: if it can be taken as it is, and else. Each
# takes at most some 2 ms.
MOST_PLAIN, MOST_UNUSUAL = 10_000, 2_000


def values(body: bytes) -> int:
    """At most the values and objects in a body, and what is escaped in it, such as half characters."""
    return body.count(b",") + body.count(b"{") + body.count(b"\\")


def is_dear(context: bytes, count: int, arguments: str, slots: int = 0) -> bool:
    """Whether a decision may cost so much that it has to be predicted beside the event loop.

    context: VW's JSON; count: its actions; slots: 0 for a single-slot request.
    """
    policy = cost.cost_of(arguments)
    if not slots and policy.is_cheap(context, count):
        return False
    return policy.glance(context, count, slots or 1) > cost.CHEAP


def is_dear_slot_by_slot(context: bytes, count: int, arguments: str, slots: int) -> bool:
    """`is_dear` of a multi-slot decision that is predicted once for each of its slots."""
    return cost.cost_of(arguments).glance(context, count, slots) * slots > cost.CHEAP


def check(context: bytes, count: int, arguments: str, slots: int = 0) -> None:
    """Raises InvalidRankRequest for a decision, as `is_dear` has it, that costs more than MOST."""
    if excess := cost.excess(cost.cost_of(arguments).of(context, count, slots or 1)):
        change = "Send fewer features, actions or slots, or put a learning policy with fewer interactions or models."
        raise ApiError(
            "InvalidRankRequest", f"Too many features for the learning policy: {excess}. {change}", inner="TooExpensive"
        )
