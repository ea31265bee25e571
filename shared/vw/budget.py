"""How much of a log is learned in one go: as many lines as a budget of generated features allows, never by the clock.

So a run that is killed and repeated learns the same lines as one that is not.
"""

from shared.vw import dsjson
from shared.vw.cost import MOST, Cost

# What a loop may spend in one run, some 10 to 20 s of a learner. Other loops go on meanwhile.
BUDGET = 2_000_000_000
_CONTEXT, _BEHIND, _TAG = b'"c":', b'"p":[', b'"_tag"'
MOST_ACTIONS = 50


class Budget:
    """Divides lines into those that are learned now and those that wait.

    learned: events that were let through and that VW learns from; `rewarded` of them had a reward. refused: those that
    cost more than MOST, which no run could learn.
    """

    def __init__(self, cost: Cost, units: int = BUDGET) -> None:
        self._cost, self._left = cost, units
        self.learned = self.rewarded = self.refused = self.rewarded_refused = 0

    def take(self, lines: bytes) -> tuple[bytes, int]:
        """Those of the first lines that are to be fed to the learner, and how many lines that settles.

        Lines behind them wait for another run. The first line of a run never waits.
        """
        if self._left <= 0:
            return b"", 0
        fed: list[bytes] = []
        count = 0
        for line in lines.splitlines(keepends=True):
            if self._left <= 0:
                break
            count += 1
            units, learned = line_units(line, self._cost), is_learned(line, self._cost)
            rewarded = learned and is_rewarded(line)
            if units > MOST:
                self.refused += learned
                self.rewarded_refused += rewarded
                continue
            self._left -= units
            self.learned += learned
            self.rewarded += rewarded
            fed.append(line)
        return b"".join(fed), count


def is_learned(line: bytes, cost: Cost) -> bool:
    """True for a line that a learner of this policy learns from."""
    return b'"_skipLearn":true' not in line and dsjson.is_multi_slot(line) == cost.multi_slot


def is_rewarded(line: bytes) -> bool:
    """True for a line of ours that holds a reward, not only activations."""
    outcomes = max(line.rfind(b'"_outcomes":'), line.rfind(b'"_original_label_cost":'))
    return line.find(b'{"v":', outcomes) >= 0


def line_units(line: bytes, cost: Cost) -> int:
    """At least what an event of the log costs a learner."""
    start, end = line.find(_CONTEXT) + len(_CONTEXT), line.rfind(_BEHIND)
    context = line[start : end if end > start else len(line)]
    count = min(context.count(_TAG), MOST_ACTIONS) or MOST_ACTIONS
    slots = line.count(b'"_label_cost"') if cost.multi_slot else 1
    units = cost.glance(context, count, max(slots, 1))
    return units if units <= MOST else dsjson_units(line, cost)


def dsjson_units(line: bytes, cost: Cost) -> int:
    """What an event costs by its decoded context, for one that may cost too much."""
    asked = dsjson.question(line)
    if asked is None:
        return 0
    count = len(asked.a) if asked.a else MOST_ACTIONS
    return cost.of(bytes(asked.c), count, len(asked.slots or ()) or 1)
