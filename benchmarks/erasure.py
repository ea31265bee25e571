"""An erasure of one event in a thousand, against reading the loop's log once."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from benchmarks import command, parts, traffic
from benchmarks.figures import Figure, at_most
from shared import scratch
from shared.hubs import events
from shared.hubs.events import key_of
from shared.joined_log import event_index, part_reading
from shared.joined_log.joined_lines import join_line
from shared.joined_log.log_file import LogFile, log_name
from shared.joined_log.part_reading import EVERY_IMPORT
from shared.loops import commits, erasures
from shared.loops.blob_names import DEFAULT_HOME, Home
from shared.loops.checkpoint import Summarised
from shared.loops.erasures import Erasure, Wanted
from shared.loops.summary import DAY_MS
from shared.serving.service import Service
from shared.storage import Storage
from shared.training.erasure import ErasureWork
from shared.training.summaries_anew import Making
from shared.training.trainee import Trainee

# Runs of a minute at 100 decisions a second.
RUN_EVENTS, RUN_MS = 6_000, 60_000
ONE_IN = 1_000
PERSON = "person-6fd3a1"


def lines(count: int) -> Iterator[tuple[str, bytes]]:
    """Ids and lines of rewarded decisions of ten actions; every so many, one by the person who will be erased."""
    made = [events.decode_interaction(traffic.interaction(number)[1]) for number in range(500)]
    start, config = _start(count), parts.EARLIER
    for number in range(count):
        user = PERSON if number % ONE_IN == ONE_IN // 2 else f"user-{number % 9_973}"
        event_id, event = f"event-{number:08d}", made[number % len(made)]
        context = bytes(event.c).replace(b'{"FromUrl":[', b'{"FromUrl":[{"user":{"id":"%s"}},' % user.encode(), 1)
        event = msgspec.structs.replace(event, id=event_id, c=msgspec.Raw(context))
        reward = events.decode_observation(traffic.reward(event_id, number % 3 / 2))
        yield event_id, join_line(event, start + number * RUN_MS // RUN_EVENTS, [reward], config).line


def _start(count: int) -> int:
    """Of the first run (ms since 1970): the last one was yesterday."""
    end = round(time.time() * 1000) - DAY_MS
    return end - end % RUN_MS - (count // RUN_EVENTS + 1) * RUN_MS


async def fill(storage: Storage, count: int, home: Home = DEFAULT_HOME) -> None:
    """Stores the log, the indexes and the summaries of runs that were committed."""
    made, cut = lines(count), _start(count)
    with scratch.folder() as folder:
        for _ in range(0, count, RUN_EVENTS):
            cut += RUN_MS
            log, late = LogFile(Path(folder, "joined")), LogFile(Path(folder, "late"))
            log.write((key_of(event_id), line) for event_id, line in islice(made, RUN_EVENTS))
            log.close()
            late.close()
            await event_index.publish(storage, home, cut, log.entries, late.entries, Path(folder))
            await storage.create(log_name(home, cut, "joined"), Path(folder, "joined"))
            await event_index.merge(storage, home)
    known = await commits.load(storage, home)
    state = msgspec.structs.replace(known.checkpoint, cut=cut, summarised=Summarised(0))
    await commits.save(storage, home, known, state)
    await Making(storage, home, 0.0, lambda text: None).all()


async def read(storage: Storage) -> tuple[float, int]:
    """Seconds of reading the log once, line by line; how many lines it has."""
    begun, count = time.perf_counter(), 0
    async for _, some in part_reading.lines(storage, DEFAULT_HOME, part_reading.Wanted("", "~", EVERY_IMPORT)):
        count += len(some.splitlines(keepends=True))
    return time.perf_counter() - begun, count


async def erase(service: Service, name: str, wanted: Sequence[Wanted]) -> tuple[float, int]:
    """Seconds of an erasure without learning anew, and how many lines it has erased."""
    asked = Erasure(name, list(wanted), events.now(), erasures.selected(list(wanted)))
    await erasures.create(service.storage, DEFAULT_HOME, asked)
    trainee = Trainee("default", "", parts.EARLIER)
    work = ErasureWork(service.settings, service.storage, trainee, parts.EARLIER, erasures.digest(name))
    begun = time.perf_counter()
    await work.step()
    seconds = time.perf_counter() - begun
    found = await erasures.read(service.storage, DEFAULT_HOME, erasures.digest(name))
    if found is None or found.erasure.state != "done" or found.erasure.found is None:
        raise RuntimeError(f"the erasure {name} was not done")
    return seconds, found.erasure.found.joined


async def measure(environment: dict[str, str], count: int) -> list[Figure]:
    service, figures = Service(parts.settings(environment)), list[Figure]()
    await fill(service.storage, count)
    person = [Wanted(feature="user.id", value=PERSON)]
    ids = [Wanted(event_id=f"event-{number:08d}") for number in range(0, count, ONE_IN)]
    for name, wanted in (("of one person", person), ("by their ids", ids)):
        before, lines = await read(service.storage)
        seconds, erased = await erase(service, name, wanted)
        after, left = await read(service.storage)
        if (erased, left) != (count // ONE_IN, lines - erased):
            raise RuntimeError(f"{erased:,} lines were erased, and {left:,} are left of {lines:,}")
        title = f"erasure of {erased:,} events {name} of {lines:,} / reading the log once"
        figures.append(at_most(title, seconds, (before + after) / 2, 3, "s"))
    await service.close()
    return figures


def run(quick: bool = False) -> list[Figure]:
    with parts.servers() as environment:
        return asyncio.run(measure(environment, 100_000 if quick else 1_000_000))


if __name__ == "__main__":
    command.main("erasure", __doc__, run)
