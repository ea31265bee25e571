"""The delta method's interval of the self-normalised estimate."""

import math
from dataclasses import dataclass

from shared.evaluation.accumulator import Accumulator, exact
from shared.evaluation.event import Event
from shared.evaluation.intervals.interval import Interval, normal_quantile
from shared.loops.exact_sum import ExactSum


@dataclass(slots=True)
class SnipsDelta(Accumulator):
    """SNIPS +- z sqrt(sum (w (r - SNIPS))^2) / sum w; None where every weight is 0."""

    w: ExactSum = exact()
    wr: ExactSum = exact()
    ww: ExactSum = exact()
    wwr: ExactSum = exact()
    wwrr: ExactSum = exact()

    def add(self, event: Event) -> None:
        weight, weighted = event.total_weight, event.total_weight * event.reward
        self.w.add(weight)
        self.wr.add(weighted)
        self.ww.add(weight * weight)
        self.wwr.add(weight * weighted)
        self.wwrr.add(weighted * weighted)

    def get(self, alpha: float = 0.05) -> Interval | None:
        w = float(self.w)
        if not w:
            return None
        mean = float(self.wr) / w
        squares = float(self.wwrr) - 2 * mean * float(self.wwr) + mean * mean * float(self.ww)
        half = normal_quantile(alpha) * math.sqrt(max(0.0, squares)) / w
        return Interval(mean - half, mean + half)
