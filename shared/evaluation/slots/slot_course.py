"""What a policy earns by slot in each five minutes of event time."""

from collections.abc import Iterable, Mapping

from shared.evaluation.buckets import Series, bucket
from shared.evaluation.multi_slot.slot_sums import MOST_COURSES, SlotSeries
from shared.evaluation.slots.slot_columns import Ratios, SlotColumns
from shared.evaluation.slots.slot_events import SlotsEvent


class SlotCourse:
    """By five minutes and policy. slots: the ids of those that are told, of which the first ones have a course."""

    def __init__(self, slots: Iterable[str], default_reward: float) -> None:
        self._slots, self._default = list(slots)[:MOST_COURSES], default_reward
        self._columns: dict[str, dict[str, SlotColumns]] = {}

    def add(self, policies: Mapping[str, Ratios], event: SlotsEvent) -> None:
        """An event, with the ratios of policies. Without a time it is in no bucket."""
        try:
            columns = self._columns.setdefault(bucket(event.at), {})
        except ValueError:
            return
        for name, ratios in policies.items():
            if name not in columns:
                columns[name] = SlotColumns(self._slots, self._default)
            columns[name].add(event, ratios)

    def series(self) -> Series:
        """Of whole events."""
        return {
            start: {policy: one.whole() for policy, one in sorted(found.items())}
            for start, found in sorted(self._columns.items())
        }

    def slot_series(self) -> SlotSeries:
        """By slot."""
        return {
            start: {policy: one.slot_sums() for policy, one in sorted(found.items())}
            for start, found in sorted(self._columns.items())
        }
