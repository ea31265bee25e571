"""A process that works one unit of a job: `python -m shared.evaluation.unit_process`.

It reads its order, a line of JSON, from standard input, and leaves the encoded part in `part.json` of the order's
folder beside the state. It ends when standard input does: when the process that ordered is gone. Its exit status:
UNWORKABLE if the policy cannot be judged, with the reason on standard error.
"""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from shared.evaluation import part, work
from shared.evaluation.part import Unit
from shared.evaluation.plan import Plan
from shared.evaluation.replay import Unworkable
from shared.vw.zygote import Zygote

UNWORKABLE = 3
PART = "part.json"


class Order(msgspec.Struct):
    """files: the lines of the stretch, in order. folder: for part and state; previous: that of the stretch before.

    action: as of `work`.
    """

    plan: Plan
    unit: Unit
    files: list[str]
    folder: str
    previous: str | None = None
    action: str | None = None


async def carry_out(order: Order) -> None:
    """Works a unit; raises Unworkable."""
    folder = Path(order.folder)
    previous = Path(order.previous) if order.previous is not None else None
    async with Zygote() as zygote:
        lines = _lines(order.files)
        found = await work.work(order.plan, order.unit, lines, folder, zygote, previous, action=order.action)
    (folder / PART).write_bytes(part.encode(found))


async def _lines(files: list[str]) -> AsyncIterator[bytes]:
    for file in files:
        async for chunk in work.of_file(Path(file)):
            yield chunk


def _end_with_the_input() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def main() -> int:
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    threading.Thread(target=_end_with_the_input, daemon=True).start()
    try:
        asyncio.run(carry_out(order))
    except Unworkable as reason:
        print(reason, file=sys.stderr)
        return UNWORKABLE
    return 0


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # a thread waits for the input
