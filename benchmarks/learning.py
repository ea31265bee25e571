"""How well the default policy learns: share of the possible gain over random, against the historic policy."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from statistics import mean, stdev
from typing import NamedTuple

from benchmarks.figures import Figure
from shared.vw.policy import DEFAULT_ARGUMENTS, HISTORIC_ARGUMENTS
from simulator.offline import Outcome, play
from simulator.scenarios import SCENARIOS

QUICK, FULL = (3, 2_000), (10, 10_000)  # seeds, events
POLICIES = (DEFAULT_ARGUMENTS, HISTORIC_ARGUMENTS)


class Comparison(NamedTuple):
    """One scenario's runs under both policies, one per seed; the same seed met the same visitors."""

    scenario: str
    default: list[Outcome]
    historic: list[Outcome]

    @property
    def differences(self) -> list[float]:
        """By how much the default policy gained more than the historic one."""
        return [new.gain - old.gain for new, old in zip(self.default, self.historic, strict=True)]


def measure(seeds: int, events: int) -> list[Comparison]:
    runs = list(product(SCENARIOS, POLICIES, range(seeds)))
    with ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) as processes:
        outcomes = processes.map(play, *zip(*runs, strict=True), [events] * len(runs))
        return [Comparison(one.name, *([next(outcomes) for _ in range(seeds)] for _ in POLICIES)) for one in SCENARIOS]


def spread(values: Sequence[float]) -> str:
    """Mean and standard error."""
    return f"{mean(values):.2f} ± {stdev(values) / len(values) ** 0.5:.2f}"


def row(comparison: Comparison) -> str:
    """Gains of both policies, and the mean rewards they stand for."""
    scenario, default, historic = comparison
    gains = [[one.gain for one in default], [one.gain for one in historic], comparison.differences]
    rewards = [mean(one.uniform for one in default)]
    rewards += [mean(one.served for one in runs) for runs in (historic, default)]
    rewards += [mean(one.optimal for one in default)]
    return (
        f"{scenario:<11}" + "".join(f"{spread(each):>14}" for each in gains) + "".join(f"{r:>10.3f}" for r in rewards)
    )


def report(comparisons: Sequence[Comparison]) -> bool:
    """Prints one line per scenario; true if the default policy gained more in every one."""
    print(f"{'':<11}{'gain':>14}{'':>28}{'mean reward':>17}")
    titles = ("default", "historic", "difference")
    print(f"{'scenario':<11}" + "".join(f"{title:>14}" for title in titles), end="")
    print("".join(f"{title:>10}" for title in ("random", "historic", "default", "best")))
    for comparison in comparisons:
        print(row(comparison))
    return all(mean(comparison.differences) > 0 for comparison in comparisons)


def run(quick: bool = False) -> list[Figure]:
    """Gains as figures; the ratio is the difference between the policies."""
    return [_figure(comparison) for comparison in measure(*(QUICK if quick else FULL))]


def _figure(comparison: Comparison) -> Figure:
    difference = mean(comparison.differences)
    ours, historic = (mean(one.gain for one in runs) for runs in (comparison.default, comparison.historic))
    name = f"learning, {comparison.scenario}: gain against the historic policy's"
    return Figure(name, f"{ours:.2f}", f"{historic:.2f}", difference, "> 0 more", difference > 0)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning", description=__doc__)
    parser.add_argument("--events", type=int, default=FULL[1], help="visits per run (default: %(default)s)")
    parser.add_argument(
        "--seeds", type=int, default=FULL[0], help="runs per scenario and policy, at least 2 (%(default)s)"
    )
    parser.add_argument("--quick", action="store_true", help="2,000 events and 3 seeds, whatever else is given")
    options = parser.parse_args(arguments)
    if options.seeds < 2:
        parser.error("--seeds must be at least 2: the standard error needs two runs")
    seeds, events = QUICK if options.quick else (options.seeds, options.events)
    print(f"default:  {DEFAULT_ARGUMENTS}\nhistoric: {HISTORIC_ARGUMENTS}")
    print(f"gain = (reward - random) / (best - random), mean ± standard error; {events:,} events, {seeds} seeds")
    started = time.monotonic()
    better = report(measure(seeds, events))
    print(
        f"{time.monotonic() - started:.0f} s; default better in {'every scenario' if better else 'NOT every scenario'}"
    )
    return 0 if better else 1


if __name__ == "__main__":
    raise SystemExit(main())
