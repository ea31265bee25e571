"""One unit of work: a policy over a stretch of the log, in a process of its own or among others.

The same unit, lines and previous state give the same part, bit for bit.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from shared.evaluation.part import Part, Unit
from shared.evaluation.plan import Plan
from shared.evaluation.replay import Replay
from shared.evaluation.slots.slot_log import SlotLog
from shared.evaluation.told import Shown, Tell
from shared.evaluation.without_model import Log
from shared.vw.zygote import Zygote

CHUNK_BYTES = 256 << 10


class EventLine(msgspec.Struct, omit_defaults=True):
    """One event as a policy is judged by it, for a reader; of several slots one. p: of the logged action, by the
    log and by the policy."""

    policy: str
    event_id: str
    at: str
    action: int
    p_log: float
    p_eval: float
    reward: float
    slot: str | None = None


class Told:
    """Writes a line of JSON for each event."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("wb")

    def __call__(self, policy: str, shown: Shown, p_eval: float) -> None:
        line = EventLine(policy, shown.event_id, shown.at, shown.action, shown.p, p_eval, shown.reward, shown.slot)
        self._file.write(msgspec.json.encode(line) + b"\n")

    def close(self) -> None:
        self._file.close()


async def work(
    plan: Plan,
    unit: Unit,
    lines: AsyncIterator[bytes],
    folder: Path,
    zygote: Zygote,
    previous: Path | None = None,
    events: Path | None = None,
    action: str | None = None,
) -> Part:
    """The part of a unit; raises replay.Unworkable if the policy cannot be judged on this log.

    lines: of the stretch, in order, in chunks of whole lines. folder: empty; a learning policy leaves
    `learning_state.files` in it, and `previous` is the folder of those of its stretch before. events: a file that gets
    a line for each event. action: for a held-out unit of the log, what `units.single_action` says.
    """
    tell: Tell | None = None
    told = Told(events) if events is not None else None
    if told is not None:
        tell = told
    try:
        if unit.policy:
            return await Replay(plan, unit, previous, tell).run(lines, folder, zygote)
        tallies = unit.stretch < plan.held_out
        judge: Log | SlotLog = Log(
            unit,
            plan.default_reward,
            tallies=tallies,
            action=action,
            minutes=plan.series_minutes if plan.keeps_series else 0,
            tell=tell,
        )
        if plan.is_multi_slot:
            judge = SlotLog(plan, unit, tell)
        async for chunk in lines:
            for line in chunk.splitlines():
                judge.add(line)
        return judge.part()
    finally:
        if told is not None:
            told.close()


async def of_file(file: Path) -> AsyncIterator[bytes]:
    """The lines of a file in chunks of whole lines."""
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK_BYTES):
            yield chunk + opened.readline()
