"""A learning policy's events of several slots, as they are judged one by one."""

from collections.abc import Sequence

from shared.evaluation import served
from shared.evaluation.logged import Use
from shared.evaluation.part import SEVERAL_SLOTS, Part, Unit
from shared.evaluation.plan import Plan
from shared.evaluation.served import BadPrediction, Outlook
from shared.evaluation.slots import slot_events, slot_log
from shared.evaluation.slots.slot_columns import SlotColumns, over
from shared.evaluation.slots.slot_course import SlotCourse
from shared.evaluation.slots.slot_events import Slot, SlotsEvent
from shared.evaluation.told import Tell


class SlotJudging:
    """Where they are added. VW that learns follows the log: it predicts a slot given what the log shows before it.

    plan: what is asked of them; policy: its name; tell: of each slot of each event, None if nobody asks.
    """

    def __init__(self, plan: Plan, policy: str, tell: Tell | None) -> None:
        self._policy, self._tell = policy, tell
        self._columns = SlotColumns(plan.slots, plan.default_reward)
        self._course = SlotCourse(plan.slots, plan.default_reward) if plan.keeps_series else None

    def read(self, line: bytes) -> tuple[SlotsEvent, Use]:
        """The event of a line, and what it may be used for."""
        return slot_events.read(line)

    def answers(self, event: SlotsEvent) -> int:
        """How many lines VW answers."""
        return len(event.slots)

    def judge(self, event: SlotsEvent, predictions: Sequence[bytes], _outlook: Outlook | None, _costs: object) -> None:
        """predictions: a line for each slot; raises BadPrediction."""
        ratios = [_ratios(slot, line) for slot, line in zip(event.slots, predictions, strict=True)]
        self._columns.add(event, ratios, slot_log.compared(event))
        if self._course is not None:
            self._course.add({self._policy: ratios}, event)
        if self._tell is not None:
            slot_log.tell_of(self._tell, self._policy, event, ratios)

    def part(self, unit: Unit) -> Part:
        """Of all events so far."""
        series = self._course.series() if self._course is not None else {}
        by_slot = self._course.slot_series() if self._course is not None else {}
        judged = {unit.policy: self._columns.judged()}
        return Part(unit, judged, series=series, slot_series=by_slot, v=SEVERAL_SLOTS)


def _ratios(slot: Slot, prediction: bytes) -> list[float]:
    pmf, shown = served.by_action(prediction), slot.actions[0]
    if next(iter(pmf)) != shown:
        raise BadPrediction(f"VW answered {prediction[:60].decode(errors='replace')!r} where {shown} was shown")
    return [over(pmf.get(action, 0.0), p) for action, p in slot.pairs()]
