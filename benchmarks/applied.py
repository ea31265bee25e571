"""What applying the policy that an optimisation chose brings: a run, an evaluation of its log, and a second run.

Guests, of whom each has a favourite coffee at each time of day and in each weather, are offered one of four. The second
run meets the same guests twice: with the model that the first one left, and with the chosen policy, learned from its
log.
"""

import tempfile
from collections.abc import Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import product
from operator import mul
from pathlib import Path
from random import Random
from statistics import mean
from typing import NamedTuple

from benchmarks import command
from benchmarks.figures import Figure, told
from evaluation import executors, optimise
from evaluation.compare import Question
from evaluation.runner import Runner
from shared.evaluation.estimate import Estimate
from shared.evaluation.spool import Period, Spool
from shared.loops.config import LoopConfig, Policy
from shared.vw.policy import DEFAULT_ARGUMENTS, HISTORIC_ARGUMENTS
from simulator.offline import VISIT_MS, DelayedLearner, labelled, vw_json
from simulator.scenario import Action, Visit

SEEDS = 10
FIRST, SECOND, REFRESH, EXPLORATION = 10_000, 2_000, 250, 0.2  # visits, and between two models
POLICIES = {"Personalizer's": HISTORIC_ARGUMENTS, "default": DEFAULT_ARGUMENTS}
# What chance does to the mean reward of a second run. Where nothing was recommended the mean of all runs counts.
NOISE = 0.01
GUESTS, WEATHERS, TIMES = ("ann", "ben", "cleo", "dan"), ("sun", "rain", "snow"), ("morning", "noon", "evening")
COFFEES = [
    Action("espresso", [{"served": "hot", "from": "Kenya", "roast": "dark"}]),
    Action("on ice", [{"served": "cold", "from": "Brazil", "roast": "light"}]),
    Action("filter", [{"served": "hot", "from": "Ethiopia", "roast": "light"}]),
    Action("with milk", [{"served": "hot", "from": "Brazil", "roast": "dark"}]),
]
Favourites = dict[tuple[str, str, str], int]


class Compared(NamedTuple):
    """Mean rewards: of the first run, and of the second one without and with the policy that was chosen.

    recommended: the gate lets it through. safe: the second run if only a recommended policy is applied.
    """

    first: float
    without: float
    applied: float
    recommended: bool

    @property
    def safe(self) -> float:
        return self.applied if self.recommended else self.without


def favourites(seed: int) -> Favourites:
    """Which coffee each guest likes at each moment."""
    draw = Random(f"favourites {seed}")
    return {moment: draw.randrange(len(COFFEES)) for moment in product(GUESTS, WEATHERS, TIMES)}


def visit(liked: Favourites, draw: Random) -> Visit:
    """A guest at some moment, who takes the favourite coffee and no other."""
    name, weather, time = moment = draw.choice(GUESTS), draw.choice(WEATHERS), draw.choice(TIMES)
    expected = [float(number == liked[moment]) for number in range(len(COFFEES))]
    return Visit([{"time": time, "weather": weather, "name": name}], COFFEES, expected)


def play(learner: DelayedLearner, liked: Favourites, seed: str, first: int, count: int) -> tuple[list[bytes], float]:
    """A run's log and its mean reward, expected by what was served. first: the number of its first visit."""
    guests, luck, lines, earned = Random(f"guests {seed}"), Random(f"luck {seed}"), list[bytes](), 0.0
    for now in range(first, first + count):
        learner.tick(now)
        one = visit(liked, guests)
        example = vw_json(one)
        pmf = learner.pmf(example, [action.id for action in one.actions])
        earned += sum(map(mul, pmf, one.expected))
        [chosen] = luck.choices(range(len(pmf)), pmf)
        lines.append(labelled(example, chosen, pmf, one.expected[chosen], now))
        learner.add(now, lines[-1])
    return lines, earned / count


def optimised(lines: Sequence[bytes], arguments: str, executor: Executor) -> Estimate:
    """The policy that an optimisation of the log chooses."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spool = Spool(folder / "log", Period())
        for number, line in enumerate(lines):
            spool.add(number * VISIT_MS, line)
        spool.close()
        question = Question(LoopConfig(policy=Policy("current", arguments)), False, spool)
        made = optimise.planned(question, [])
        (folder / "work").mkdir()
        found = optimise.judged(question, made, Runner(executor, 2, made, spool, folder / "work").run(lambda *_: None))
    return next(one for one in found.policies if one.name == found.chosen)


def measure(seed: int, arguments: str, executor: Executor) -> Compared:
    """The runs of a seed."""
    liked, learner = favourites(seed), DelayedLearner(arguments, REFRESH, REFRESH, EXPLORATION)
    lines, first = play(learner, liked, f"{seed} 1", 0, FIRST)
    best = optimised(lines, arguments, executor)
    other = DelayedLearner(best.arguments, REFRESH, REFRESH, EXPLORATION)
    for line in lines:
        other.add(FIRST, line)
    second = partial(play, liked=liked, seed=f"{seed} 2", first=FIRST + REFRESH, count=SECOND)
    found = Compared(first, second(learner)[1], second(other)[1], best.verdict is not None and best.verdict.promoted)
    learner.close()
    other.close()
    return found


def run(quick: bool = False) -> list[Figure]:
    """For each policy that served the first run: the recommended ones applied, none of which may cost anything, and
    whatever was chosen applied, as who reads no recommendation does."""
    figures = list[Figure]()
    with executors.processes(2) as executor:
        for name, arguments in POLICIES.items():
            found = [measure(seed, arguments, executor) for seed in range(2 if quick else SEEDS)]
            figures += _figures(name, found)
    return figures


def _figures(name: str, found: Sequence[Compared]) -> list[Figure]:
    without = [one.without for one in found]
    text = f"{mean(without):.3f}"
    first, recommended = mean(one.first for one in found), sum(one.recommended for one in found)
    figures = [told(f"{name}: mean reward of the second run without, of the first", text, f"{first:.3f}", 1.0)]
    for which, values, judge, word in (
        (f"    {recommended} of {len(found)} recommended; those applied", [one.safe for one in found], min, "least"),
        ("    whatever was chosen applied", [one.applied for one in found], mean, "mean"),
    ):
        more = [value - other for value, other in zip(values, without, strict=True)]
        told_as = f"{which}: {min(more):+.3f} to {max(more):+.3f}, {word}"
        ratio = judge(more)
        figures.append(Figure(told_as, f"{mean(values):.3f}", text, ratio, f">= -{NOISE:g} more", ratio >= -NOISE))
    return figures


if __name__ == "__main__":
    command.main("applied", __doc__, run)
