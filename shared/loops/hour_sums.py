"""What happened in an hour of a loop beside its rewards: fates, and which actions were shown, how surely, how often."""

from collections import Counter
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from shared.loops import arm_sums
from shared.loops.arm_sums import Arms
from shared.loops.exact_sum import ExactSum
from shared.loops.policy_sums import sum_field

# Of an hour in a day's roll-up, the actions with counts of their own, and the key of all others.
MOST_ACTIONS, OTHER = 200, ""
# Rewards are counted in bins of this width; those beyond -1 and 1 share two more.
BINS = 20

Key = TypeVar("Key", str, int)


class Shown(msgspec.Struct):
    """Of the decisions of one slot. Counts by action are by its id, by its number where it has none.

    chosen: what was shown. baseline: where that was the baseline, and explored: where it was not the most probable
    action; both only of decisions made by probabilities. rewards: by `bin_of`. sizes: decisions by their number of
    actions. baseline_p, baseline_pq: sums of p and p (1 - p) of the baseline; top_p and top_pq of the most probable
    action, the one with the lowest number of several, which was shown `top` times. improper: decisions whose
    probabilities do not sum to 1 within 1e-3. arms: of the decisions with a holdback.
    """

    chosen: dict[str, int] = {}
    baseline: dict[str, int] = {}
    explored: dict[str, int] = {}
    rewards: dict[int, int] = {}
    sizes: dict[int, int] = {}
    baseline_p: ExactSum = sum_field()
    baseline_pq: ExactSum = sum_field()
    top_p: ExactSum = sum_field()
    top_pq: ExactSum = sum_field()
    top: int = 0
    improper: int = 0
    arms: Arms = {}

    def merge(self, other: "Shown") -> None:
        """Adds the decisions of the other."""
        for name in ("chosen", "baseline", "explored", "rewards", "sizes"):
            add(getattr(self, name), getattr(other, name))
        for name in ("baseline_p", "baseline_pq", "top_p", "top_pq"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.top += other.top
        self.improper += other.improper
        arm_sums.merge(self.arms, other.arms)

    def capped(self) -> "Shown":
        """With counts for the commonest actions alone, and one for all others."""
        named = [action for action in self.chosen if action != OTHER]
        kept = sorted(named, key=lambda action: (-self.chosen[action], action))[:MOST_ACTIONS]
        few = {name: _of(getattr(self, name), set(kept)) for name in ("chosen", "baseline", "explored")}
        return msgspec.structs.replace(self, **few)

    def ordered(self) -> "Shown":
        """The same, whose counts are in order of their keys."""
        names = ("chosen", "baseline", "explored", "rewards", "sizes")
        sorted_counts = {name: dict(sorted(getattr(self, name).items())) for name in names}
        return msgspec.structs.replace(self, arms=arm_sums.ordered(self.arms), **sorted_counts)


class Hour(msgspec.Struct):
    """What came in one hour: a decision at the time when it was ranked, an observation with its decision.

    fates: decisions that were shown, rewarded ones among them, skipped (never activated), unweighted (shown, but their
    probability makes no weight, or their reward no sum), impossible (unweighted, of a probability that there is not),
    duplicate_ranks; observations that were matched, late, orphans,
    duplicate_observations; unreadable events. What was not joined counts at the cut of its run. The fate `bytes` is the
    size of the lines in the joined log. slots: what was shown, by the slot from 0.
    """

    fates: dict[str, int] = {}
    slots: dict[int, Shown] = {}

    def merge(self, other: "Hour") -> None:
        """Adds what came in the other."""
        add(self.fates, other.fates)
        for slot, shown in other.slots.items():
            self.slots.setdefault(slot, Shown()).merge(shown)

    def capped(self) -> "Hour":
        """With counts for the commonest actions of each slot."""
        return Hour(dict(self.fates), {slot: shown.capped() for slot, shown in self.slots.items()})

    def ordered(self) -> "Hour":
        """The same, in order of its keys."""
        slots = {slot: shown.ordered() for slot, shown in sorted(self.slots.items())}
        return Hour(dict(sorted(self.fates.items())), slots)


def bin_of(reward: float) -> int:
    """The number of the bin of a reward: b has those from b / 20 on below (b + 1) / 20, -21 and 20 those beyond."""
    return int(max(-BINS - 1, min(BINS, reward * BINS // 1)))


def add(counts: dict[Key, int], more: Mapping[Key, int]) -> None:
    """Adds counts by key."""
    for key, count in more.items():
        counts[key] = counts.get(key, 0) + count


def _of(counts: Mapping[str, int], kept: set[str]) -> dict[str, int]:
    made = Counter({key: count for key, count in counts.items() if key in kept})
    others = sum(counts.values()) - sum(made.values())
    if others:
        made[OTHER] += others
    return dict(made)
