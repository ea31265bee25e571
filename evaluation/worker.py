"""A process that works units. It has a process of its own that learners are forks of, for as long as it lives."""

import asyncio
import functools
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from shared.evaluation import part, work
from shared.evaluation.part import Unit
from shared.evaluation.plan import Plan
from shared.vw.zygote import Zygote


class Order(NamedTuple):
    """What is to be done. files: the lines of the stretch, in order; limit: bytes of them, None for all.

    folder: where the state of the policy goes, previous: that of the stretch before; events: the file that gets a
    line for each event. action: as of `shared.evaluation.work.work`.
    """

    plan: Plan
    unit: Unit
    files: list[Path]
    folder: Path
    previous: Path | None = None
    events: Path | None = None
    limit: int | None = None
    action: str | None = None


class Worked(NamedTuple):
    """The encoded part of a unit, and how long it took."""

    unit: Unit
    part: bytes
    seconds: float


class _Kept(threading.local):
    """What a worker keeps from unit to unit. A cluster's worker may be one of several threads."""

    def __init__(self) -> None:
        self.runner, self.zygote = asyncio.Runner(), Zygote()


@functools.cache
def _kept() -> _Kept:
    return _Kept()


def begin() -> None:
    """What a worker does first: Ctrl-C is for the process that gives the orders, with which the worker ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(parent: int) -> None:
    multiprocessing.connection.wait([parent])
    os._exit(1)


def carry_out(order: Order) -> Worked:
    """Works a unit in this process; raises what `shared.evaluation.work.work` raises."""
    kept, began = _kept(), time.monotonic()
    order.folder.mkdir(parents=True, exist_ok=True)
    made = work.work(
        order.plan, order.unit, _lines(order), order.folder, kept.zygote, order.previous, order.events, order.action
    )
    found = kept.runner.run(made)
    return Worked(order.unit, part.encode(found), time.monotonic() - began)


async def _lines(order: Order) -> AsyncIterator[bytes]:
    left = order.limit
    for file in order.files:
        async for chunk in work.of_file(file):
            kept = chunk
            if left is not None:
                if left <= 0:
                    return
                kept = chunk[: chunk.find(b"\n", min(left, len(chunk)) - 1) + 1] or chunk
                left -= len(kept)
            yield kept
