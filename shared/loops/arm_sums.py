"""What the arms of a holdback earned, by the bucket of the key that has decided about the arm."""

import msgspec

from shared.loops.exact_sum import ExactSum
from shared.loops.policy_sums import sum_field


class ArmSums(msgspec.Struct, gc=False):
    """Of decisions with rewards r: n, how many; paid, those with another reward than 0; the sums of r and of r^2."""

    n: int = 0
    paid: int = 0
    r: ExactSum = sum_field()
    rr: ExactSum = sum_field()

    def add(self, reward: float) -> None:
        """Adds a decision."""
        self.n += 1
        if reward:
            self.paid += 1
            self.r.add(reward)
            self.rr.add(reward * reward)

    def merge(self, other: "ArmSums") -> None:
        """Adds the decisions of the other."""
        self.n += other.n
        self.paid += other.paid
        self.r += other.r
        self.rr += other.rr


# By window of the holdback, arm and bucket.
Arms = dict[str, dict[str, dict[int, ArmSums]]]


def of(arms: Arms, window: str, arm: str, bucket: int) -> ArmSums:
    """Those of a bucket, to be added to."""
    return arms.setdefault(window, {}).setdefault(arm, {}).setdefault(bucket, ArmSums())


def merge(arms: Arms, more: Arms) -> None:
    """Adds the decisions of others."""
    for window, by_arm in more.items():
        for arm, buckets in by_arm.items():
            for bucket, sums in buckets.items():
                of(arms, window, arm, bucket).merge(sums)


def ordered(arms: Arms) -> Arms:
    """The same, in order of the keys."""
    return {
        window: {arm: dict(sorted(buckets.items())) for arm, buckets in sorted(by_arm.items())}
        for window, by_arm in sorted(arms.items())
    }
