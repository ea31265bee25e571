"""Policies that need no model, over decisions about several slots: Online, Baseline1 and BaselineRand.

A slot's ratios are those of the actions that were left for it. Baseline1 shows in each slot its baseline action;
BaselineRand shows all that are left alike.
"""

from array import array
from collections import Counter

from shared.evaluation.columns import total
from shared.evaluation.logged import Use
from shared.evaluation.part import BASELINE, ONLINE, RANDOM, SEVERAL_SLOTS, Drawn, Part, Unit
from shared.evaluation.plan import Plan
from shared.evaluation.slots import slot_events
from shared.evaluation.slots.slot_columns import Earned, Ratios, SlotColumns, earned, over
from shared.evaluation.slots.slot_course import SlotCourse
from shared.evaluation.slots.slot_events import SlotsEvent
from shared.evaluation.told import Shown, Tell

# How the count of events is called whose baselines are not in the log.
NO_BASELINES = "NO_BASELINES"


def online(event: SlotsEvent) -> Ratios:
    """What was served."""
    return [[1.0] * len(slot.actions) for slot in event.slots]


def baseline(event: SlotsEvent) -> Ratios | None:
    """None where the line does not say what the baselines are."""
    if not event.has_baselines:
        return None
    pairs = zip(event.slots, event.baselines or (), strict=False)
    return [[over(float(action == usual), p) for action, p in slot.pairs()] for slot, usual in pairs]


def uniform(event: SlotsEvent) -> Ratios:
    """All actions that are left alike. Those that the log never takes have no weight."""
    return [[over(1 / len(slot.actions), p) for _, p in slot.pairs()] for slot in event.slots]


def compared(event: SlotsEvent) -> dict[str, Earned]:
    """What the policies earn in an event that others are compared with."""
    usual = baseline(event)
    found = {ONLINE: earned(event, online(event))}
    return found if usual is None else found | {BASELINE: earned(event, usual)}


def tell_of(tell: Tell, policy: str, event: SlotsEvent, ratios: Ratios) -> None:
    """Tells each slot of an event."""
    for place, (slot, one) in enumerate(zip(event.slots, ratios, strict=True)):
        p = slot.probabilities[0]
        shown = Shown(event.id, event.at, slot.actions[0] + 1, p, slot.reward, event.name(place))
        tell(policy, shown, one[0] * p)


class SlotLog:
    """Judges them. tell: of each slot of each event, None if nobody asks."""

    def __init__(self, plan: Plan, unit: Unit, tell: Tell | None = None) -> None:
        self._unit, self._tell = unit, tell
        self._columns = {name: SlotColumns(plan.slots, plan.default_reward) for name in (ONLINE, BASELINE, RANDOM)}
        self._course = SlotCourse(plan.slots, plan.default_reward) if plan.keeps_series else None
        self._uses: Counter[str] = Counter()
        self._likeliest = 0
        self._expected, self._measured = array("d"), array("d")

    def add(self, line: bytes) -> None:
        """A line of the log."""
        event, use = slot_events.read(line)
        self._uses[use.name] += 1
        if use is Use.BASELINE:
            self._add(event.certain(), {BASELINE: [[1.0] for _ in event.slots]}, {})
        elif use is Use.JUDGED:
            self._judge(event)

    def part(self) -> Part:
        """Of all lines so far."""
        expected, measured = self._expected, total(self._measured)
        drawn = Drawn(self._likeliest, total(expected), total([p * (1 - p) for p in expected]), measured, measured)
        judged = {name: columns.judged() for name, columns in self._columns.items()}
        series = self._course.series() if self._course is not None else {}
        by_slot = self._course.slot_series() if self._course is not None else {}
        return Part(self._unit, judged, dict(self._uses), drawn, None, series, by_slot, SEVERAL_SLOTS)

    def _judge(self, event: SlotsEvent) -> None:
        policies, usual = {ONLINE: online(event), RANDOM: uniform(event)}, baseline(event)
        if usual is None:
            self._uses[NO_BASELINES] += 1
        else:
            policies[BASELINE] = usual
        self._add(event, policies, {name: earned(event, ratios) for name, ratios in policies.items() if name != RANDOM})
        for slot in event.slots:
            p = slot.probabilities
            likeliest = max(p)
            favourite = min(one for one, each in zip(slot.actions, p, strict=True) if each == likeliest)
            self._likeliest += slot.actions[0] == favourite
            self._expected.append(min(likeliest, 1.0))
            self._measured.append(slot.reward)

    def _add(self, event: SlotsEvent, policies: dict[str, Ratios], others: dict[str, Earned]) -> None:
        for name, ratios in policies.items():
            self._columns[name].add(event, ratios, {other: one for other, one in others.items() if other != name})
            if self._tell is not None and others:
                tell_of(self._tell, name, event, ratios)
        if self._course is not None:
            self._course.add(policies, event)
