"""What clients were told, and whether the joined log agrees."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from harness.stored import Line


@dataclass
class Call:
    """One Rank or Reward with its repetitions. Times are seconds since 1970; `answered` is None without an answer."""

    began: float
    attempts: int = 1
    answered: float | None = None


@dataclass
class Entry:
    """One event as its client saw it. `action`: 1-based, `reward`: as sent, whatever was answered."""

    rank: Call
    action: int | None = None
    probability: float | None = None
    reward: float | None = None
    rewarded: Call | None = None


@dataclass
class Ledger:
    """Every event that a client ever sent, by its id; safe for threads."""

    entries: dict[str, Entry] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, event_id: str, entry: Entry) -> Entry:
        with self._lock:
            assert event_id not in self.entries
            self.entries[event_id] = entry
        return entry

    @property
    def acknowledged(self) -> int:
        """Ranks and rewards that were promised."""
        with self._lock:
            entries = list(self.entries.values())
        calls = [call for entry in entries for call in (entry.rank, entry.rewarded)]
        return sum(call is not None and call.answered is not None for call in calls)

    def contradictions(self, joined: Iterable[Line], wait: float, default: float = 0.0) -> list[str]:
        """Everything that the joined log should not say, or should say and does not. wait: rewardWaitTime in s."""
        lines = list(joined)
        by_id = {line.event_id: line for line in lines}
        found = [
            f"{name} is joined {count} times" for name, count in Counter(one[0] for one in lines).items() if count > 1
        ]
        found += [f"{name} was never ranked" for name in by_id.keys() - self.entries.keys()]
        for name, entry in self.entries.items():
            line = by_id.get(name)
            if line is not None:
                found += [f"{name} {complaint}" for complaint in _differences(entry, line, wait, default)]
            elif entry.rank.answered is not None:
                found.append(f"{name} was acknowledged and is not joined: {entry}")
        return found


def _differences(entry: Entry, line: Line, wait: float, default: float) -> Iterator[str]:
    # A repeated rank was perhaps logged the first time, with the answer of another model.
    told = (entry.action, entry.probability)
    if entry.rank.attempts == 1 and entry.rank.answered and told != (line.action, line.probability):
        yield f"was answered {told}, logged {line}"
    if line.reward not in _possible(entry, wait, default):
        yield f"has the reward {line.reward}, but its client says {entry}"


def _possible(entry: Entry, wait: float, default: float) -> set[float]:
    """The rewards an event may have been joined with, given when its client sent and heard what."""
    if entry.reward is None or entry.rewarded is None:
        return {default}
    if entry.rewarded.began - (entry.rank.answered or entry.rewarded.began) > wait:
        return {default}
    in_time = entry.rewarded.answered is not None and entry.rewarded.answered - entry.rank.began <= wait
    return {entry.reward} if in_time else {entry.reward, default}
