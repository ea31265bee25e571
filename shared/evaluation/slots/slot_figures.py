"""What a policy earns in a slot on average, and in each slot, from its sums.

The value is that of PDIS-CR over the slots of all events; slots of an event depend on each other, so that its interval
is of whole events, whose weight is the sum of their slots' weights divided by the mean number of slots.
"""

from array import array

from shared.evaluation.columns import Paired
from shared.evaluation.part import Judged
from shared.loops.exact_sum import ExactSum
from shared.loops.policy_sums import PolicySums


def per_slot(judged: Judged) -> Judged:
    """With sums of whole events by which a slot's average is judged; as it is without slots, and without events."""
    size = mean_slots(judged)
    if size is None:
        return judged
    rows = None if judged.rows is None else _rows(judged.rows, size)
    paired = {name: _paired(one, size) for name, one in judged.paired.items()}
    return Judged(divided(judged.sums, size), paired, rows, judged.shows, slots=judged.slots)


def mean_slots(judged: Judged) -> float | None:
    """How many slots an event has on average; None without slots, and without events."""
    if judged.slots is None or not judged.sums.n.units:
        return None
    return float(judged.slots.pooled.n) / float(judged.sums.n)


def pooled(judged: Judged) -> PolicySums:
    """Of all slots of all events; without slots, of the events."""
    return judged.sums if judged.slots is None else judged.slots.pooled


def of_slot(judged: Judged, name: str) -> Judged:
    """One slot of the events that have it."""
    assert judged.slots is not None
    return Judged(judged.slots.slots[name], {}, judged.slots.rows.get(name))


def divided(sums: PolicySums, size: float) -> PolicySums:
    """With weights divided by the mean number of slots."""
    square = size * size
    return PolicySums(
        n=sums.n,
        w=_over(sums.w, size),
        ww=_over(sums.ww, square),
        wr=_over(sums.wr, size),
        wwr=_over(sums.wwr, square),
        wwrr=_over(sums.wwrr, square),
        r=sums.r,
        rr=sums.rr,
        wrr=_over(sums.wrr, size),
        second=_over(sums.second, square),
        positive=sums.positive,
        paid=sums.paid,
        heavy=sums.heavy,
        least=None if sums.least is None else sums.least / size,
        largest=None if sums.largest is None else sums.largest / size,
        seen=None if sums.seen is None else sums.seen / size,
        lowest=sums.lowest,
        highest=sums.highest,
    )


def _over(value: ExactSum, size: float) -> ExactSum:
    found = ExactSum()
    found.add(float(value) / size)
    return found


def _paired(sums: Paired, size: float) -> Paired:
    square = size * size
    first = sums.n, _over(sums.d, size), _over(sums.dr, size)
    return Paired(*first, _over(sums.dd, square), _over(sums.ddr, square), _over(sums.ddrr, square))


def _rows(rows: bytes, size: float) -> bytes:
    found = array("d", rows)
    found[::2] = array("d", [weight / size for weight in found[::2]])
    return found.tobytes()
