"""Having a process of its own work one unit, and waiting for it."""

import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec

from shared.evaluation.unit_process import Order
from shared.vw import confinement

# After so long a unit does not come to an end.
LONGEST_UNIT_SECONDS = 150.0
NICENESS = 10


class Ended(NamedTuple):
    """How the process has ended: its exit status, negative if it was killed, and the last line that it said."""

    status: int
    said: str


def _lower(pid: int) -> None:
    """Lets everything else go first, where the system can: what answers requests is on the same cores.

    A process that is scheduled as idle would give way at once, and stand still beside cores that are busy for good.
    """
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, pid, NICENESS)


async def run(order: Order, patience: float = LONGEST_UNIT_SECONDS) -> Ended:
    """Has the order carried out. Whoever waits no longer, and a process that takes too long, ends it. patience: s."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "shared.evaluation.unit_process"),
        env=confinement.environment(),
        cwd=Path(__file__).parents[2],
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _lower(process.pid)  # from here, because its own start is a large part of a short unit
    assert process.stdin is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(patience):
            process.stdin.write(msgspec.json.encode(order) + b"\n")
            await process.stdin.drain()
            errors = await process.stderr.read()
            status = await process.wait()
    except (TimeoutError, ConnectionError):
        return Ended(-1, "it was ended, or took too long")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Ended(status, errors.decode(errors="replace").strip().rpartition("\n")[2])
