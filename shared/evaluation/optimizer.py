"""Automatic optimisation of one loop: an evaluation is asked for when it is due, what the gate lets through is applied
and watched, and taken back when rewards fall.

Each step stores what it is going to do before it does it, or does what changes nothing a second time. So an evaluator
that is killed goes on where it was, and of two of them one acts.
"""

import logging
import math
import time

import msgspec

from shared import telemetry
from shared.admin import undo
from shared.errors import ApiError, shown
from shared.evaluation import asking, job_store, optimization, promotion, recent_log, watching
from shared.evaluation.job import Asked, moment
from shared.evaluation.optimization import Optimization, Run, Under, Undo, Watch
from shared.evaluation.promotion import Decision, retained
from shared.loops import erasures, stored
from shared.loops.blob_names import Home
from shared.loops.config import LoopConfig
from shared.monitoring import blobs
from shared.monitoring.alarms.history import automation_stopped
from shared.serving.loop import Serving

# So often this process looks at the rewards since a policy was applied.
WATCH_SECONDS = 900.0
_watched: dict[Home, float] = {}  # when it last did

_log = logging.getLogger(__name__)


async def look(loop: Serving, now: float | None = None) -> None:
    """One look at a loop. now: s since 1970. Raises ApiError, Conflict, StorageUnavailable, Unreadable."""
    config = await loop.read_config()
    if config.auto_optimization.enabled:
        await _Turn(loop, config, time.time() if now is None else now).take()


async def held_by(loop: Serving) -> list[str]:
    """The alarms while which nothing is done by itself: what it would go by is wrong."""
    return automation_stopped((await blobs.alarms(loop.storage, loop.home)).value)


class _Turn:
    """A look at a loop whose switch is on."""

    def __init__(self, loop: Serving, config: LoopConfig, now: float) -> None:
        self._loop, self._config, self._now = loop, config, now
        self._found = optimization.NOTHING

    async def take(self) -> None:
        """Does what there is to do."""
        auto = self._config.auto_optimization
        self._found = await optimization.read(self._loop.storage, self._loop.home)
        if auto.since is None and self._state.seen is None:
            await self._keep(msgspec.structs.replace(self._state, seen=self._now))
            first = moment(round(optimization.next_due(auto, self._state)) * 1000)
            told = f"Automatic optimisation was switched on under an earlier version: it begins {first}."
            telemetry.notice(_log, told, self._loop.loop)
        if await held_by(self._loop):
            return
        if self._state.watch is not None:
            await self._watch(self._state.watch)
        running = self._state.running
        if running is not None:
            await self._go_on(running)
        elif self._now >= optimization.next_due(auto, self._state):
            await self._begin()

    @property
    def _state(self) -> Optimization:
        return self._found.value

    async def _keep(self, changed: Optimization) -> None:
        storage, home = self._loop.storage, self._loop.home
        dropped = {run.id for run in self._state.runs} - {run.id for run in changed.runs}
        self._found = await optimization.save(storage, home, self._found, changed)
        for name in dropped:
            await job_store.delete(storage, home, "evaluations", name)

    async def _begin(self) -> None:
        at = round(self._now * 1000)
        stretch = await recent_log.stretch(self._loop.storage, self._loop.home, self._config.retention_days, at)
        run = Run(f"auto-{moment(at - at % 1000)}", at, *stretch)
        await self._keep(msgspec.structs.replace(self._state.with_run(run), last=self._now))
        if self._config.mode == "Online":
            await self._ask(run)
        else:
            await self._end(retained(run, f"In the mode {self._config.mode} the loop's policy decides nothing."))

    async def _ask(self, run: Run) -> None:
        name = f"Automatic optimisation {moment(run.at)}"
        asked = Asked("evaluations", run.id, name, run.since, run.until, optimizes=True, automatic=True)
        try:
            await asking.ask(self._loop, asked)
        except ApiError as error:
            if error.retry_after is not None:
                raise
            await self._end(retained(run, error.message))
        else:
            await self._keep(self._state.with_run(msgspec.structs.replace(run, asked=True)))

    async def _go_on(self, run: Run) -> None:
        """Decides, once the evaluation of a run has ended."""
        storage, home = self._loop.storage, self._loop.home
        found = await job_store.read(storage, home, "evaluations", run.id)
        if found is None and not run.asked:
            await self._ask(run)
        elif found is None:
            await self._end(retained(run, "Its evaluation was deleted."))
        elif not found.job.is_open:
            outcome = await job_store.result(storage, home, found.job)
            since = self._config.auto_optimization.since
            decision = await promotion.decide(self._loop, run, found.job, outcome, since)
            if found.job.state == "completed":
                applied = msgspec.structs.replace(found.job, applied=decision.watch is not None)
                await job_store.save(storage, home, found, applied)
            await self._end(decision)

    async def _end(self, decision: Decision) -> None:
        run, watch = decision.run, decision.watch or self._state.watch
        await self._keep(msgspec.structs.replace(self._state.with_run(run), watch=watch))
        telemetry.tell(
            _log, "optimized", self._loop.loop, outcome=run.state, policy=shown(run.policy), reason=run.reason
        )

    async def _watch(self, watch: Watch) -> None:
        """Takes a policy back if rewards have fallen.

        One that somebody has replaced is theirs to watch, and so are rewards that they have settled otherwise.
        """
        loop, config = self._loop, self._config
        state = (await stored.read_checkpoint(loop.storage, loop.home)).value
        is_ours = config.policy == watch.policy and config.replaced is not None and config.replaced.at == watch.at
        if not watch.fallen:
            is_same = watch.under in (None, Under.of(config))
            if not (is_ours and is_same) or (state is not None and state.taken_over != watch.epoch):
                await self._keep(msgspec.structs.replace(self._state, watch=None))
                return
            if self._now - _watched.get(loop.home, -math.inf) < WATCH_SECONDS:
                return
            _watched[loop.home] = self._now
            seen = await watching.look(loop.storage, loop.home, watch.at, round(self._now * 1000))
            if not seen.fallen:
                if seen.over:
                    await self._keep(msgspec.structs.replace(self._state, watch=None))
                return
            watch = msgspec.structs.replace(watch, fallen=seen.fallen)
            await self._keep(msgspec.structs.replace(self._state, watch=watch))
        if is_ours:
            if await erasures.is_any_open(loop.storage, loop.home):
                return  # undo would refuse it, and is tried again at the next look
            await undo.undo(loop)
            self._config = await loop.read_config()
        await self._end_watch(watch)

    async def _end_watch(self, watch: Watch) -> None:
        """Records that a policy was taken back."""
        undone, state = Undo(round(self._now * 1000), watch.fallen), msgspec.structs.replace(self._state, watch=None)
        for run in state.runs:
            if run.id == watch.id:
                state = state.with_run(msgspec.structs.replace(run, undone=undone))
        await self._keep(state)
        told = f"The policy '{shown(watch.policy.name)}' was taken back. {watch.fallen}"
        telemetry.notice(_log, told, self._loop.loop)
