"""How much worse than the best candidate is the one that the optimiser chooses: regret where every reward is known.

`python -m benchmarks.regret --first 0 --logs 2` measures logs of a uniform policy by their seeds, a few minutes each.
The first half of a log chooses. The regret is the true value of the best candidate over the second half less that of
the chosen one: of what each would have served, learning from here on, the mean expected reward.
"""

import argparse
import asyncio
import math
import random
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from itertools import repeat
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.figures import Figure, show, told
from evaluation import executors, optimise
from evaluation.compare import Question
from evaluation.runner import Runner
from shared.evaluation import grid, served, work
from shared.evaluation.halving import Race
from shared.evaluation.judging import Judging
from shared.evaluation.logged import Logged
from shared.evaluation.part import Unit
from shared.evaluation.plan import Candidate, Plan, Stretch
from shared.evaluation.replay import Replay
from shared.evaluation.served import Outlook
from shared.evaluation.spool import Period, Spool
from shared.joined_log.joined_lines import timestamp
from shared.loops.config import LoopConfig
from shared.vw import dsjson
from shared.vw.dsjson import Line, State
from shared.vw.schema import Schema
from shared.vw.zygote import Zygote

EVENTS, ACTIONS = 50_000, 10
START, STEP = 1_767_225_600_000, 10_000  # ms since 1970, and between events
# Candidates that good are hard to tell apart, and one of them is to be found in nine of ten logs.
CLOSE, MOST_REGRET, LEAST_GOOD = 0.03, 0.01, 0.9
_SIGNS, _VALUES = 12, 4
_TAGS = [f"a{one}" for one in range(ACTIONS)]


class World:
    """Contexts and what each action earns in them, by a seed.

    Even seeds: a context shows signs of one of ten classes, some of them wrong, and the action of its class earns 1.
    Odd ones: a visitor at some moment likes each action and each kind of actions with a chance of its own.
    """

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        self._has_classes = seed % 2 == 0
        draw = self._draw
        self._signs = [[draw.randrange(_VALUES) for _ in range(_SIGNS)] for _ in range(ACTIONS)]
        self._wrong = draw.uniform(0.3, 0.5)
        self._visitors = [[draw.gauss(0, 1.2) for _ in range(ACTIONS)] for _ in range(8)]
        self._moments = [[draw.gauss(0, 0.8) for _ in range(4)] for _ in range(5)]
        self._usual = draw.uniform(-2.5, -0.5)

    def visit(self) -> tuple[dict[str, Any], list[float]]:
        """A context, and the expected reward of every action."""
        draw = self._draw
        if self._has_classes:
            right = draw.randrange(ACTIONS)
            signs = [draw.randrange(_VALUES) if draw.random() < self._wrong else one for one in self._signs[right]]
            return {"seen": {f"s{place}{one}": 1 for place, one in enumerate(signs)}}, [
                float(action == right) for action in range(ACTIONS)
            ]
        visitor, moment = draw.randrange(len(self._visitors)), draw.randrange(len(self._moments))
        tastes, kinds = self._visitors[visitor], self._moments[moment]
        likes = [self._usual + tastes[action] + kinds[action % len(kinds)] for action in range(ACTIONS)]
        context = {"user": {"age": f"v{visitor % 4}", "plan": f"p{visitor // 4}"}, "moment": {"hour": f"h{moment}"}}
        return context, [1 / (1 + math.exp(-one)) for one in likes]

    def events(self, count: int) -> Iterator[tuple[bytes, list[float]]]:
        """Lines of a uniform log, and the expected rewards of their actions."""
        actions = [{"_tag": one, "i": {"constant": 1, "id": one}, "j": [{"kind": f"k{number % 4}"}]}
                   for number, one in enumerate(_TAGS)]  # fmt: skip
        for number in range(count):
            context, expected = self.visit()
            chosen = self._draw.randrange(ACTIONS)
            reward = float(self._draw.random() < expected[chosen])
            others = [one + 1 for one in range(ACTIONS) if one != chosen]
            seen = msgspec.Raw(msgspec.json.encode({"FromUrl": [context], "_multi": actions}))
            line = Line(
                cost=-reward, probability=1 / ACTIONS, action=chosen + 1, index=chosen,
                at=timestamp(START + number * STEP), version="1", id=str(number), a=[chosen + 1, *others], c=seen,
                p=[1 / ACTIONS] * ACTIONS, state=State("N/A"), original_cost=-reward,
            )  # fmt: skip
            yield dsjson.encode(line), expected


class _Known(Judging):
    """What is served earns its expected reward. first: the number of the first event that counts."""

    def __init__(self, plan: Plan, unit: Unit, expected: Sequence[Sequence[float]], first: int) -> None:
        super().__init__(plan, unit.policy, None)
        self._expected, self._first, self.earned = expected, first, list[float]()

    def judge(self, event: Logged, predictions: Sequence[bytes], outlook: Outlook | None, _: bytes | None) -> None:
        number = int(event.id)
        if number >= self._first:
            pmf = served.served(served.parsed(predictions[0], ACTIONS), outlook, self._exploration)
            self.earned.append(math.fsum(map(float.__mul__, pmf, self._expected[number])))


async def _replayed(replay: Replay, lines: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Zygote() as zygote:
            await replay.run(work.of_file(lines), Path(folder), zygote)


def value(candidate: Candidate, schema: Schema, lines: Path, expected: Path, first: int) -> float:
    """The true value of a candidate that learns a log, over its events from `first` on."""
    plan, unit = Plan([candidate], [Stretch(0, 1, 0)], schema=schema), Unit(candidate.name, 0)
    replay, rewards = Replay(plan, unit, None), msgspec.msgpack.decode(expected.read_bytes(), type=list[list[float]])
    replay._judging = known = _Known(plan, unit, rewards, first)
    asyncio.run(_replayed(replay, lines))
    return sum(known.earned) / len(known.earned)


class Regret(msgspec.Struct):
    """Of one log. close: how far the fifth of the grid is behind the best one."""

    chosen: str
    best: str
    value: float
    regret: float
    close: float


def measure(seed: int, executor: Executor, at_once: int, events: int = EVENTS) -> Regret:
    """Has the optimiser choose by the log of a seed, and holds that against the truth."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines, known = folder / "log.dsjson", folder / "expected"
        spool, expected = Spool(folder / "log", Period()), list[list[float]]()
        with lines.open("wb") as file:
            for number, (line, rewards) in enumerate(World(seed).events(events)):
                spool.add(START + number * STEP, line)
                file.write(line)
                expected.append(rewards)
        spool.close()
        known.write_bytes(msgspec.msgpack.encode(expected))
        made = optimise.planned(Question(LoopConfig(), False, spool), [])
        (folder / "work").mkdir()
        outcome = Runner(executor, at_once, made, spool, folder / "work").run(lambda share, seconds: None)
        chosen = (Race(made, outcome.parts, outcome.failed).going_on(made.held_out) or [""])[0]
        first = sum(one.events for one in made.stretches[: made.held_out])
        racing = grid.candidates(spool.schema, LoopConfig().exploration)
        truths = executor.map(value, racing, *map(repeat, (spool.schema, lines, known, first)))
        found = dict(zip([one.name for one in racing], truths, strict=True))
    ranked = sorted(found.values(), reverse=True)
    best = max(found, key=lambda name: found[name])
    return Regret(chosen, best, found[chosen], ranked[0] - found[chosen], ranked[0] - ranked[4])


def run(quick: bool, first: int = 0, logs: int = 10) -> list[Figure]:
    """The figures; a quick run has one log of 4,000 events, too few to judge the goal by."""
    logs, events, cores = (1, 4_000, 2) if quick else (logs, EVENTS, 2)
    found = []
    with executors.processes(cores) as executor:
        for seed in range(first, first + logs):
            found.append(measure(seed, executor, cores, events))
            print(f"seed {seed}: {found[-1]}", flush=True)
    good = sum(one.regret <= MOST_REGRET for one in found) / logs
    widest, worst = max(one.close for one in found), max(one.regret for one in found)
    return [
        Figure(
            f"regret <= {MOST_REGRET:g}", f"{good:.0%}", f"{LEAST_GOOD:.0%}", good, f">= {LEAST_GOOD:g}",
            good >= LEAST_GOOD,
        ),
        told("    the largest regret", f"{worst:.4f}", f"{MOST_REGRET:g}", worst / MOST_REGRET),
        told("    the grid's first five lie within", f"{widest:.4f}", f"{CLOSE:g}", widest / CLOSE),
    ]  # fmt: skip


def main() -> None:
    """Entry point of the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.regret", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="a short run, for a first look")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default: %(default)s)")
    parser.add_argument("--logs", type=int, default=10, help="logs (default: %(default)s)")
    given = parser.parse_args()
    show(run(given.quick, given.first, given.logs))


if __name__ == "__main__":
    main()
