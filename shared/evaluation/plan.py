"""What an evaluation is going to do: policies, stretches of the log, and units of work in an order that may be any.

Nothing here reads a log or a clock: the same plan and the same parts give the same next units, whoever asks.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import msgspec

from shared.evaluation.part import Part, Unit
from shared.evaluation.single_action import Tally
from shared.vw import policy
from shared.vw.schema import Schema

# Periods are rounded outward to these, and stretches are made of them.
FIVE_MINUTES_MS = 300_000
# A learner starts with each stretch, and a stretch is lost if its worker is killed.
STRETCH_EVENTS, MOST_STRETCHES = 20_000, 48
SINGLE = "Best single action"


class Candidate(msgspec.Struct, frozen=True):
    """A learning policy. exploration: explorationPercentage that it is served with, 0..1."""

    name: str
    arguments: str
    exploration: float

    @property
    def exploring(self) -> str:
        """The arguments as the service would use them."""
        return policy.parse(self.arguments).exploring(self.exploration)


class Stretch(msgspec.Struct, frozen=True):
    """Events from `since` to before `until` (ms since 1970)."""

    since: int
    until: int
    events: int

    @property
    def began(self) -> datetime:
        return datetime.fromtimestamp(self.since / 1000, UTC)


class Plan(msgspec.Struct, frozen=True):
    """An evaluation. schema: the crossings of policies that cross what the log has. held_out: the number of the first
    stretch that reports what those before it have chosen."""

    candidates: list[Candidate]
    stretches: list[Stretch]
    default_reward: float = 0.0
    schema: Schema = Schema()
    held_out: int = 0

    def candidate(self, name: str) -> Candidate:
        """KeyError if there is none of this name."""
        found = {one.name: one for one in self.candidates}
        return found[name]

    @property
    def units(self) -> int:
        """How many there will be."""
        every = len(self.stretches)
        return every * (1 + len(self.candidates)) + (every - self.held_out if self.held_out else 0)

    @property
    def work(self) -> int:
        """Events to be read, over all units."""
        return sum(one.events for one in self.stretches) * (1 + len(self.candidates)) + sum(
            one.events for one in self.stretches[self.held_out :] if self.held_out
        )


def ready(plan: Plan, done: Mapping[Unit, Part], failed: Collection[str] = ()) -> list[Unit]:
    """The units that can be worked on now, those first that others wait for. failed: policies that cannot be judged.

    A learning policy's stretch needs the one before; the best single action all that choose it.
    """
    found: list[Unit] = []
    for candidate in plan.candidates:
        units = (Unit(candidate.name, number) for number in range(len(plan.stretches)))
        following = next((unit for unit in units if unit not in done), None)
        if following is not None and candidate.name not in failed:
            found.append(following)
    found += [unit for number in range(len(plan.stretches)) if (unit := Unit("", number)) not in done]
    chosen = single_action(plan, done)
    if chosen is not None:
        later = range(plan.held_out, len(plan.stretches))
        found += [unit for number in later if (unit := Unit(SINGLE, number, chosen)) not in done]
    return found


def single_action(plan: Plan, done: Mapping[Unit, Part]) -> str | None:
    """The action that the part of the log before the held-out one has chosen; None until that is read."""
    parts = [done.get(Unit("", number)) for number in range(plan.held_out)]
    tally = Tally()
    for part in parts:
        if part is None or part.tally is None:
            return None
        tally.merge(part.tally)
    return tally.best() if parts else None


def stretches(counts: Mapping[int, int], span: int = FIVE_MINUTES_MS) -> list[Stretch]:
    """Whole spans of a log put together to stretches. counts: events by the start of their span (ms since 1970); span:
    its length, ms."""
    every = sum(counts.values())
    enough = max(min(STRETCH_EVENTS, every // 2), every // MOST_STRETCHES)
    found: list[Stretch] = []
    since, events = 0, 0
    for start in sorted(counts):
        since = since if events else start
        events += counts[start]
        if events >= enough:
            found.append(Stretch(since, start + span, events))
            events = 0
    if events and found and events < enough / 2:
        last = found.pop()
        since, events = last.since, last.events + events
    if events:
        found.append(Stretch(since, max(counts) + span, events))
    return found


def half(parts: list[Stretch]) -> int:
    """The number of the first stretch of the half that reports; 0 if there is but one stretch."""
    every, before = sum(one.events for one in parts), 0
    for number, stretch in enumerate(parts):
        if number and before + stretch.events / 2 >= every / 2:
            return number
        before += stretch.events
    return max(0, len(parts) - 1)
