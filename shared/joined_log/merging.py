"""Which of many stored parts are merged, so that their number grows with the logarithm of what is in them."""

from collections.abc import Sequence

FAN_IN = 3


def due(lengths: Sequence[int], small: int, largest: int) -> int:
    """How many of the newest parts: as far back as each is no larger than all newer ones together; 0 if too few.

    lengths: of all parts in entries, the newest last. Up to `small` together, parts are merged whatever their sizes,
    beyond `largest` not at all.
    """
    count = total = 0
    for length in reversed(lengths):
        if count and (total + length > largest or length > max(total, small)):
            break
        count += 1
        total += length
    return count if count >= FAN_IN else 0
