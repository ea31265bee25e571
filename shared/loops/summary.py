"""What an hour of a loop's decisions earned, and what other policies would have earned: sums that merge exactly."""

from typing import Any

import msgspec

from shared.loops import unreadable
from shared.loops.exact_sum import ExactSum
from shared.loops.policy_sums import Choice, PolicySums, weights
from shared.vw.dsjson import Line

FIVE_MINUTES_MS = 300_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
FORMAT = 1


class Summary(msgspec.Struct, kw_only=True):
    """Sums by the start of a stretch of time (ms since 1970), the slot (from 0) and the policy.

    span: the length of the stretches, ms. skipped: decisions whose logged probability makes no weight. Not copied:
    whoever merges owns what is merged into.
    """

    v: int = FORMAT
    span: int = FIVE_MINUTES_MS
    skipped: int = 0
    stretches: dict[int, dict[int, dict[str, PolicySums]]] = {}

    def add(self, at: int, choice: Choice, slot: int = 0) -> None:
        """A decision that was shown, activated if that was asked for. at: when it was ranked, ms since 1970."""
        found = False
        for policy, possible in weights(choice):
            self._of(at, slot, policy).add(choice, possible)
            found = True
        self.skipped += not found

    def add_line(self, at: int, line: Line, default_reward: float) -> None:
        """A single-slot line of the log; one that was never activated counts nowhere."""
        choice = choice_of(line, default_reward)
        if choice is not None:
            self.add(at, choice)

    def merge(self, other: "Summary") -> None:
        """Adds the events of the other; ValueError if its stretches are longer."""
        if self.span % other.span:
            raise ValueError(f"stretches of {other.span} ms do not make up stretches of {self.span} ms")
        self.skipped += other.skipped
        for at, slots in other.stretches.items():
            for slot, policies in slots.items():
                for policy, sums in policies.items():
                    self._of(at, slot, policy).merge(sums)

    def rolled_up(self, span: int) -> "Summary":
        """The same events by longer stretches, which start at multiples of their length."""
        made = Summary(span=span)
        made.merge(self)
        return made

    def total(self, policy: str, slot: int = 0) -> PolicySums:
        """Of all stretches."""
        made = PolicySums()
        for slots in self.stretches.values():
            if policy in slots.get(slot, {}):
                made.merge(slots[slot][policy])
        return made

    def _of(self, at: int, slot: int, policy: str) -> PolicySums:
        stretch = self.stretches.setdefault(at - at % self.span, {})
        return stretch.setdefault(slot, {}).setdefault(policy, PolicySums())


def choice_of(line: Line, default_reward: float) -> Choice | None:
    """What a single-slot line says of a decision; None if it was never activated. The baseline is action 1.

    The reward is that before an apprentice's line was relabelled.
    """
    if line.skip and line.mode != "LoggingOnly":
        return None
    reward = 0.0 - line.original_cost
    served = line.mode in (None, "Online")
    baseline = line.a.index(1) if 1 in line.a else -1
    return Choice(reward, line.p, baseline, reward == default_reward, served, line.drop or 0.0)


def _plain(value: Any) -> str:
    if isinstance(value, ExactSum):
        return value.encode()
    raise NotImplementedError(f"{type(value).__name__} is not stored")


def _exact(kind: type, value: Any) -> ExactSum:
    return ExactSum.decode(value)


_encoder = msgspec.json.Encoder(enc_hook=_plain)
_decoder = msgspec.json.Decoder(Summary, dec_hook=_exact)


def encode(summary: Summary) -> bytes:
    """The same bytes for the same events, whatever their order."""
    ordered = {
        at: {slot: dict(sorted(policies.items())) for slot, policies in sorted(slots.items())}
        for at, slots in sorted(summary.stretches.items())
    }
    return _encoder.encode(msgspec.structs.replace(summary, stretches=ordered))


def decode(name: str, data: bytes) -> Summary:
    """What was encoded; LaterVersion if a later version has, DecodeError or ValidationError if it is damaged.

    name: the blob's, for the message.
    """
    unreadable.check(name, data, FORMAT)
    return _decoder.decode(data)
