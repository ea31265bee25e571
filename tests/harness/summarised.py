"""A loop whose runs are fed by hand, and what its summaries have to say of them, counted from what was sent."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness.learning import PLAIN, decide, interaction
from shared.hubs import events
from shared.hubs.events import Interaction, Observation
from shared.hubs.reader import Message
from shared.hubs.reader_pairs import Heads
from shared.loops import commits, summary_names
from shared.loops.blob_names import Home
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig, Policy
from shared.loops.exact_sum import UNITS
from shared.loops.summary import HOUR_MS, Summary
from shared.storage import Storage
from shared.training import planning, summary_merging
from shared.training.run import Run
from shared.training.trainee import Trainee
from shared.vw.learners import Learners

# Its policy is multi-slot, so that decisions of one slot are shown and joined, and no learner is needed.
CONFIG = LoopConfig(
    wait=10.0, default_reward=0.25, retention_days=-1, policy=Policy("slots", "--ccb_explore_adf --epsilon 0.1")
)
DECISIONS, OBSERVATIONS = 4, 4


class Sent(NamedTuple):
    """A decision, when it was ranked (ms) and what it earned."""

    at: int
    event: Interaction
    reward: float


class SummarisedLoop:
    """A trainer's process. Run `number` is cut at `cut(number)`; each has four decisions shortly before, two of them
    rewarded and one of a client that drops half of its events, a skipped one, a repeated rank and an orphan."""

    def __init__(
        self, storage: Storage, loop: str, folder: Path, learners: Learners, first: int, step: int,
        config: LoopConfig = CONFIG,
    ) -> None:  # fmt: skip
        self.storage, self.home, self._learners, self._config = storage, Home(loop), learners, config
        self._loop, self._folder, self._first, self._step = loop, Path(tempfile.mkdtemp(dir=folder)), first, step

        self.trainee = Trainee(loop, "", config)
        summary_merging._known.pop(self.home, None)

    def cut(self, number: int) -> int:
        return self._first + number * self._step

    def sent(self, number: int) -> list[Sent]:
        """The decisions of a run that are shown, in order."""
        chance, made = random.Random(number), []
        for place in range(DECISIONS):
            event = interaction(decide(PLAIN[0] | {"eventId": f"e{number}-{place}"}))
            p = [chance.random() for _ in event.p]
            a = chance.sample(event.a, len(event.a))
            event = msgspec.structs.replace(
                event, loop=self._loop, model="m", a=a, p=[one / sum(p) for one in p], drop=0.5 if place == 3 else None
            )
            at = self.cut(number) - 400_000 + 100_000 * place
            made.append(Sent(at, event, chance.random() if place < 2 else self._config.default_reward))
        return made

    async def state(self) -> Checkpoint:
        return (await commits.load(self.storage, self.home)).checkpoint

    async def train(self, number: int) -> None:
        """The run of this number, unless it has been committed."""
        self.trainee.keep(await commits.load(self.storage, self.home))
        self.trainee.joiner = None
        if self.trainee.checkpoint.cut >= self.cut(number):
            return
        last = [(number + 1) * (DECISIONS + 2) - 1], [(number + 1) * OBSERVATIONS - 1]
        before = planning.realigned(self.trainee.checkpoint, *last)
        plan = before.plan or planning.plan(self.cut(number), Heads(0.0, *last), self._config)
        run = Run(self.storage, self.trainee, before, plan, self._folder / f"{number}-{id(plan)}", self._learners)
        await run.begin()
        try:
            self._feed(run, number)
            await run.flush()
            await run.end(last[0])
        finally:
            await run.close()

    def _feed(self, run: Run, number: int) -> None:
        sent, cut = self.sent(number), self.cut(number)
        rewards = [(one.at + 1, one.event.id, one.reward) for one in sent[:2]]
        given = [(cut - 700_000, f"nobody-{number}", 1.0), rewards[0], rewards[0], rewards[1]]
        for place, (at, event_id, value) in enumerate(given):
            made = Observation(1, self._loop, event_id, "", "reward", event_id, value)
            sequence = number * OBSERVATIONS + place
            run.observe(Message(at, 0, sequence, b""), made, events.encode(made))
        skipped = msgspec.structs.replace(sent[0].event, id=f"skipped-{number}", deferred=True)
        others = [Sent(cut, skipped, 0), Sent(sent[0].at, sent[0].event, 0)]
        for place, one in enumerate([*sent, *others]):
            message = Message(one.at, 0, number * (DECISIONS + 2) + place, b"")
            run.close_interaction(message, one.event, events.encode(one.event))

    async def sweep(self) -> None:
        await summary_merging.sweep(self.storage, self.home, self._config.retention_days)

    async def live(self, first: int, last: int) -> None:
        """Runs, each with what is done behind it."""
        for number in range(first, last):
            await self.train(number)
            await self.sweep()

    async def blobs(self) -> dict[str, bytes]:
        """The stored summaries, without the loop's folder."""
        names = await self.storage.names(summary_names.prefix(self.home))
        found = [await self.storage.read(name) for name in names]
        prefix = len(summary_names.prefix(self.home))
        return {name[prefix:]: blob.data for name, blob in zip(names, found, strict=True) if blob is not None}

    def contradictions(self, made: Summary, runs: range) -> list[str]:
        """What a summary says otherwise than the decisions of these runs, and no others, would have it."""
        sent = [one for number in runs for one in self.sent(number)]
        counts = [1 / (1 - (one.event.drop or 0)) for one in sent]
        online, baseline, uniform = (made.total(policy) for policy in ("online", "baseline", "random"))
        usual = [one.event.a[0] == 1 for one in sent]
        pairs = list(zip(sent, counts, strict=True))
        drawn = [count / (len(one.event.p) * one.event.p[0]) for one, count in pairs]
        shown = [count / one.event.p[0] if is_usual else 0 for (one, count), is_usual in zip(pairs, usual, strict=True)]
        values = {
            "n": (online.n, counts),
            "rewards": (online.wr, [count * one.reward for one, count in pairs]),
            "baseline": (baseline.w, shown),
            "baseline's rewards": (baseline.wr, [w * one.reward for w, one in zip(shown, sent, strict=True)]),
            "random": (uniform.w, drawn),
            "random's rewards": (uniform.wr, [w * one.reward for w, one in zip(drawn, sent, strict=True)]),
        }
        wrong = [
            name for name, (found, numbers) in values.items() if found.units != sum(map(Fraction, numbers)) * UNITS
        ]
        fates = Counter[str]()
        for hour in made.hours.values():
            fates.update(hour.fates)
        expected = {"shown": 4, "rewarded": 2, "matched": 2, "skipped": 1, "duplicate_ranks": 1, "orphans": 1}
        expected |= {"duplicate_observations": 1}
        expected = {name: count * len(runs) for name, count in expected.items()}
        wrong += [name for name, count in expected.items() if fates[name] != count]
        by_hour = Counter(one.at - one.at % HOUR_MS for one in sent)
        told = {at: sum(hour.slots[0].chosen.values()) for at, hour in made.hours.items() if hour.slots}
        return [*wrong, *(["hours"] if told != by_hour else [])]
