"""What alarms are judged by: 24 closed hours (UTC) of a loop, the seven days before them, and 30 days in all."""

from functools import cached_property

from shared.loops.calibration import Calibration
from shared.loops.config import LearningMode, LoopConfig
from shared.loops.exploring import Exploring
from shared.loops.hour_sums import Shown
from shared.loops.policy_sums import ONLINE, PolicySums
from shared.loops.summary import DAY_MS, HOUR_MS, Summary
from shared.monitoring import lift
from shared.monitoring.feature_report import FeatureReport
from shared.monitoring.lift import Lift

LEAST_DECISIONS = 500
DAYS_BEFORE, DAYS = 7, 30


class Window:
    """At the end of one hour, `hour` (ms since 1970). Days and hours are those that end there.

    made: summaries of the 30 days, by stretches of an hour, with the features of the last nine. config: of the loop.
    exploring: how its policy explores. calibration: what was expected, if anything was; `expected` has it by day, the
    last one first.
    """

    def __init__(
        self, made: Summary, hour: int, config: LoopConfig, exploring: Exploring, calibration: Calibration | None = None
    ) -> None:
        self.hour, self.config, self.exploring, self._made = hour, config, exploring, made
        ends, known = [hour - day * DAY_MS for day in range(DAYS_BEFORE + 1)], calibration or Calibration()
        self.expected = [known.within(end - DAY_MS, end) for end in ends]
        start = hour - DAY_MS
        self.recent = made.within(start, hour)
        self.before = made.within(start - DAYS_BEFORE * DAY_MS, start)
        self.both = made.within(start - DAYS_BEFORE * DAY_MS, hour)
        self.month = made.within(hour - DAYS * DAY_MS, hour)

    @property
    def mode(self) -> LearningMode:
        """Of the loop."""
        return self.config.mode

    @cached_property
    def served(self) -> PolicySums:
        """What was shown in the last day, of several slots in the first."""
        return self.recent.served()

    @property
    def decisions(self) -> float:
        """Those of the last day."""
        return float(self.served.n)

    @cached_property
    def drawn(self) -> PolicySums:
        """Of the decisions of the last day, those that were made by probabilities."""
        return self.recent.total(ONLINE)

    @cached_property
    def shown(self) -> list[Shown]:
        """The hours of the last day, a slot each."""
        return slots(self.recent)

    @cached_property
    def lift(self) -> Lift | None:
        """Of the last day."""
        return lift.of(self.recent)

    @cached_property
    def long_lift(self) -> Lift | None:
        """Of all eight days."""
        return lift.of(self.both)

    @cached_property
    def features(self) -> FeatureReport | None:
        """None if nothing is known of features."""
        return FeatureReport(self._made, self.hour) if self._made.features else None

    @property
    def too_few(self) -> str | None:
        """Why the last day cannot be judged, None if it can."""
        return too_few(self.decisions)

    @property
    def does_not_draw(self) -> str | None:
        """Why there is no exploration to be judged, None if there is some."""
        if self.mode != "Online":
            return f"In the mode {self.mode} the loop shows the baseline and explores nothing."
        return too_few(float(self.drawn.n))


def too_few(decisions: float) -> str | None:
    """Why these are not judged, None if they are."""
    if decisions >= LEAST_DECISIONS:
        return None
    return f"There are {decisions:,.0f} decisions in the last 24 closed hours; {LEAST_DECISIONS} are needed."


def slots(made: Summary, only_first: bool = False) -> list[Shown]:
    """What was shown in each hour, by slot or of the first slot only."""
    hours = (hour.slots for hour in made.hours.values())
    return [shown for each in hours for slot, shown in each.items() if not (only_first and slot)]


def closed(instant: int) -> int:
    """The end of the last hour that is over at an instant (ms)."""
    return instant - instant % HOUR_MS
