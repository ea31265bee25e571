"""A section of the benchmarks as a command of its own."""

import argparse
import time
from collections.abc import Callable

from benchmarks.figures import Figure, show


def main(name: str, description: str | None, run: Callable[[bool], list[Figure]]) -> None:
    """Measures one section and shows its figures."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    parser.add_argument("--quick", action="store_true", help="a short run, for a first look")
    quick = parser.parse_args().quick
    begun = time.monotonic()
    show(run(quick))
    print(f"{time.monotonic() - begun:.0f} s")
