"""What a policy that decides about several slots has earned in each of them, and in all: sums that can be added."""

import msgspec

from shared.evaluation.multi_slot.pseudo_inverse import PseudoInverse
from shared.loops.policy_sums import PolicySums

# Of so many slots, by their ids, figures are told; of the first of them also the course over time.
MOST_SLOTS, MOST_COURSES = 50, 5


class SlotSums(msgspec.Struct):
    """Weights are products: of the probabilities of all slots up to this one.

    pooled: all slots of all events. first: the first slot of each event, whatever its id. slots: by id. rows: of slots
    whose rewards are almost all the same, weight and reward of each event, as of `Judged`; None for the others.
    additive: the estimate that takes slots one by one.
    """

    pooled: PolicySums = msgspec.field(default_factory=PolicySums)
    first: PolicySums = msgspec.field(default_factory=PolicySums)
    slots: dict[str, PolicySums] = {}
    rows: dict[str, bytes | None] = {}
    additive: PseudoInverse = msgspec.field(default_factory=PseudoInverse)

    def merge(self, later: "SlotSums") -> None:
        """Adds the events of a later stretch."""
        self.pooled.merge(later.pooled)
        self.first.merge(later.first)
        self.additive = self.additive + later.additive
        for name, sums in later.slots.items():
            self.slots.setdefault(name, PolicySums()).merge(sums)
        for name, rows in later.rows.items():
            mine = self.rows.get(name, b"")
            self.rows[name] = None if mine is None or rows is None else mine + rows


# By five minutes and policy.
SlotSeries = dict[str, dict[str, SlotSums]]


def merged(parts: list[SlotSeries]) -> SlotSeries:
    """The series of several stretches and policies as one."""
    found: SlotSeries = {}
    for part in parts:
        for start, policies in part.items():
            for policy, sums in policies.items():
                found.setdefault(start, {}).setdefault(policy, SlotSums()).merge(sums)
    return dict(sorted(found.items()))
