"""How several rewards of one event become one: the contract's six aggregations."""

import statistics
from collections.abc import Callable, Sequence

from shared.loops.config import Aggregation

_AGGREGATIONS: dict[Aggregation, Callable[[Sequence[float]], float]] = {
    "earliest": lambda rewards: rewards[0],
    "average": statistics.fmean,
    "median": statistics.median,
    "sum": sum,
    "min": min,
    "max": max,
}


def aggregate(rewards: Sequence[float], how: Aggregation, default: float) -> float:
    """The reward of an event. rewards: in order of arrival; none gives the default. A sum may leave -1..1."""
    return _AGGREGATIONS[how](rewards) if rewards else default
