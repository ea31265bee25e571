"""How well policies learn: the share of the possible gain over random that the default policy and others reach."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise, product
from multiprocessing import get_context
from statistics import mean, stdev
from typing import NamedTuple

from benchmarks.figures import Figure
from shared.vw.policy import DEFAULT_ARGUMENTS, EARLIER_ARGUMENTS, HISTORIC_ARGUMENTS
from simulator.offline import Outcome, play
from simulator.scenarios import CHANGES, SCENARIOS

QUICK, FULL = (3, 2_000), (10, 10_000)  # seeds, events
WORLDS = (*SCENARIOS, *CHANGES)
POLICIES = {"historic": HISTORIC_ARGUMENTS, "earlier": EARLIER_ARGUMENTS, "default": DEFAULT_ARGUMENTS}
_SQUARECB = "--cb_explore_adf --cb_type mtr --squarecb --gamma_scale 30"
# From the earlier default to today's, one change after the other.
STEPS = {
    "earlier": EARLIER_ARGUMENTS,
    "unweighted": f"{_SQUARECB} --cubic ::i --unweighted",
    "seen": f"{_SQUARECB} --interactions auto --unweighted",
    "default": DEFAULT_ARGUMENTS,
}


class Comparison(NamedTuple):
    """One scenario's runs under several policies, one per seed; the same seed met the same visitors."""

    scenario: str
    runs: Mapping[str, Sequence[Outcome]]

    def gains(self, policy: str) -> list[float]:
        return [one.gain for one in self.runs[policy]]

    def differences(self, policy: str, other: str) -> list[float]:
        """By how much a policy gained more than another one."""
        return [one - two for one, two in zip(self.gains(policy), self.gains(other), strict=True)]

    @property
    def is_better(self) -> bool:
        """True if the default policy gained more than the one that it is compared with first."""
        return mean(self.differences("default", next(iter(self.runs)))) > 0


def measure(policies: Mapping[str, str], seeds: int, events: int) -> list[Comparison]:
    runs = list(product(WORLDS, policies.values(), range(seeds)))
    with ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) as processes:
        outcomes = processes.map(play, *zip(*runs, strict=True), [events] * len(runs))
        return [
            Comparison(one.name, {name: [next(outcomes) for _ in range(seeds)] for name in policies}) for one in WORLDS
        ]


def spread(values: Sequence[float]) -> str:
    """Mean and standard error."""
    return f"{mean(values):.2f} ± {stdev(values) / len(values) ** 0.5:.2f}"


def report(comparisons: Sequence[Comparison]) -> bool:
    """Prints a line per scenario: gains, and what each policy gained more than the one before it.

    True if the default policy gained more than the first one in every scenario.
    """
    names = list(comparisons[0].runs)
    changes = [f"{one} - {other}" for other, one in pairwise(names)]
    print(f"{'scenario':<11}" + "".join(f"{name:>15}" for name in names) + "".join(f"{one:>23}" for one in changes))
    for comparison in comparisons:
        gains = [spread(comparison.gains(name)) for name in names]
        differences = [spread(comparison.differences(one, other)) for other, one in pairwise(names)]
        print(
            f"{comparison.scenario:<11}"
            + "".join(f"{one:>15}" for one in gains)
            + "".join(f"{one:>23}" for one in differences)
        )
    means = [mean(mean(one.gains(name)) for one in comparisons) for name in names]
    print(f"{'mean':<11}" + "".join(f"{one:>15.3f}" for one in means))
    return all(comparison.is_better for comparison in comparisons)


def run(quick: bool = False) -> list[Figure]:
    """Gains as figures; the ratio is the difference between the policies."""
    return [_figure(comparison) for comparison in measure(POLICIES, *(QUICK if quick else FULL))]


def _figure(comparison: Comparison) -> Figure:
    ours, historic, earlier = (mean(comparison.gains(name)) for name in ("default", "historic", "earlier"))
    name = f"learning, {comparison.scenario}: gain against the historic policy's (earlier default: {earlier:.2f})"
    difference = ours - historic
    return Figure(name, f"{ours:.2f}", f"{historic:.2f}", difference, "> 0 more", difference > 0)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning", description=__doc__)
    parser.add_argument("--events", type=int, default=FULL[1], help="visits per run (default: %(default)s)")
    parser.add_argument(
        "--seeds", type=int, default=FULL[0], help="runs per scenario and policy, at least 2 (%(default)s)"
    )
    parser.add_argument("--quick", action="store_true", help="2,000 events and 3 seeds, whatever else is given")
    parser.add_argument("--steps", action="store_true", help="from the default policy of 0.2 to today's, step by step")
    options = parser.parse_args(arguments)
    if options.seeds < 2:
        parser.error("--seeds must be at least 2: the standard error needs two runs")
    seeds, events = QUICK if options.quick else (options.seeds, options.events)
    policies = STEPS if options.steps else POLICIES
    for name, one in policies.items():
        print(f"{name + ':':<12}{one}")
    print(f"gain = (reward - random) / (best - random), mean ± standard error; {events:,} events, {seeds} seeds")
    started = time.monotonic()
    better = report(measure(policies, seeds, events))
    verdict = f"default better than {next(iter(policies))} in {'every scenario' if better else 'NOT every scenario'}"
    print(f"{time.monotonic() - started:.0f} s; {verdict}")
    return 0 if better else 1


if __name__ == "__main__":
    raise SystemExit(main())
