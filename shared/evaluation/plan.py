"""What an evaluation is going to do: policies, and stretches of the log."""

from collections.abc import Mapping, Sequence

import msgspec

from shared.vw import policy
from shared.vw.context_features import Path
from shared.vw.schema import Schema

# Periods are rounded outward to these, and stretches are made of them.
FIVE_MINUTES_MS = 300_000
# A learner starts with each stretch, and a stretch is lost if its worker is killed.
STRETCH_EVENTS, MOST_STRETCHES = 20_000, 48
# With fewer events in the half that reports, every interval is nearly as wide as the range of rewards.
LEAST_RACED = 50
TOO_SHORT = (
    "The log of this period is too short to look for a better policy, which is chosen on one part of it and judged on "
    f"another: it must have at least {LEAST_RACED} events, and not all of them in the same second. Name a longer "
    "period, or wait."
)
# Of the candidates of a race, as many are reported on the held-out part.
FINALISTS = 3
# The shares of the log that a race has for each of its turns: the first decides on little, the last on much.
TURNS = 1 / 16, 1 / 16, 1 / 8, 1 / 4


class Candidate(msgspec.Struct, frozen=True):
    """A learning policy. exploration: explorationPercentage that it is served with, 0..1. without: features that it
    never sees, by their places. model: a file of VW's, for a policy that learns nothing and serves this model."""

    name: str
    arguments: str
    exploration: float
    without: list[Path] = []
    model: str = ""

    @property
    def exploring(self) -> str:
        """The arguments as the service would use them."""
        return policy.parse(self.arguments).exploring(self.exploration)


class Stretch(msgspec.Struct, frozen=True):
    """Events from `since` to before `until` (ms since 1970)."""

    since: int
    until: int
    events: int


class Plan(msgspec.Struct, frozen=True):
    """An evaluation. schema: the crossings of policies that cross what the log has. held_out: the number of the first
    stretch that reports what those before it have chosen.

    race: the names of candidates of which the stretches before the held-out one choose a few, by halves. measured:
    those that tell what features are worth, the first with all of them, which no report lists. looks_ahead: parts also
    tell how well a log that a candidate had served would show other policies. Parts of either kind keep weight and
    reward of every event, so that policies can be compared with each other. is_robust: candidates are also
    judged with a model of the rewards, which takes about twice as long. keeps_series: parts have the course over time,
    of a single slot by so many minutes.
    is_multi_slot: all policies decide about several slots; slots: the ids of those whose figures are told.
    """

    candidates: list[Candidate]
    stretches: list[Stretch]
    default_reward: float = 0.0
    schema: Schema = Schema()
    held_out: int = 0
    race: list[str] = []
    measured: list[str] = []
    looks_ahead: bool = False
    is_robust: bool = False
    keeps_series: bool = False
    series_minutes: int = 5
    is_multi_slot: bool = False
    slots: list[str] = []

    def candidate(self, name: str) -> Candidate:
        """KeyError if there is none of this name."""
        found = {one.name: one for one in self.candidates}
        return found[name]

    @property
    def work(self) -> int:
        """Events to be read, over all units."""
        events = [one.events for one in self.stretches]
        racing = sum(self.racing(number) * each for number, each in enumerate(events))
        return sum(events) * (1 + len(self.candidates) - len(self.race)) + racing

    def racing(self, stretch: int) -> int:
        """How many candidates of the race are worked in a stretch, if none fails."""
        left = len(self.race)
        for number in range(1, min(stretch, self.held_out) + 1):
            left = min(left, FINALISTS) if number == self.held_out else min(left, max(FINALISTS, -(-left // 2)))
        return left


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


def turns(counts: Mapping[int, int], span: int = FIVE_MINUTES_MS) -> tuple[list[Stretch], int]:
    """The stretches of a race, and the number of the first one that reports; 0 if the log is too short for one.

    counts, span: as of `stretches`.
    """
    every = sum(counts.values())
    if every < LEAST_RACED:
        return stretches(counts, span), 0
    sizes = [share * every for share in TURNS]
    rest = every - sum(sizes)
    pieces = max(1, min(MOST_STRETCHES // 2, round(rest / STRETCH_EVENTS)))
    found, before = _cut(counts, span, [*sizes, *[rest / pieces] * pieces]), 0
    for number, stretch in enumerate(found):
        if number and before >= sum(sizes) * 0.75:
            return found, number
        before += stretch.events
    return found, 0


def _cut(counts: Mapping[int, int], span: int, sizes: Sequence[float]) -> list[Stretch]:
    """Stretches of about these sizes; fewer where spans have more events."""
    found: list[Stretch] = []
    since, events, before = 0, 0, 0
    ends = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    for start in sorted(counts):
        since = since if events else start
        events += counts[start]
        if ends and before + events >= ends[0] - 0.5:
            found.append(Stretch(since, start + span, events))
            before, events = before + events, 0
            ends = [end for end in ends if end > before + 0.5]
    return found
