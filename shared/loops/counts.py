"""What became of a loop's events, as a checkpoint counts them."""

import msgspec


class Counts(msgspec.Struct, frozen=True):
    """What became of the events since the loop began. Every event read is in exactly one count of its kind.

    Interactions: learned, skipped (deferred and never activated, or of the other kind than the policy, single-slot or
    multi-slot), logged (ranked in mode LoggingOnly), duplicate_ranks, rejected (joined and logged, but their model was
    refused). Observations: matched, late, orphans, duplicate_observations. Of events that were erased before they were
    joined: erased, erased_observations. Either: unreadable. `rewarded` of the learned interactions had a reward, the
    others got the default. erased_lines: those of the joined interactions whose lines were erased since. expired:
    messages of the hubs, with events of this loop or of others, that were gone before they were read.
    """

    learned: int = 0
    rewarded: int = 0
    skipped: int = 0
    logged: int = 0
    rejected: int = 0
    duplicate_ranks: int = 0
    matched: int = 0
    late: int = 0
    orphans: int = 0
    duplicate_observations: int = 0
    unreadable: int = 0
    expired: int = 0
    erased: int = 0
    erased_observations: int = 0
    erased_lines: int = 0

    def plus(self, other: "Counts") -> "Counts":
        return self._with(other, 1)

    def minus(self, other: "Counts") -> "Counts":
        return self._with(other, -1)

    def _with(self, other: "Counts", sign: int) -> "Counts":
        names = self.__struct_fields__
        return Counts(**{name: getattr(self, name) + sign * getattr(other, name) for name in names})

    @property
    def ranks(self) -> dict[str, int]:
        """What became of the interactions."""
        return {
            "learned": self.learned,
            "skipped": self.skipped,
            "logged": self.logged,
            "rejected": self.rejected,
            "duplicate": self.duplicate_ranks,
            **({"erased": self.erased} if self.erased else {}),
        }

    @property
    def observations(self) -> dict[str, int]:
        """What became of the rewards and activations."""
        return {
            "on_time": self.matched,
            "late": self.late,
            "orphan": self.orphans,
            "duplicate": self.duplicate_observations,
            **({"erased": self.erased_observations} if self.erased_observations else {}),
        }

    @property
    def defaulted(self) -> int:
        """Interactions that were learned without a reward of their own."""
        return self.learned - self.rewarded

    @property
    def fates(self) -> dict[str, int]:
        """The same as a log line tells it."""
        return {
            "joined": self.learned + self.skipped + self.logged + self.rejected,
            "learned": self.learned,
            "on_time": self.matched,
            "late": self.late,
            "orphan": self.orphans,
            "duplicate": self.duplicate_ranks + self.duplicate_observations,
            "defaulted": self.defaulted,
            "skipped": self.skipped,
            "unreadable": self.unreadable,
            "expired": self.expired,
        }
