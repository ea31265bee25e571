"""How much a model of SquareCB explores: much at first, little once it has settled, and much again when rewards fall.

SquareCB gives every action but the best the probability 1/(K + gamma d), d being by how much worse it is expected to
be. Another gamma is an exact transform of what is served: no second model is needed. docs/decisions/0034-default-policy
has what was measured.
"""

import math

import msgspec

# Events over whose rewards a fall is looked for, the same whatever runs they are learned in.
BLOCK = 200
# Events after which exploration settles, and what gamma is multiplied with before and after.
SETTLES, FIRST, THEN = 1_000, 1 / 3, 10 / 3
# Nothing is known of the rewards before so many events.
LEAST = 800
# Of the weight of what was before a block: in what is usual, and in what is recent.
_KEPT, _KEPT_RECENTLY = 0.95, 0.7
# An abrupt fall is one of a block below what is usual, a slow one of what is recent below the best that was usual: by
# more than so many standard errors, and a little.
_ABRUPT, _SLOW, _SPREAD, _LEAST_FALL = 4.0, 3.0, 0.02, 0.01


class Fall(msgspec.Struct, frozen=True):
    """Why exploration began anew: rewards that fell. learned: events by then; at: the time of the last of them.

    mean: lately; before: what was usual, or the best that was.
    """

    learned: int
    at: str
    mean: float
    before: float


class Discounted(msgspec.Struct):
    """Mean and mean square of rewards by block, of which `kept` of the weight is left after another one."""

    kept: float
    weight: float = 0.0
    mean: float = 0.0
    square: float = 0.0

    def add(self, mean: float, square: float) -> None:
        self.weight = self.kept * self.weight + BLOCK
        self.mean += (mean - self.mean) * BLOCK / self.weight
        self.square += (square - self.square) * BLOCK / self.weight

    @property
    def spread(self) -> float:
        """The standard deviation of a reward."""
        return math.sqrt(max(self.square - self.mean * self.mean, 0.0))


class Schedule(msgspec.Struct):
    """Where a model is in its schedule, by the events that it has learned, in the order of the log.

    learned: how many; since: with which of them exploration began. total, squares: of the rewards in the block that is
    not full. usual, recent: of the blocks before it, discounted. best: the highest mean that was usual. fall: the last
    one, None if rewards never fell.
    """

    learned: int = 0
    since: int = 0
    total: float = 0.0
    squares: float = 0.0
    usual: Discounted = msgspec.field(default_factory=lambda: Discounted(_KEPT))
    recent: Discounted = msgspec.field(default_factory=lambda: Discounted(_KEPT_RECENTLY))
    best: float | None = None
    fall: Fall | None = None

    @property
    def sharpness(self) -> float:
        """What SquareCB's gamma is to be multiplied with; 0 makes all but the best equally probable."""
        age = self.learned - self.since
        if self.since and age < SETTLES:
            return 0.0  # what the model is sure of is out of date
        factor = FIRST if age < SETTLES else THEN
        return factor * math.sqrt(age / self.learned) if self.learned else factor

    def add(self, reward: float) -> bool:
        """Takes in the reward of an event; True if it completes a block."""
        self.learned += 1
        self.total += reward
        self.squares += reward * reward
        return self.learned % BLOCK == 0

    def close(self, at: str) -> None:
        """Ends a block whose last event was ranked `at`; exploration begins anew if rewards have fallen."""
        mean, square = self.total / BLOCK, self.squares / BLOCK
        self.total = self.squares = 0.0
        known = self.learned - BLOCK - self.since >= LEAST
        self.recent.add(mean, square)
        before = self._fallen_from(mean) if known else None
        if before is not None:
            self.fall = Fall(self.learned, at, min(mean, self.recent.mean), before)
            self.since, self.best = self.learned, None
            self.usual, self.recent = Discounted(_KEPT), Discounted(_KEPT_RECENTLY)
            return
        self.usual.add(mean, square)
        if known:
            self.best = max(self.usual.mean, self.best if self.best is not None else self.usual.mean)

    def _fallen_from(self, mean: float) -> float | None:
        """What rewards have fallen from with a block of this mean; None if they have not."""
        spread = self.usual.spread
        for lately, weight, before, errors in (
            (mean, BLOCK, self.usual.mean, _ABRUPT),
            (self.recent.mean, self.recent.weight, self.best, _SLOW),
        ):
            if before is None:
                continue
            if lately < before - errors * spread / math.sqrt(weight) - _SPREAD * spread - _LEAST_FALL:
                return before
        return None


def sharpened(pmf: list[float], sharpness: float) -> list[float]:
    """The pmf that SquareCB would give with its gamma multiplied by `sharpness`, of the one that it gave."""
    count, best = len(pmf), pmf.index(max(pmf))
    changed = [1 / (count + sharpness * (1 / one - count)) if one > 0 else 0.0 for one in pmf]
    changed[best] = 0.0
    changed[best] = 1 - sum(changed)
    return changed
