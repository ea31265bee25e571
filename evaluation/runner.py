"""Has the units of a plan worked, by processes of this machine or whatever else is a `concurrent.futures.Executor`."""

import shutil
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from pathlib import Path
from typing import NamedTuple

from evaluation import worker
from evaluation.errors import EvaluationError
from evaluation.worker import Order, Worked
from shared.evaluation import part, units
from shared.evaluation.part import Part, Unit
from shared.evaluation.plan import Plan
from shared.evaluation.replay import Unworkable
from shared.evaluation.spool import Spool

# Of the first lines of the log, as many bytes are worked with each policy before the start: they tell how long all will
# take. The fewer ones start what has to be started.
TRIED_BYTES = 64 << 10, 4 << 20
TRIED_POLICIES = 10
ATTEMPTS = 3
_ENDED = "A worker process was ended, most likely for want of memory: name fewer --workers, or fewer policies."


class Outcome(NamedTuple):
    """parts: of all units; failed: policies that cannot be judged, with the reason."""

    parts: dict[Unit, Part]
    failed: dict[str, str]


class _Pace(NamedTuple):
    """Seconds to start a unit, and for each byte of its lines."""

    start: float
    each: float

    def seconds(self, size: int) -> float:
        return self.start + self.each * size


class Runner:
    """at_once: how many units the executor works at the same time. folder: for states and events, empty.

    has_events: each unit also writes a line for every event.
    """

    def __init__(
        self, executor: Executor, at_once: int, made: Plan, spool: Spool, folder: Path, *, has_events: bool = False
    ) -> None:
        self._executor, self._at_once, self._plan, self._spool = executor, at_once, made, spool
        self._folder, self._has_events = folder, has_events
        self._done: dict[Unit, Part] = {}
        self._failed: dict[str, str] = {}
        self._attempts: dict[Unit, int] = {}

    def expected_seconds(self) -> float:
        """How long all will take, from the first lines of some policies; those that fail with them are left out."""
        candidates = self._plan.candidates
        tried = candidates[:: -(-len(candidates) // TRIED_POLICIES) or 1]
        log, measured = self._pace(Unit("", 0)), [self._pace(Unit(one.name, 0)) for one in tried]
        paces = [pace for pace in measured if pace is not None]
        self._attempts.clear()
        seconds = 0.0
        for number in range(len(self._plan.stretches)):
            size = self._bytes(number)
            worked = self._plan.racing(number) + len(candidates) - len(self._plan.race)
            seconds += sum(pace.seconds(size) for pace in paces) * worked / max(len(paces), 1)
            seconds += log.seconds(size) if log is not None else 0.0
        return seconds / min(self._at_once, 1 + len(candidates))

    def _pace(self, unit: Unit) -> _Pace | None:
        """Of a policy; None if it fails."""
        size = self._bytes(0)
        few, more = (min(limit, size) for limit in TRIED_BYTES)
        first = self._trial(unit, few)
        second = None if first is None else self._trial(unit, more)
        if first is None or second is None:
            return None
        each = max(second - first, 0.0) / (more - few) if more > 2 * few else second / more
        return _Pace(max(0.0, second - each * more), each)

    def _trial(self, unit: Unit, limit: int) -> float | None:
        """Seconds to work so many bytes; None if the policy fails."""
        if unit.policy in self._failed:
            return None
        folder = self._folder / "trial"
        worked = self._result(self._submit(self._order(unit, folder, limit)), unit)
        shutil.rmtree(folder, ignore_errors=True)
        return None if worked is None else worked.seconds

    def run(self, tell: Callable[[float, float], None]) -> Outcome:
        """Works all units. tell: is told the share that is done, 0..1, and the seconds so far."""
        running: dict[Future[Worked], Unit] = {}
        began, done_events = time.monotonic(), 0
        try:
            while True:
                for unit in units.ready(self._plan, self._done, self._failed):
                    if len(running) < self._at_once and unit not in running.values():
                        folder = self._state(unit)
                        running[self._submit(self._order(unit, folder))] = unit
                if not running:
                    return Outcome(self._done, self._failed)
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    unit = running.pop(future)
                    worked = self._result(future, unit)
                    if worked is not None:
                        self._done[unit] = part.decode(str(unit), worked.part)
                        self._forget(unit)
                        done_events += self._plan.stretches[unit.stretch].events
                tell(min(done_events / max(self._plan.work, 1), 1.0), time.monotonic() - began)
        finally:
            for future in running:
                future.cancel()

    def events(self) -> list[Path]:
        """Files with a line for each event, by policy and in order."""
        return [file for unit in sorted(self._done, key=_place) if (file := self._events(unit)).exists()]

    def _submit(self, order: Order) -> "Future[Worked]":
        try:
            return self._executor.submit(worker.carry_out, order)
        except BrokenExecutor:
            raise EvaluationError(_ENDED) from None

    def _result(self, future: "Future[Worked]", unit: Unit) -> Worked | None:
        """None if the policy failed, or if it is to be tried again."""
        try:
            return future.result()
        except Unworkable as reason:
            self._failed[unit.policy] = str(reason)
        except BrokenExecutor:
            raise EvaluationError(_ENDED) from None
        except OSError as error:
            self._attempts[unit] = self._attempts.get(unit, 0) + 1
            if self._attempts[unit] >= ATTEMPTS:
                raise EvaluationError(f"{unit.policy or 'The log'} could not be worked: {error}") from None
        return None

    def _order(self, unit: Unit, folder: Path, limit: int | None = None) -> Order:
        stretch = self._plan.stretches[unit.stretch]
        follows = unit.stretch > 0 and bool(unit.policy)
        waits = not unit.policy and unit.stretch >= self._plan.held_out > 0
        return Order(
            self._plan,
            unit,
            self._spool.files(stretch.since, stretch.until),
            folder,
            self._state(Unit(unit.policy, unit.stretch - 1)) if follows else None,
            self._events(unit) if self._has_events and limit is None else None,
            limit,
            units.single_action(self._plan, self._done) if waits else None,
        )

    def _bytes(self, stretch: int) -> int:
        one = self._plan.stretches[stretch]
        return sum(file.stat().st_size for file in self._spool.files(one.since, one.until))

    def _number(self, policy: str) -> int:
        names = ["", *(one.name for one in self._plan.candidates)]
        return names.index(policy)

    def _state(self, unit: Unit) -> Path:
        return self._folder / f"{self._number(unit.policy)}-{unit.stretch}"

    def _events(self, unit: Unit) -> Path:
        return self._folder / f"{self._number(unit.policy)}-{unit.stretch}.events"

    def _forget(self, unit: Unit) -> None:
        """Deletes the state that nothing will go on from."""
        if unit.stretch:
            shutil.rmtree(self._state(Unit(unit.policy, unit.stretch - 1)), ignore_errors=True)


def _place(unit: Unit) -> tuple[str, int]:
    return unit.policy, unit.stretch
