"""The join of one loop: which observations belong to which interaction, and when that is final.

A pure state machine over enqueued times in milliseconds. An interaction ranked at `r` closes at the cut that passes
`r`, and its window is `-EARLY < observed - r <= wait`. Callers feed a run in this order: every observation up to
some instant (`observe`), every interaction up to the cut in order of time (`close`), then `settle(cut)`. How the
stream is divided into runs makes no difference to what is matched, late, orphaned or a duplicate.
"""

from collections import deque
from collections.abc import Iterator
from typing import Literal, NamedTuple

from shared.hubs.events import Observation, decode_observation, key_of
from shared.joined_log.windows import Windows

# A reward may overtake its rank by this much: producers retry, and the hubs are two.
EARLY_MS = 120_000
# How long after the end of its window an event is remembered, to tell a late reward from an orphan.
MEMORY_MS = 600_000

Fate = Literal["late", "orphan"]
# An observation of an interaction that is closed, behind its enqueued time in ms.
Match = tuple[int, Observation]


class Pending:
    """An observation whose fate is open, kept small: there may be very many. `at`: enqueued time in ms."""

    __slots__ = ("at", "call", "gone", "key", "late", "line", "sequence", "taken")

    def __init__(self, key: int, call: int, at: int, sequence: int, line: bytes) -> None:
        self.key, self.call, self.at, self.sequence, self.line = key, call, at, sequence, line
        self.taken = self.late = self.gone = False


class Settled(NamedTuple):
    """An observation that will never be matched. key: of its event's id."""

    fate: Fate
    key: int
    at: int
    line: bytes


class _Partition(NamedTuple):
    """Open observations in order of time: not yet passed by the cut, and passed but perhaps early for their rank."""

    fresh: deque[Pending]
    waiting: deque[Pending]


class Joiner:
    """The open observations and the remembered interactions of one loop.

    windows: those of the interactions that are closed and remembered, which must outlive the process. Memory grows
    with open observations and remembered interactions, never with the bodies of interactions.
    """

    def __init__(self, cut: int = 0, windows: Windows | None = None) -> None:
        self.cut = cut
        self.windows = windows if windows is not None else Windows(horizon(cut))
        self._open: dict[int, list[Pending]] = {}
        self._calls: set[int] = set()
        self._partitions: dict[int, _Partition] = {}

    def observe(self, at: int, position: tuple[int, int], event: Observation, line: bytes) -> bool:
        """Takes in an observation and its encoded form; False if it repeats one that is still open.

        at: enqueued time in ms; position: partition and sequence number.
        """
        call = key_of(f"{event.nonce} {event.id}")
        if call in self._calls:
            return False
        partition, sequence = position
        pending = Pending(key_of(event.id), call, at, sequence, line)
        self._calls.add(call)
        self._open.setdefault(pending.key, []).append(pending)
        self._partitions.setdefault(partition, _Partition(deque(), deque())).fresh.append(pending)
        return True

    def recall(self, at: int, position: tuple[int, int], event: Observation, line: bytes) -> None:
        """Takes in an observation that an earlier run had read: as taken or settled, if that run decided so.

        It did if the observation's event was closed and its window reached as far; of those that the cut has passed
        too if they were late. When the window began makes no difference, for who is recalled is at most EARLY older
        than the cut. So a rewardWaitTime that was changed meanwhile makes none either.
        """
        if not self.observe(at, position, event, line):
            return
        pending = self._partitions[position[0]].fresh[-1]
        end = self.windows.get(pending.key)
        if end is not None and at <= (end if at > self.cut else end + MEMORY_MS):
            pending.taken = True

    def close(self, key: int, at: int, wait: int, made: int | None = None) -> list[Match] | None:
        """The observations of an interaction in order of arrival; None if it repeats one within its window.

        key: of its id. made: when its sender made it, in ms. One that was stored unacknowledged is stored again when
        the hub is back, which may be long after its window; it counts as the repetition it is for as long as the first
        is remembered.
        """
        candidates = [pending for pending in self._open.get(key, ()) if not (pending.taken or pending.gone)]
        previous = self.windows.get(key)
        if previous is not None:
            if at <= previous or (made is not None and made <= previous):
                return None
            for pending in candidates:
                pending.late |= pending.at < at and _late(pending.at, previous, wait)
        self.windows.put(key, at + wait)
        matched = [one for one in candidates if not one.late and is_in_window(one.at, at + wait, wait)]
        for pending in matched:
            pending.taken = True
        in_order = sorted(matched, key=lambda one: (one.at, one.sequence))
        return [(one.at, decode_observation(one.line)) for one in in_order]

    def settle(self, cut: int, wait: int) -> Iterator[Settled]:
        """Moves to a new cut: every interaction up to it has been closed. Yields what can no longer be matched."""
        for partition in self._partitions.values():
            yield from self._settle(partition, cut, wait)
        self.cut = cut
        self.windows.forget(horizon(cut))

    def _settle(self, partition: "_Partition", cut: int, wait: int) -> Iterator[Settled]:
        fresh, waiting = partition
        while fresh and fresh[0].at <= cut:
            pending = fresh.popleft()
            end = self.windows.get(pending.key)
            if pending.taken:
                self._forget(pending)
            elif pending.late or (end is not None and _late(pending.at, end, wait)):
                self._forget(pending)
                yield Settled("late", pending.key, pending.at, pending.line)
            else:
                waiting.append(pending)
        while waiting and waiting[0].at <= cut - EARLY_MS:
            pending = waiting.popleft()
            self._forget(pending)
            if not pending.taken:
                yield Settled("orphan", pending.key, pending.at, pending.line)

    def unsettled(self, partition: int) -> int | None:
        """The sequence number of the first observation of a partition whose fate is open, None if there is none."""
        first = next((queue[0] for queue in reversed(self._partitions.get(partition, ())) if queue), None)
        return first.sequence if first else None

    @property
    def idle(self) -> bool:
        """True if no observation is open."""
        return not self._open

    def _forget(self, pending: Pending) -> None:
        """Marks it, and drops what is marked once the last of its event goes: there may be thousands of one event."""
        pending.gone = True
        self._calls.discard(pending.call)
        others = self._open[pending.key]
        if others[-1] is pending:
            others = [other for other in others if not other.gone]
            if others:
                self._open[pending.key] = others
            else:
                del self._open[pending.key]


def is_in_window(at: int, end: int, wait: int) -> bool:
    """True for an observation enqueued at `at` if its event's window of `wait` ends at `end`; all in ms."""
    return end - wait - EARLY_MS < at <= end


def _late(at: int, end: int, wait: int) -> bool:
    """True from the start of the window until MEMORY_MS after its end."""
    return end - wait - EARLY_MS < at <= end + MEMORY_MS


def horizon(cut: int) -> int:
    """Windows that end before it are forgotten once a cut is reached; both in ms."""
    return max(0, cut - MEMORY_MS - EARLY_MS)
