"""When a loop's next training run is due, which loops are served by one pass over the hubs, and how far it reaches."""

from collections.abc import Hashable, Sequence

import msgspec

from shared.hubs.reader import HubReader
from shared.hubs.reader_pairs import Heads
from shared.loops.blob_names import run_name
from shared.loops.checkpoint import LONGEST_RUN_MS, Checkpoint, Plan
from shared.loops.config import LoopConfig


def is_due(last: float, export: float, now: float) -> bool:
    """True when an interval of modelExportFrequency has begun since `last` (s since 1970).

    All intervals are counted from 1970, so that loops with the same one are due together and share a pass.
    """
    return now // export > last // export


def together(checkpoint: Checkpoint, config: LoopConfig, warm: bool) -> Hashable:
    """A key; loops with equal keys share one pass.

    None of them makes the others read again what they have read: they close up to the same instant, or would, and a
    backlog is worked off on its own. A loop whose open observations have to be read again (not `warm`) shares no pass
    with one that still has them in memory, and a plan that an earlier pass left is executed by itself.
    """
    plan = checkpoint.plan
    if plan is not None:
        return plan.cut, tuple(plan.interactions), tuple(plan.observations), plan.config.wait, plan.config.export
    return config.wait, config.export, warm, checkpoint.cut // LONGEST_RUN_MS


async def cut(loops: Sequence[Checkpoint], latest: int, heads: Heads, hub: HubReader, wanted: bool) -> int | None:
    """The instant up to which this pass closes interactions (ms), None if there is nothing to do.

    That is so if nothing is new, or only what is still open. loops: the states of those that the pass serves, with a
    position for each partition of the hubs. latest: the last instant that can be closed (ms). wanted: a loop among
    them has something to do in any case.
    """
    done = [min(positions) for positions in zip(*(loop.interactions for loop in loops), strict=True)]
    reached = min(loop.cut for loop in loops)
    new = done != heads.interactions
    if not new and not wanted and all(loop.observations == heads.observations for loop in loops):
        return None
    if not new:
        return latest
    first = await hub.first(done, heads.interactions)
    if first is not None and first > latest and not wanted and all(one.observed == heads.observations for one in loops):
        return None
    return min(latest, max(reached, first or 0) + LONGEST_RUN_MS)


def plan(cut: int, heads: Heads, config: LoopConfig) -> Plan:
    return Plan(run_name(cut), cut, heads.interactions, heads.observations, config)


def realigned(checkpoint: Checkpoint, interactions: list[int], observations: list[int]) -> Checkpoint:
    """The checkpoint with a position for each partition of the hubs with these heads.

    -1, the start, for a partition that is new, and for one whose head is behind what was read of it: a hub that was
    made anew counts from the start again, and else its first events would pass for read.
    """
    return msgspec.structs.replace(
        checkpoint,
        interactions=_positions(checkpoint.interactions, interactions),
        observations=_positions(checkpoint.observations, observations),
        observed=_positions(checkpoint.observed, observations),
    )


def _positions(stored: list[int], heads: list[int]) -> list[int]:
    padded = stored + [-1] * (len(heads) - len(stored))
    return [position if position <= head else -1 for position, head in zip(padded, heads, strict=True)]
