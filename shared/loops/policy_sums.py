"""The sums from which a policy that needs no model of its own is evaluated: online, baseline, uniform random.

A decision that was shown counts for each of them, with its weight w = p_eval / p_log. `CERTAIN` are the decisions of
the modes Apprentice and LoggingOnly, which show the baseline whatever the probabilities say: with weight 1, for the
baseline alone.
"""

from collections.abc import Iterable
from operator import attrgetter

import msgspec

from shared.loops.exact_sum import ExactSum

ONLINE, BASELINE, RANDOM, CERTAIN = "online", "baseline", "random", "certain"
# Events with a larger weight say something that the logging policy seldom shows.
HEAVY = 2


def sum_field() -> ExactSum:
    """A member that is an exact sum, 0 at first."""
    made: ExactSum = msgspec.field(default_factory=ExactSum)
    return made


class PolicySums(msgspec.Struct, gc=False):
    """Of the events with weights w and rewards r, sums by name: wwr is that of w^2 r, wrr that of w r^2.

    n: events; one of a client that drops the share d of its events stands for 1 / (1 - d) of them in all sums.
    second: sum over events and actions of p_eval^2 / p_log; of the uniform random policy, it is the sum of 1 / e, where
    e = K^2 / sum_k(1 / p_k) is how much exploration the log has. positive: events with w > 0. paid: those of them with
    another reward than 0; summaries of format 1 did not count them. heavy: events with w > 2 whose reward is not the
    default one. least, largest: the possible weights; seen: the largest one of a chosen
    action. lowest, highest: the range of the rewards. The last five are None without events.
    """

    n: ExactSum = sum_field()
    w: ExactSum = sum_field()
    ww: ExactSum = sum_field()
    wr: ExactSum = sum_field()
    wwr: ExactSum = sum_field()
    wwrr: ExactSum = sum_field()
    r: ExactSum = sum_field()
    rr: ExactSum = sum_field()
    wrr: ExactSum = sum_field()
    second: ExactSum = sum_field()
    positive: int = 0
    paid: int = 0
    heavy: int = 0
    least: float | None = None
    largest: float | None = None
    seen: float | None = None
    lowest: float | None = None
    highest: float | None = None

    def merge(self, other: "PolicySums") -> None:
        """Adds the events of the other."""
        self.n += other.n
        self.w += other.w
        self.ww += other.ww
        self.wr += other.wr
        self.wwr += other.wwr
        self.wwrr += other.wwrr
        self.r += other.r
        self.rr += other.rr
        self.wrr += other.wrr
        self.second += other.second
        self.positive += other.positive
        self.paid += other.paid
        self.heavy += other.heavy
        self.least, self.lowest = _lower(self.least, other.least), _lower(self.lowest, other.lowest)
        self.largest, self.seen = _higher(self.largest, other.largest), _higher(self.seen, other.seen)
        self.highest = _higher(self.highest, other.highest)

    @classmethod
    def of(cls, several: Iterable["PolicySums"]) -> "PolicySums":
        """What many merge to, for half of what `merge` costs: column by column."""
        every = list(several)
        if not every:
            return cls()
        made, columns = cls(), zip(*map(_sums, every), strict=True)
        for name, sums in zip(_SUMS, columns, strict=True):
            setattr(made, name, ExactSum(sum([one.units for one in sums])))
        made.positive, made.paid, made.heavy = map(sum, zip(*map(_counts, every), strict=True))
        made.least, made.lowest = (min(_known(values), default=None) for values in zip(*map(_lows, every), strict=True))
        highs = zip(*map(_highs, every), strict=True)
        made.largest, made.seen, made.highest = (max(_known(values), default=None) for values in highs)
        return made


_SUMS = ("n", "w", "ww", "wr", "wwr", "wwrr", "r", "rr", "wrr", "second")
_sums = attrgetter(*_SUMS)
_counts = attrgetter("positive", "paid", "heavy")
_lows, _highs = attrgetter("least", "lowest"), attrgetter("largest", "seen", "highest")


def _known(values: Iterable[float | None]) -> list[float]:
    return [one for one in values if one is not None]


def _lower(one: float | None, other: float | None) -> float | None:
    return other if one is None or (other is not None and other < one) else one


def _higher(one: float | None, other: float | None) -> float | None:
    return other if one is None or (other is not None and other > one) else one
