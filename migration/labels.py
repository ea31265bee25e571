"""What becomes of the labels of imported lines when the log is learned: see `shared.joined_log.joined_lines`."""

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from migration.decisions import ROUNDING
from shared.joined_log.aggregation import aggregate
from shared.loops.config import LoopConfig
from shared.vw import dsjson

KEPT = "label kept, for no outcome (o) gives it"
APPRENTICE = "of Apprentice mode: learned is whether the model agreed with the baseline, not the reward"
DIFFERENT = "label that the outcomes (o) and the loop's settings would give differently"


class _Observed(msgspec.Struct, rename=dsjson.OBSERVED, gc=False):
    v: Any = None
    taken: bool = False


class _Slot(msgspec.Struct, rename=dsjson.SLOT, gc=False):
    cost: float = 0.0
    original_cost: float | None = None
    o: list[_Observed] = []


class _Line(msgspec.Struct, rename=dsjson.LINE, gc=False):
    cost: float = 0.0
    original_cost: float | None = None
    action: int = 0
    mode: str | None = None
    o: list[_Observed] = []
    slots: list[_Slot] = []


_decode = msgspec.json.Decoder(_Line).decode


def notes(line: bytes, config: LoopConfig) -> list[str]:
    """What a reader of the report may miss about the label of a line, or the labels of its slots."""
    try:
        known = _decode(line)
    except msgspec.DecodeError:
        return []
    if _is_of_apprentice(known):
        return [APPRENTICE]
    found: list[str] = []
    each: Sequence[_Line | _Slot] = known.slots or [known]
    for one in each:
        rewards = [seen.v for seen in one.o if not seen.taken and isinstance(seen.v, int | float)]
        given = -aggregate(rewards, config.aggregation, config.default_reward)
        if not math.isclose(given, one.cost, abs_tol=ROUNDING):
            found += [DIFFERENT] if rewards else [KEPT, DIFFERENT]
    return list(dict.fromkeys(found))


def _is_of_apprentice(line: _Line) -> bool:
    if line.mode is not None:
        return line.mode == "Apprentice"
    if line.slots:
        taught = all(slot.cost in (0.0, -1.0) for slot in line.slots)
        return taught and any(slot.original_cost not in (None, slot.cost) for slot in line.slots)
    return line.original_cost is not None and dsjson.is_of_apprentice(line.cost, line.original_cost, line.action)
