"""Measures what the service promises, each figure beside a reference taken in the same run.

Machines differ and are shared: what counts are ratios. Without names, every section runs.
"""

import argparse
import time
from collections.abc import Callable

from benchmarks import (
    applied,
    beside,
    dashboard,
    erasure,
    evaluation,
    hostile,
    http_rank,
    latency,
    learning,
    loops,
    memory,
    migration,
    optimiser,
    rank,
    regret,
    relearning,
    replay,
    rounds,
    slots,
    start,
    summaries,
    trace,
    trainer,
    workers,
)
from benchmarks.figures import Figure, show

SECTIONS: dict[str, Callable[[bool], list[Figure]]] = {
    "rank": rank.run,
    "slots": slots.run,
    "http_rank": http_rank.run,
    "latency": latency.run,
    "hostile": hostile.run,
    "start": start.run,
    "trainer": trainer.run,
    "loops": loops.run,
    "trace": trace.run,
    "memory": memory.run,
    "relearning": relearning.run,
    "migration": migration.run,
    "learning": learning.run,
    "evaluation": evaluation.run,
    "replay": replay.run,
    "optimiser": optimiser.run,
    "regret": regret.run,
    "applied": applied.run,
    "beside": beside.run,
    "summaries": summaries.run,
    "rounds": rounds.run,
    "dashboard": dashboard.run,
    "workers": workers.run,
    "erasure": erasure.run,
}


def main() -> None:
    """Entry point of the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"any of {', '.join(SECTIONS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="short runs, for a first look")
    given = parser.parse_args()
    unknown = [name for name in given.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"there is no section {unknown[0]}; choose from {', '.join(SECTIONS)}")
    figures: list[Figure] = []
    for name in given.sections or SECTIONS:
        begun = time.monotonic()
        print(f"{name} ...", end=" ", flush=True)
        figures += SECTIONS[name](given.quick)
        print(f"{time.monotonic() - begun:.0f} s", flush=True)
    print()
    show(figures)


if __name__ == "__main__":
    main()
