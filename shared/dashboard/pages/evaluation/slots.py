"""What each policy would have earned in each slot, of decisions about several."""

from itertools import groupby

from shared.dashboard import drawings, figures, parts
from shared.dashboard.markup import Html, b, h3, join, p
from shared.dashboard.pages.evaluation.data import with_online
from shared.dashboard.parts import Cell, Column
from shared.evaluation.estimate import Estimate
from shared.evaluation.part import ONLINE
from shared.evaluation.result import Result


def shown(result: Result) -> Html | None:
    """A table for each slot; None for decisions about one."""
    if not result.slots:
        return None
    by_slot = groupby(sorted(result.slots, key=_slot_of), _slot_of)
    tables = [join(h3(f"Slot {slot}"), _table(slot, list(group))) for slot, group in by_slot]
    return parts.card(tables, _whole(result), name="By slot", more="policies")


def _slot_of(one: Estimate) -> str:
    return one.slot or ""


def _table(slot: str, rows: list[Estimate]) -> Html:
    columns = [
        Column("policy", sort=True),
        Column("average reward, 95 % interval"),
        Column("mean", numeric=True, sort=True),
        Column("interval", numeric=True),
        Column("difference", numeric=True, sort=True),
        Column("events", numeric=True, sort=True),
    ]
    reach = drawings.reach_of([end for one in rows for end in (one.lower, one.upper)])
    online = next((one.value for one in rows if one.name == ONLINE), rows[0].value)
    return parts.grid(columns, [_row(one, reach, online) for one in _best_first(rows)], f"Policies in slot {slot}")


def _best_first(rows: list[Estimate]) -> list[Estimate]:
    return sorted(rows, key=lambda one: -one.value)


def _row(one: Estimate, reach: tuple[float, float], online: float) -> list[Html | Cell | str]:
    compared = with_online(one)
    difference = None if compared is None else compared.difference
    return [
        b(one.name),
        drawings.interval(one.value, one.lower, one.upper, reach, online, doubtful=bool(one.unreliable)),
        Cell(figures.reward(one.value), one.value),
        f"{figures.reward(one.lower)} to {figures.reward(one.upper)}",
        Cell("" if difference is None else figures.signed(difference), difference),
        Cell(figures.count(one.decisions), one.decisions),
    ]


def _whole(result: Result) -> Html:
    """What the table of policies says of slots, and what the second estimate is of them."""
    about = "The policies above are judged by what a slot earns on average, and these in each slot by itself."
    beside = [
        f"{one.name} {figures.reward(one.additive.value)}"
        f" ({figures.reward(one.additive.lower)} to {figures.reward(one.additive.upper)})"
        for one in result.policies
        if one.additive is not None
    ]
    if not beside:
        return parts.hint(about)
    alone = f"If what a slot earns did not depend on its neighbours, it would be: {', '.join(beside)}."
    return join(parts.hint(about), p(alone, cls="muted small"))
