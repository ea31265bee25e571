"""The command `compare`: what policies would have earned, over a loop in storage or over files."""

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import Executor
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from evaluation import executors, output, policies, report, source
from evaluation.errors import EvaluationError
from evaluation.runner import Outcome, Runner
from migration.progress import Progress
from migration.target import blobs
from shared import scratch
from shared.evaluation import buckets, plan, result
from shared.evaluation.plan import FIVE_MINUTES_MS, Candidate, Plan
from shared.evaluation.result import Result
from shared.evaluation.spool import Period, Spool
from shared.loops.config import LoopConfig

_NOT_ROBUST = "The log decides about several slots, for which there is no model of rewards: leave out --doubly-robust."

_UNTIMED = (
    "events say no time (Timestamp): each is taken to be a second after the one before it, so that times and days here "
    "mean nothing."
)


class Question(NamedTuple):
    """What is evaluated. config: the loop's, or what stands in for it; has_loop: it is a loop's.

    untimed: how many events say no time.
    """

    config: LoopConfig
    has_loop: bool
    spool: Spool
    untimed: int = 0

    @property
    def is_multi_slot(self) -> bool:
        """By the loop's policy; by the events where there is no loop."""
        return self.config.policy.parsed.is_multi_slot if self.has_loop else self.spool.is_multi_slot

    async def candidates(self, given: Sequence[str]) -> list[Candidate]:
        """The policies that a command is given; raises EvaluationError."""
        several = self.is_multi_slot
        return await policies.chosen(given, self.config, has_loop=self.has_loop, is_multi_slot=several)

    def check_single(self, reason: str) -> None:
        """EvaluationError with the reason if the log is about several slots."""
        if self.is_multi_slot:
            raise EvaluationError(reason)


def cores() -> int:
    """Those that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


async def run(given: argparse.Namespace) -> int:
    """Compares and prints; raises EvaluationError."""
    output.check(given.json, given.html, given.events)
    with scratch.folder() as folder:
        question = await asked(given, Path(folder, "log"))
        if given.doubly_robust:
            question.check_single(_NOT_ROBUST)
        candidates = await question.candidates(given.policy)
        made = msgspec.structs.replace(planned(question, candidates), is_robust=given.doubly_robust)
        with executors.of(given) as executor:
            outcome = worked(given, made, question, executor, Path(folder, "work"))
        found = combined(question, made, outcome)
    report.show(found)
    output.write(found, given.json, given.html)
    return 0


async def asked(given: argparse.Namespace, folder: Path) -> Question:
    """Reads the log; EvaluationError if there is nothing to evaluate."""
    if given.log and given.data is not None:
        raise EvaluationError("Name either --log, for files, or --data, for a loop.")
    scratch.sweep()
    spool, progress, untimed = Spool(folder, _period(given)), Progress(), 0
    if given.log:
        config = _changed(LoopConfig(), given)
        untimed = source.of_files(given.log, spool, progress)
    else:
        async with blobs(given.data, given.loop) as loop:
            config = _changed((await loop.config())[0], given)
            await source.of_loop(loop, config, spool, progress)
    progress.end(f"{spool.events:,} events read")
    if not spool.events:
        raise EvaluationError(_nothing(given, spool))
    return Question(config, not given.log, spool, untimed)


def planned(question: Question, candidates: Sequence[Candidate]) -> Plan:
    """What is to be done."""
    stretches = question.spool.stretches()
    if question.is_multi_slot:
        reward, slots = question.config.default_reward, question.spool.slots
        return Plan(list(candidates), stretches, reward, is_multi_slot=True, slots=slots)
    return Plan(
        list(candidates),
        stretches,
        question.config.default_reward,
        question.spool.schema,
        plan.half(stretches),
        keeps_series=len(stretches) < buckets.ENOUGH_STRETCHES,
        series_minutes=min(buckets.width(stretches[-1].until - stretches[0].since), buckets.LONGEST),
    )


def worked(given: argparse.Namespace, made: Plan, question: Question, executor: Executor, folder: Path) -> Outcome:
    """Has the plan worked: says how long that will take, then how far it is."""
    folder.mkdir(parents=True)
    events = getattr(given, "events", None)
    runner = Runner(executor, given.workers, made, question.spool, folder, has_events=events is not None)
    expected = runner.expected_seconds()
    names = len(made.candidates)
    told = f"{names} learning {'policy' if names == 1 else 'policies'} over {question.spool.events:,} events"
    progress = Progress()
    progress.say(f"{told}: about {duration(expected)}")
    outcome = runner.run(lambda share, seconds: progress.update(_told(share, seconds)))
    progress.end("all units worked")
    if events is not None:
        _gather(runner.events(), events)
    return outcome


def combined(question: Question, made: Plan, outcome: Outcome, first: int = 0) -> Result:
    """The result, with what was skipped before any policy saw it. first: as of `result.combine`."""
    found = result.combine(made, outcome.parts, outcome.failed, first)
    skipped = {**found.skipped, **question.spool.skipped}
    if question.spool.outside:
        skipped["outside the period"] = question.spool.outside
    notes = [f"{question.untimed:,} {_UNTIMED}"] if question.untimed else []
    return msgspec.structs.replace(found, skipped=skipped, notes=found.notes + notes)


def duration(seconds: float) -> str:
    """As a person says it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5_400 else f"{seconds / 3_600:.1f} hours"


def _told(share: float, seconds: float) -> str:
    left = duration(seconds / share - seconds) if share else "unknown"
    return f"{share:.0%} done, {left} left"


def _gather(files: list[Path], into: Path) -> None:
    try:
        with into.open("wb") as gathered:
            for file in files:
                gathered.write(file.read_bytes())
    except OSError as error:
        raise EvaluationError(f"{into} cannot be written: {error.strerror}") from None


def _period(given: argparse.Namespace) -> Period:
    """Rounded outward to five minutes."""
    since, until = (None if one is None else round(one.timestamp() * 1000) for one in (given.since, given.until))
    if since is not None and until is not None and since >= until:
        raise EvaluationError("--from is not before --to: name a period that begins before it ends.")
    if since is not None and since > datetime.now(UTC).timestamp() * 1000:
        raise EvaluationError("--from is in the future, where no log is yet: name an earlier time.")
    return Period(
        None if since is None else since - since % FIVE_MINUTES_MS,
        None if until is None else until + -until % FIVE_MINUTES_MS,
    )


def _changed(config: LoopConfig, given: argparse.Namespace) -> LoopConfig:
    """The configuration with what the command names otherwise."""
    if given.exploration is not None:
        config = msgspec.structs.replace(config, exploration=given.exploration)
    if given.default_reward is not None:
        config = msgspec.structs.replace(config, default_reward=given.default_reward)
    return config


def _nothing(given: argparse.Namespace, spool: Spool) -> str:
    """Why there is no event."""
    if spool.first is not None and spool.last is not None:
        reach = f"from {report.moment(spool.first)} to {report.moment(spool.last)} UTC"
        return f"No event is in this period: the log reaches {reach}. Name another --from and --to."
    if not given.log:
        return f"The log of loop {given.loop} is empty: import one, or wait for the first events."
    reasons = "; ".join(f"{count:,} lines: {reason}" for reason, count in spool.skipped.most_common(3))
    why = f": {reasons}" if reasons else ""
    return f"There is no event in these files{why}. Name files of dsjson, an event per line."
