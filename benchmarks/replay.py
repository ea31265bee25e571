"""An evaluation from the log to numbers, against VW's native driver that learns and predicts the same file."""

import asyncio
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path

from benchmarks import command, migration
from benchmarks.figures import Figure, at_least, told
from evaluation import source
from evaluation.executors import processes
from evaluation.runner import Runner
from migration.progress import Progress
from shared.evaluation import plan, result, work
from shared.evaluation.part import Unit
from shared.evaluation.plan import Candidate, Plan, Stretch
from shared.evaluation.spool import Period, Spool
from shared.vw import policy
from shared.vw.schema import Schema
from shared.vw.zygote import Zygote

SHARE = 0.2
PLAIN = f"--cb_explore_adf --cb_type mtr --epsilon {SHARE:g}"
_DRIVER = """
import sys, time, vowpalwabbit
begun = time.perf_counter()
vowpalwabbit.Workspace(arg_list=sys.argv[1:]).finish()
print(time.perf_counter() - begun)
"""


def driver(lines: Path, arguments: str) -> float:
    """Seconds VW's native driver needs to predict and to learn the lines, alone in a process."""
    options = ["--dsjson", "--quiet", "--save_resume", "-d", str(lines)]
    files = ["-p", str(lines.with_suffix(".txt")), "-f", str(lines.with_suffix(".vw"))]
    called = [sys.executable, "-c", _DRIVER, *arguments.split(), *options, *files]
    return float(subprocess.run(called, check=True, capture_output=True, text=True).stdout)


@contextmanager
def on_cores(count: int) -> Iterator[None]:
    """This process and those that it starts use no more cores than that, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def evaluated(lines: Path, folder: Path, executor: Executor, at_once: int, arguments: Sequence[str]) -> float:
    """Seconds from the file to the numbers of policies; the workers have begun before."""
    candidates = [Candidate(f"policy {number}", one, SHARE) for number, one in enumerate(arguments)]
    begun = time.perf_counter()
    spool = Spool(folder / "log", Period())
    source.of_files([lines], spool, Progress())
    stretches = spool.stretches()
    made = Plan(candidates, stretches, 0.0, spool.schema, plan.half(stretches))
    outcome = Runner(executor, at_once, made, spool, folder / "work").run(lambda *_: None)
    found = result.combine(made, outcome.parts, outcome.failed)
    if len(found.policies) < 3 + len(arguments):
        raise RuntimeError(f"policies are missing: {found.failed}")
    return time.perf_counter() - begun


def measured(lines: Path, cores: int, arguments: Sequence[str]) -> float:
    """The same with as many workers as cores."""
    with on_cores(cores), processes(cores) as executor, tempfile.TemporaryDirectory() as folder:
        few = _head(lines, Path(folder, "few.dsjson"))
        evaluated(few, Path(folder, "warm"), executor, cores, [arguments[0]] * cores)
        return evaluated(lines, Path(folder, "all"), executor, cores, arguments)


def _head(lines: Path, into: Path) -> Path:
    with lines.open("rb") as every, into.open("wb") as few:
        few.writelines(line for _, line in zip(range(1_000), every, strict=False))
    return into


def schema(lines: Path, folder: Path) -> Schema:
    spool = Spool(folder / "schema", Period())
    source.of_files([lines], spool, Progress())
    return spool.schema


async def replayed(lines: Path, arguments: str, crossed: Schema) -> float:
    """Seconds from the lines of one stretch to its part, once the process is there that learners are forks of."""
    stretch = Stretch(0, 1, 0)
    made = Plan([Candidate("policy", arguments, SHARE)], [stretch], schema=crossed)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        unit, few = Unit("policy", 0), _head(lines, Path(one, "few.dsjson"))
        async with Zygote() as zygote:
            await work.work(made, unit, work.of_file(few), Path(one), zygote)
            begun = time.perf_counter()
            await work.work(made, unit, work.of_file(lines), Path(other), zygote)
            return time.perf_counter() - begun


def against_driver(lines: Path, title: str, arguments: str, crossed: Schema, rounds: int) -> list[Figure]:
    """One after another, because the machine may be shared."""
    with lines.open("rb") as every:
        count = sum(1 for _ in every)
    of_vw = policy.parse(arguments).for_vw(crossed.arguments)
    whole, replay, alone = math.inf, math.inf, math.inf
    for _ in range(rounds):
        replay = min(replay, asyncio.run(replayed(lines, arguments, crossed)))
        alone = min(alone, driver(lines, of_vw))
        whole = min(whole, measured(lines, 2, [arguments]))
    reference = f"{count / alone:,.0f} ev/s"
    return [
        at_least(f"evaluation, {title}, against VW -p", alone / whole, f"{count / whole:,.0f} ev/s", reference, 0.75),
        told("    the replay alone", f"{count / replay:,.0f} ev/s", reference, alone / replay),
    ]


def run(quick: bool = False) -> list[Figure]:
    count, rounds = (20_000, 1) if quick else (60_000, 3)
    figures = []
    with tempfile.TemporaryDirectory() as name:
        folder, lines = Path(name), Path(name, "log.dsjson")
        migration.write(lines, count)
        crossed = schema(lines, folder)
        for title, arguments in (("default", policy.DEFAULT_ARGUMENTS), ("epsilon, no crossings", PLAIN)):
            figures += against_driver(lines, title, arguments, crossed, rounds)
        eight = [f"{PLAIN} -l {0.1 * number:g} -q Fj" for number in range(1, 9)]
        one, two = (min(measured(lines, cores, eight) for _ in range(rounds)) for cores in (1, 2))
        each = f"{8 * count / two:,.0f} ev/s", f"{8 * count / one:,.0f} ev/s"
        figures.append(at_least("evaluation, eight policies, two cores against one", one / two, *each, 1.6))
    return figures


if __name__ == "__main__":
    command.main("replay", __doc__, run)
