"""One tick of the trainer over many loops with few events each, against one loop with as many events in all."""

import asyncio
import time
from statistics import median

import msgspec

from benchmarks import command, parts, traffic
from benchmarks.figures import Figure, at_most
from shared.admin import loops
from shared.hubs import events
from shared.hubs.clients import Sender
from shared.hubs.event_log import EventLog
from shared.loops.blob_names import blob_name, home_of
from shared.loops.config import DEFAULT_LOOP
from shared.serving.service import Service
from shared.training.trainer import Trainer

WAIT = 1.0  # s, until rewards are complete
GOAL = 3.0


class Deployment:
    """Servers with loops of these names, and a trainer that has served them before."""

    def __init__(self, environment: dict[str, str], names: list[str], count: int) -> None:
        self._service = Service(parts.settings(environment))
        self._names, self._count, self._sent = names, count, 0
        self._trainer = Trainer(self._service)

    async def prepare(self) -> None:
        config = msgspec.structs.replace(parts.EARLIER, wait=WAIT, export=1.0).encoded()
        for name in self._names:
            if name != DEFAULT_LOOP:
                await loops.create(self._service, name)
            home = home_of(name, self._service.registry.created(name) or "")
            await self._service.storage.put(blob_name(home, "config.json"), config)
        await self.tick()

    async def tick(self) -> float:
        """Seconds of one tick that learns `count` new decisions, each rewarded, which are shared among the loops."""
        given = self._service.settings
        for hub, encoded in ((given.interactions_hub, self._ranks()), (given.observations_hub, self._rewards())):
            sender = Sender(given, hub)
            log = EventLog(sender.send, 30, 1 << 30)
            for start in range(0, self._count, 1_000):
                some = encoded[start : start + 1_000]
                await asyncio.gather(*(log.append(self._service.partition(name), event) for name, event in some))
            await sender.close()
        self._sent += self._count
        await asyncio.sleep(WAIT + given.clock_skew_seconds + 0.5)
        begun = time.perf_counter()
        await self._trainer.tick()
        seconds = time.perf_counter() - begun
        learned = [(await self._service.loop(name).read_checkpoint()).counts.learned for name in self._names]
        if sum(learned) != self._sent:
            raise RuntimeError(f"{sum(learned)} events were learned of {self._sent}")
        return seconds

    async def close(self) -> None:
        await self._trainer.close()
        await self._service.close()

    def _ranks(self) -> list[tuple[str, bytes]]:
        made = []
        for number in range(self._sent, self._sent + self._count):
            event_id, event = traffic.interaction(number)
            of_loop = msgspec.structs.replace(events.decode_interaction(event), loop=self._loop(number))
            made.append((event_id, events.encode(of_loop)))
        return made

    def _rewards(self) -> list[tuple[str, bytes]]:
        made = []
        for number in range(self._sent, self._sent + self._count):
            event_id = traffic.interaction(number)[0]
            observation = events.decode_observation(traffic.reward(event_id, number % 3 / 2))
            made.append((event_id, events.encode(msgspec.structs.replace(observation, loop=self._loop(number)))))
        return made

    def _loop(self, number: int) -> str:
        return self._names[number % len(self._names)]


async def _measure(one: dict[str, str], many: dict[str, str], count: int, loop_count: int, rounds: int) -> Figure:
    names = [f"loop-{number}" for number in range(loop_count)]
    single, several = Deployment(one, [DEFAULT_LOOP], count), Deployment(many, names, count)
    pairs: list[tuple[float, float]] = []
    for deployment in (single, several):
        await deployment.prepare()
    for _ in range(rounds):
        pairs.append((await several.tick(), await single.tick()))
    for deployment in (single, several):
        await deployment.close()
    ours, reference = (median(column) for column in zip(*pairs, strict=True))
    ratio = median(mine / other for mine, other in pairs)
    name = f"a tick of {loop_count} loops with {count // loop_count} events each, against one loop with {count:,}"
    figure = at_most(name, ours, reference, GOAL, "s", digits=2)
    return figure._replace(ratio=ratio, reached=ratio <= GOAL)


def measure(count: int, loop_count: int, rounds: int) -> Figure:
    with parts.servers() as one, parts.servers() as many:
        return asyncio.run(_measure(one, many, count, loop_count, rounds))


def run(quick: bool = False) -> list[Figure]:
    return [measure(*((500, 10, 1) if quick else (5_000, 100, 5)))]


if __name__ == "__main__":
    command.main("loops", __doc__, run)
