"""`GET /metrics`: what the store knows of loops, and so the same whichever process answers and however many there are.

A run counts when it is committed, and once, however often it was repeated.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from shared.loops import stored
from shared.loops.blob_names import Home, home_of
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import DEFAULT_LOOP
from shared.loops.registry import Registry
from shared.loops.stored import Damaged
from shared.loops.unreadable import LaterVersion, Unreadable
from shared.monitoring import blobs, heartbeat, loop_metrics, prometheus_text, refused
from shared.monitoring.alarms.catalogue import ALARMS
from shared.monitoring.alarms.history import History
from shared.monitoring.heartbeat import Heartbeat
from shared.monitoring.prometheus_text import Family, Sample
from shared.serving.loop import Serving
from shared.serving.service import Service
from shared.storage import Storage, StorageUnavailable

LOOKS = 16  # checkpoints read at once
LONGEST_SECONDS = 8.0  # Prometheus waits for ten by default


class State(NamedTuple):
    """What is known of a loop; `checkpoint` is None if the stored one is damaged or of a later version.

    alarms: how they stand.
    """

    loop: str
    checkpoint: Checkpoint | None
    alarms: History = History()


async def report(service: Service, loop: Serving | None = None) -> bytes:
    """The metrics of one loop, or of all of them, as text; raises StorageUnavailable."""
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            damaged = None if loop is not None else await _is_damaged(service.registry)
            homes = {loop.loop: loop.home} if loop is not None else _homes(service.registry)
            states = await _states(service.storage, homes)
            beat = await heartbeat.load(service.storage)
            counts = await refused.load(service.storage)
    except TimeoutError:
        raise StorageUnavailable("it did not answer in time") from None
    told = refused.families({name: counts[home] for name, home in homes.items() if home in counts})
    return prometheus_text.encode([*families(states, beat, time.time(), damaged), *told])


async def _is_damaged(registry: Registry) -> bool:
    """Reads the list of loops; if that cannot be read, or is gone, those that were known stay."""
    try:
        await registry.refresh()
    except Unreadable:
        return True
    return False


def _homes(registry: Registry) -> dict[str, Home]:
    made = {name: record.created for name, record in sorted(registry.loops.items())}
    return {name: home_of(name, created) for name, created in {DEFAULT_LOOP: "", **made}.items()}


async def _states(storage: Storage, homes: Mapping[str, Home]) -> list[State]:
    slots = asyncio.Semaphore(LOOKS)

    async def state(loop: str, home: Home) -> State:
        async with slots:
            try:
                alarms = (await blobs.alarms(storage, home)).value
            except LaterVersion:
                alarms = History()
            try:
                return State(loop, (await stored.read_checkpoint(storage, home)).value or Checkpoint(), alarms)
            except (Damaged, LaterVersion):
                return State(loop, None, alarms)

    return await asyncio.gather(*(state(*one) for one in homes.items()))


def families(states: Iterable[State], beat: Heartbeat, now: float, damaged: bool | None = None) -> list[Family]:
    """All metrics. now: s since 1970. damaged: whether the list of loops is; None if that is of no concern."""
    states = list(states)
    made = {family.name: family for family in _trainer(states, beat, now)}
    for loop, state, _ in states:
        for family in loop_metrics.families(loop, state, now) if state is not None else ():
            made.setdefault(family.name, family._replace(samples=[])).samples.extend(family.samples)
    help = "1: the list of loops cannot be read, and those are told of that this process knew."
    listed = Family("personalizer_loops_damaged", "gauge", help, [] if damaged is None else [Sample({}, damaged)])
    return [*made.values(), _alarms(states), listed]


def _alarms(states: Iterable[State]) -> Family:
    found = [(loop, alarm.name, history.standing(alarm).state) for loop, _, history in states for alarm in ALARMS]
    samples = [Sample({"loop": loop, "name": name, "state": state}, 1) for loop, name, state in found]
    return Family("personalizer_alarm", "gauge", "1: the alarm stands so.", samples)


def _trainer(states: Iterable[State], beat: Heartbeat, now: float) -> Iterator[Family]:
    ticked = [Sample({}, beat.ticked)] if beat.ticked else []
    took = [Sample({}, beat.duration)] if beat.ticked else []
    lags = [Sample({"loop": loop}, beat.lag(loop, now)) for loop, _, _ in states]
    damaged = [Sample({"loop": loop}, state is None) for loop, state, _ in states]
    yield Family(
        "personalizer_trainer_last_tick_timestamp_seconds", "gauge", "When the last tick began that ran to its end; "
        "stored once a minute.", ticked,
    )  # fmt: skip
    yield Family("personalizer_trainer_tick_duration_seconds", "gauge", "How long that tick took.", took)
    yield Family(
        "personalizer_trainer_lag_seconds", "gauge", "For how long interactions of the loop that are due to be closed "
        "may have waited; 0 if there are none. Grows from the last tick on if there is none for three minutes.", lags,
    )  # fmt: skip
    yield Family("personalizer_checkpoint_damaged", "gauge", "1: the loop's state cannot be read.", damaged)
