"""How well the default policy learns: share of the possible gain over random, against the historic policy."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from statistics import mean, stdev

from shared.policy import DEFAULT_ARGUMENTS, HISTORIC_ARGUMENTS
from simulator.offline import play
from simulator.scenarios import SCENARIOS

POLICIES = {"default": DEFAULT_ARGUMENTS, "historic": HISTORIC_ARGUMENTS}


def gain(scenario: int, policy: str, seed: int, events: int) -> float:
    """Gain of one run: 0 is as good as random, 1 is always choosing the best action."""
    return play(SCENARIOS[scenario], POLICIES[policy], seed, events).gain


def measure(seeds: int, events: int) -> dict[tuple[int, str], list[float]]:
    """Gains by scenario and policy, one per seed; both policies meet the same visitors."""
    runs = list(product(range(len(SCENARIOS)), POLICIES, range(seeds)))
    gains: dict[tuple[int, str], list[float]] = {(scenario, policy): [] for scenario, policy, _ in runs}
    with ProcessPoolExecutor(max_workers=2) as processes:
        results = processes.map(gain, *zip(*runs, strict=True), [events] * len(runs))
        for (scenario, policy, _), result in zip(runs, results, strict=True):
            gains[scenario, policy].append(result)
    return gains


def spread(values: Sequence[float]) -> str:
    """Mean and standard error."""
    return f"{mean(values):.2f} ± {stdev(values) / len(values) ** 0.5:.2f}"


def report(gains: dict[tuple[int, str], list[float]]) -> bool:
    """Prints one line per scenario; true if the default policy is the better one in all of them."""
    print(f"{'scenario':<12}{'default':>14}{'historic':>14}{'difference':>14}")
    wins = []
    for number, scenario in enumerate(SCENARIOS):
        default, historic = gains[number, "default"], gains[number, "historic"]
        difference = [a - b for a, b in zip(default, historic, strict=True)]
        print(f"{scenario.name:<12}{spread(default):>14}{spread(historic):>14}{spread(difference):>14}")
        wins.append(mean(difference) > 0)
    return all(wins)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning", description=__doc__)
    parser.add_argument("--events", type=int, default=10_000, help="visits per run (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=10, help="runs per scenario and policy (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="2,000 events and 3 seeds, whatever else is given")
    options = parser.parse_args(arguments)
    events, seeds = (2_000, 3) if options.quick else (options.events, max(options.seeds, 2))
    for name, policy in POLICIES.items():
        print(f"{name}: {policy}")
    print(
        f"gain = (reward - random) / (best possible - random), mean ± standard error; {events:,} events, {seeds} seeds"
    )
    started = time.monotonic()
    better = report(measure(seeds, events))
    print(f"{time.monotonic() - started:.0f} s; default better in {'every' if better else 'NOT every'} scenario")
    return 0 if better else 1


if __name__ == "__main__":
    raise SystemExit(main())
