"""Intervals of offline evaluation: how often they hold the truth, and how wide they are.

`python -m benchmarks.evaluation [--quick]`. Contexts are drawn from the classes that the digits data set has under its
two policies: the evaluated one is right on 89.5 % of them and the logging one on 30 %, so that the evaluated policy's
value, .8 on its choice and .2 spread over ten actions, is .736. The reward model of DR is not simulated.
"""

import argparse
import math
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from benchmarks.figures import Figure, show, told
from shared.evaluation.event import Event
from shared.evaluation.intervals.betting import Betting
from shared.evaluation.intervals.cressie_read import cressie_read
from shared.evaluation.intervals.default import DefaultInterval
from shared.evaluation.intervals.gaussian import GaussianIps
from shared.evaluation.intervals.interval import Interval

ACTIONS = 10
UNIT = Interval(0.0, 1.0)
EVALUATED_RIGHT, LOGGING_RIGHT = 0.895, 0.30
LEAST_COVERED = 0.935, 0.945
MOST_MISSED = 0.05


class Case(NamedTuple):
    """Logs of n events; `draw` makes one event."""

    name: str
    n: int
    largest: float
    least: float
    truth: float
    draw: Callable[[random.Random], Event]


def peaked(best: int, share: float) -> list[float]:
    """That share on one action, the rest spread over all."""
    return [(1 - share) / ACTIONS + share * (action == best) for action in range(ACTIONS)]


def digits(name: str, n: int, share: float) -> Case:
    """A logging policy with that share on its own choice; a reward of 1 for the right action, else 0."""
    logged, evaluated = peaked(0, share), peaked(0, 0.8)
    truth = 0.8 * EVALUATED_RIGHT + 0.2 / ACTIONS

    def draw(source: random.Random) -> Event:
        right = source.randrange(ACTIONS)
        choice = right if source.random() < EVALUATED_RIGHT else (right + source.randrange(1, ACTIONS)) % ACTIONS
        habit = right if source.random() < LOGGING_RIGHT else (right + source.randrange(1, ACTIONS)) % ACTIONS
        action = habit if source.random() < share else source.randrange(ACTIONS)
        weight = evaluated[0 if action == choice else 1] / logged[0 if action == habit else 1]
        return Event(weight, float(action == right))

    return Case(f"{name} {n:,}", n, evaluated[0] / min(logged), evaluated[1] / max(logged), truth, draw)


def arms(name: str, n: int, logged: Sequence[float], evaluated: Sequence[float], values: Sequence[float]) -> Case:
    """The same context always, and actions of these values."""
    weights = [evaluation / log for evaluation, log in zip(evaluated, logged, strict=True)]
    truth = math.fsum(p * value for p, value in zip(evaluated, values, strict=True))

    def draw(source: random.Random) -> Event:
        action = source.choices(range(ACTIONS), logged)[0]
        return Event(weights[action], float(source.random() < values[action]))

    return Case(name, n, max(weights), min(weights), truth, draw)


def rising(greatest: float) -> list[float]:
    return [greatest * (0.5 + action / ACTIONS) for action in range(ACTIONS)]


CELLS = [
    digits(name, n, share) for name, share in (("uniform", 0.0), ("eps .2", 0.8)) for n in (200, 1_000, 5_000, 20_000)
]
RARE = arms("rare rewards 5,000", 5_000, peaked(0, 0.8), peaked(1, 0.8), rising(0.02))
# Each with the mean width of the confidence sequence `cs` of vw-estimators 0.2.2, which is not measured here.
ANYTIME = [
    (arms("anytime, high rewards", 1_000, peaked(0, 0.0), peaked(0, 0.8), [0.8] + [0.05] * 9), 0.431),
    (arms("anytime, rare rewards", 5_000, peaked(0, 0.8), peaked(1, 0.8), rising(0.02)), 0.370),
    (arms("anytime, middle rewards", 5_000, peaked(0, 0.8), peaked(1, 0.8), rising(0.3)), 0.458),
]


class Measured(NamedTuple):
    """Of one case: the share of intervals that hold the truth, and mean widths of the default and of others."""

    covered: float
    width: float
    cressie_read: float
    gaussian: float


def measure(case: Case, replications: int) -> Measured:
    """The default beside the other intervals, over logs of their own seeds."""
    covered, widths, others, gaussians = 0, 0.0, 0.0, 0.0
    for seed in range(replications):
        source = random.Random(seed)
        default, gaussian = DefaultInterval(UNIT, case.least, case.largest, case.n), GaussianIps()
        for _ in range(case.n):
            event = case.draw(source)
            default.add(event)
            gaussian.add(event)
        found, plain = default.get(), gaussian.get()
        # With the bound of the largest weight only: the reference that the width is held against.
        other = cressie_read(default.events, UNIT, largest=case.largest)
        assert found is not None
        assert plain is not None
        assert other is not None
        assert not any(math.isnan(end) for end in found)
        covered += found.lower <= case.truth <= found.upper
        widths, others, gaussians = widths + found.width, others + other.width, gaussians + plain.width
    return Measured(*(each / replications for each in (covered, widths, others, gaussians)))


def has_ever_missed(betting: Betting, truth: float) -> bool:
    """True if some gambler's capital against the truth was ever that of a rejection."""
    above = below = 0.0
    goal = math.log(2 / betting.alpha)
    for pay, rise, fall in zip(betting.pays, betting.rises, betting.falls, strict=True):
        above += math.log1p(rise * (pay - truth))
        below += math.log1p(fall * (truth - pay))
        if max(above, below) >= goal:
            return True
    return False


def anytime(case: Case, sequence: float, runs: int) -> list[Figure]:
    """Misses at any time over all runs, and the mean width at the end over a fifth of them."""
    missed, widths = 0, []
    for seed in range(runs):
        source, betting = random.Random(seed), Betting(UNIT, case.largest, case.n)
        for _ in range(case.n):
            betting.add(case.draw(source))
        missed += has_ever_missed(betting, case.truth)
        if seed < max(1, runs // 5):
            found = betting.get()
            assert found is not None
            widths.append(found.width)
    width, share = sum(widths) / len(widths), missed / runs
    return [
        Figure(f"{case.name}: missed ever", f"{share:.3f}", "0.050", share, "<= .05", share <= MOST_MISSED),
        Figure(f"{case.name}: width", f"{width:.3f}", f"{sequence:.3f}", width / sequence, "< 1x", width < sequence),
    ]


def covering(case: Case, measured: Measured) -> Figure:
    least = LEAST_COVERED[0]
    share = measured.covered
    return Figure(f"{case.name}: covered", f"{share:.4f}", "0.9500", share, f">= {least}", share >= least)


def widths(case: Case, measured: Measured) -> list[Figure]:
    """Of a digits cell, against Cressie-Read and, from 1,000 events on, against the Gaussian of the contract."""
    figures = []
    for name, other, limit in (("CR", measured.cressie_read, 1.05), ("Gaussian", measured.gaussian, 0.5)):
        ratio = measured.width / other
        shown = f"{case.name}: width / {name}", f"{measured.width:.4f}", f"{other:.4f}", ratio
        if name == "CR" or case.n >= 1_000:
            figures.append(Figure(*shown, f"<= {limit:g}x", ratio <= limit))
        else:
            figures.append(told(*shown))
    return figures


def run(quick: bool, replications: int = 2_000, most: int = 20_000) -> list[Figure]:
    """The figures; a quick run has 100 replications of at most 1,000 events, too few to judge the goals by.

    most: cells with more events are left out.
    """
    replications, most, runs = (100, 1_000, 50) if quick else (replications, most, 1_000)
    figures, shares = [], []
    for case in [*CELLS, RARE]:
        if case.n > most:
            continue
        measured = measure(case, replications)
        shares.append(measured.covered)
        figures.append(covering(case, measured))
        if case is not RARE:
            figures += widths(case, measured)
    average = sum(shares) / len(shares)
    goal = LEAST_COVERED[1]
    figures.append(Figure("covered on average", f"{average:.4f}", "0.9500", average, f">= {goal}", average >= goal))
    for case, sequence in ANYTIME:
        figures += anytime(case, sequence, runs)
    return figures


def main() -> None:
    """Entry point of the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="short runs, for a first look")
    parser.add_argument("--replications", type=int, default=2_000, help="logs of each cell")
    parser.add_argument("--most", type=int, default=20_000, help="leaves out cells with more events")
    given = parser.parse_args()
    show(run(given.quick, given.replications, given.most))


if __name__ == "__main__":
    main()
