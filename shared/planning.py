"""When a loop's next training run is due, and how far it reaches."""

import asyncio
import time

import msgspec

from shared.checkpoint import Checkpoint, Plan
from shared.loops import LoopConfig
from shared.reader import HubReader

# One run's stretch of time at most, so that a backlog is worked off in batches that fit the disk.
LONGEST_RUN_MS = 600_000


def is_due(checkpoint: Checkpoint, config: LoopConfig, checked: float) -> bool:
    """True when modelExportFrequency has passed since the last commit, and since the last look (s, monotonic)."""
    return (
        time.time() * 1000 - checkpoint.committed >= config.export * 1000
        and time.monotonic() - checked >= min(config.export, 60.0) * 0.9
    )


async def plan(
    checkpoint: Checkpoint,
    config: LoopConfig,
    interactions: HubReader,
    observations: HubReader,
    skew: float,
) -> Plan | None:
    """The next run, None if there is nothing to do: nothing new, or only what is still open.

    The clock is read before the heads: what was enqueued up to the cut plus the wait is below the heads, because
    `skew` seconds have passed since.
    """
    latest = int((time.time() - config.wait - skew) * 1000)
    ranked, observed = await asyncio.gather(interactions.heads(), observations.heads())
    checkpoint = realigned(checkpoint, ranked, observed)
    done = checkpoint.interactions
    new = done != ranked
    if not new and checkpoint.observations == observed:
        return None
    cut = max(checkpoint.cut, latest)
    if new:
        first = await interactions.first(done, ranked)
        if first is not None and first > cut and observed == checkpoint.observed:
            return None
        cut = min(cut, max(checkpoint.cut, first or 0) + LONGEST_RUN_MS)
    if cut <= checkpoint.cut:
        return None
    return Plan(run_name(cut), cut, ranked, observed, config)


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


def run_name(cut: int) -> str:
    """The name of a run and of what it publishes, in order of time: `20260131T235959123Z`."""
    seconds, milliseconds = divmod(cut, 1000)
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime(seconds)) + f"{milliseconds:03d}Z"
