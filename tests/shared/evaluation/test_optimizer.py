"""Automatic optimisation, over months that pass in a moment: what is asked for, applied, watched and taken back."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from harness.jobs import imported, race_few, work
from harness.logs import START, World, encoded, log
from harness.trained import Deployment

from shared.evaluation import job_store, optimization, optimization_answers, optimizer
from shared.evaluation.job import Asked, Job
from shared.evaluation.optimization import MOST_RUNS, Optimization, Run, Under, Watch
from shared.loops import commits, stored, summary, summary_names
from shared.loops.blob_names import DEFAULT_HOME, blob_name
from shared.loops.checkpoint import Checkpoint, Summarised
from shared.loops.commits import Stored
from shared.loops.config import AutoOptimization, LoopConfig, Policy
from shared.loops.gathering import Gatherer
from shared.loops.summary import DAY_MS, HOUR_MS
from shared.monitoring import blobs
from shared.monitoring.alarms.history import History, Standing
from shared.serving.loop import Serving
from shared.serving.service import Service

DAY = 86_400.0
BEGUN = START / 1000 - 20 * DAY
FREQUENCY = 28 * DAY
SLOW = Policy("slow", "--cb_explore_adf --cb_type mtr --epsilon 0.3 -l 0.0001")
ON = LoopConfig(policy=SLOW, exploration=0.3, auto_optimization=AutoOptimization(True, FREQUENCY, None, BEGUN))


@pytest.fixture
async def parts(environment: dict[str, str]) -> AsyncIterator[Service]:
    from shared.settings import load

    service = Service(load(environment))
    yield service
    await service.close()


@pytest.fixture
async def loop(parts: Service) -> Serving:
    """The loop default, whose switch was put on twenty days before its log begins."""
    await Deployment(parts).make("default", config=ON)
    optimizer._watched.clear()
    return parts.loop()


async def state(loop: Serving) -> Optimization:
    return (await optimization.read(loop.storage, loop.home)).value


async def put(loop: Serving, config: LoopConfig) -> None:
    await loop.storage.put(stored.config_name(loop.home), config.encoded())


async def test_a_better_policy_is_found_applied_watched_and_taken_back(
    loop: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    race_few(monkeypatch)
    due = BEGUN + FREQUENCY
    await optimizer.look(loop, due - 1)
    assert await state(loop) == Optimization()
    run = await evaluated(loop)
    assert (run.state, run.asked) == ("Running", True)
    await optimizer.look(loop, due + 1)
    await optimizer.look(loop, due + 2)

    (run,) = (await state(loop)).runs
    config = await loop.read_config()
    assert (run.state, run.reason, config.policy.name) == ("OptimalPolicyApplied", "", run.policy)
    assert run.means is not None
    assert run.means.best is not None
    assert run.means.best > run.means.online
    assert config.replaced is not None
    assert config.replaced.policy == SLOW
    told = await optimization_answers.read(loop)
    assert (told.watched, told.runs[0].status) == (run.policy, "OptimalPolicyApplied")
    found = await job_store.read(loop.storage, loop.home, "evaluations", run.id)
    assert found is not None
    assert found.job.applied is True

    before = (await state(loop)).watch
    for day, earned, kept in ((3, 0.5, True), (4, 0.2, False)):
        await summarised(loop, config.replaced.at, day, earned)
        await optimizer.look(loop, config.replaced.at / 1000 + day * DAY)
        known = await state(loop)
        assert (known.watch == before) is kept
        assert ((await loop.read_config()).policy == config.policy) is kept
    run = known.runs[0]
    assert run.undone is not None
    assert "The mean reward of" in run.undone.reason
    config = await loop.read_config()
    assert (config.policy, config.exploration, config.replaced) == (SLOW, 0.3, None)
    assert known.watch is None


async def summarised(loop: Serving, at: int, days: int, earned: float) -> None:
    """Rewards of .5 in the seven days before an instant, and of something else in the days since."""
    gatherer, chance = Gatherer(), random.Random(1)
    for hour in range(-7 * 24, days * 24):
        for _ in range(12):
            reward = float(chance.random() < (0.5 if hour < 0 else earned))
            gatherer.show(at + hour * HOUR_MS + chance.randrange(HOUR_MS), 0, reward, [0.8, 0.2], [1, 2], "a")
    whole = gatherer.finished()
    for day in {stretch // DAY_MS * DAY_MS for stretch in whole.stretches}:
        name = summary_names.rolled_up(loop.home, summary_names.FINE, day, Summarised())
        await loop.storage.put(name, summary.encode(whole.within(day, day + DAY_MS)))
    known = await commits.load(loop.storage, loop.home)
    reached = msgspec.structs.replace(known.checkpoint, cut=at + 30 * DAY_MS, summarised=Summarised())
    await commits.save(loop.storage, loop.home, known, reached)


@pytest.mark.soak
async def test_rewards_that_do_not_depend_on_the_action_change_nothing(loop: Serving) -> None:
    await imported(loop, encoded(log(900, world=World(earns=((0.4,) * 3,) * 2))))
    await optimizer.look(loop, BEGUN + FREQUENCY)
    (run,) = (await state(loop)).runs
    await work(loop, run.id)
    await optimizer.look(loop, BEGUN + FREQUENCY + 1)
    (run,) = (await state(loop)).runs
    assert run.state == "OnlinePolicyRetained"
    assert run.reason
    assert await loop.read_config() == ON


async def test_an_empty_log_and_a_deleted_evaluation_have_a_reason(loop: Serving) -> None:
    await optimizer.look(loop, BEGUN + FREQUENCY)
    await imported(loop, encoded(log(100)))
    await optimizer.look(loop, BEGUN + FREQUENCY + 1)  # the next one is due a month later
    await optimizer.look(loop, BEGUN + 2 * FREQUENCY)
    first, second = (await state(loop)).runs
    assert (first.state, first.reason) == (
        "OnlinePolicyRetained",
        "The log is empty: import one, or wait for the first events.",
    )
    assert second.state == "Running"
    await job_store.delete(loop.storage, loop.home, "evaluations", second.id)
    await optimizer.look(loop, BEGUN + 2 * FREQUENCY + 1)
    assert (await state(loop)).runs[1].reason == "Its evaluation was deleted."


async def test_an_evaluation_that_was_never_made_is_made(loop: Serving) -> None:
    await imported(loop, encoded(log(100)))
    begun = Run("auto-x", 1, START, START + DAY_MS)
    await optimization.save(loop.storage, loop.home, optimization.NOTHING, Optimization(last=BEGUN, runs=[begun]))
    await optimizer.look(loop, BEGUN + 1)
    assert (await state(loop)).runs == [msgspec.structs.replace(begun, asked=True)]
    assert await job_store.read(loop.storage, loop.home, "evaluations", "auto-x")


async def stored_blobs(loop: Serving) -> dict[str, bytes]:
    """All that is stored of it."""
    names = await loop.storage.names(blob_name(loop.home, ""))
    found = [await loop.storage.read(name) for name in names]
    return {name: blob.data for name, blob in zip(names, found, strict=True) if blob is not None}


async def evaluated(loop: Serving) -> Run:
    """A run whose evaluation has found a better policy, which is not applied yet."""
    await imported(loop, encoded(log(1_500)))
    if not _evaluated:
        await optimizer.look(loop, BEGUN + FREQUENCY)
        await work(loop, (await state(loop)).runs[0].id)
        _evaluated.update(await stored_blobs(loop))
    for name, data in _evaluated.items():
        await loop.storage.put(name, data)
    (run,) = (await state(loop)).runs
    return run


_evaluated: dict[str, bytes] = {}


async def test_a_policy_that_was_changed_meanwhile_stays(loop: Serving) -> None:
    await evaluated(loop)
    other = ON.with_policy(Policy("mine", "--cb_explore_adf --epsilon 0.1"))
    await put(loop, other)
    await optimizer.look(loop, BEGUN + FREQUENCY + 1)
    (run,) = (await state(loop)).runs
    assert (run.state, run.reason) == ("OnlinePolicyRetained", "The policy was changed while it was compared.")
    assert await loop.read_config() == other
    assert (await state(loop)).watch is None


async def test_two_evaluators_and_one_that_was_killed_behind_the_change_come_to_the_same(loop: Serving) -> None:
    await evaluated(loop)
    found = await optimization.read(loop.storage, loop.home)
    await optimizer.look(loop, BEGUN + FREQUENCY + 1)
    applied, config = await state(loop), await loop.read_config()
    again = await optimization.read(loop.storage, loop.home)
    await optimization.save(loop.storage, loop.home, again, found.value)
    ended = await asyncio.gather(
        *(optimizer.look(loop, BEGUN + FREQUENCY + 1) for _ in range(2)), return_exceptions=True
    )
    assert None in ended, ended
    assert await state(loop) == applied
    assert await loop.read_config() == config


async def test_what_an_owner_changes_is_watched_no_longer(loop: Serving) -> None:
    config = ON.with_policy(Policy("found", "--cb_explore_adf --epsilon 0.2"))
    assert config.replaced is not None
    watch = Watch("auto-x", config.policy, config.replaced.at, 0, under=Under.of(config))
    settings: dict[str, Any] = {"default_reward": 0.5, "mode": "Apprentice", "exploration": 0.9, "retention_days": 3}
    for owner in ("nobody", *settings, "erasure", "policy", "model"):
        own = {owner: settings[owner]} if owner in settings else {}
        await put(loop, msgspec.structs.replace(config, **own))
        now = await optimization.read(loop.storage, loop.home)
        await optimization.save(loop.storage, loop.home, now, Optimization(last=time.time(), watch=watch))
        if owner == "policy":
            await put(loop, config.with_policy(SLOW))
        elif owner in ("erasure", "model"):
            changed = Checkpoint(epoch=1, erasures=int(owner == "erasure"))
            await commits.save(loop.storage, loop.home, await commits.load(loop.storage, loop.home), changed)
        await optimizer.look(loop)
        assert (await state(loop)).watch == (watch if owner in ("nobody", "retention_days", "erasure") else None), owner


@pytest.mark.parametrize("is_on", [True, False])
async def test_nothing_is_told_to_be_watched_while_the_switch_is_off(loop: Serving, *, is_on: bool) -> None:
    auto = msgspec.structs.replace(ON.auto_optimization, enabled=is_on)
    await put(loop, msgspec.structs.replace(ON, auto_optimization=auto))
    known = Optimization(last=time.time(), watch=Watch("auto-x", SLOW, 1, 0))
    await optimization.save(loop.storage, loop.home, await optimization.read(loop.storage, loop.home), known)
    assert (await optimization_answers.read(loop)).watched == ("slow" if is_on else None)


async def test_a_switch_of_an_earlier_version_begins_one_frequency_after_it_was_seen(
    loop: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    auto = AutoOptimization(True, 7 * DAY, "2019-01-19T00:00:00Z")
    await put(loop, msgspec.structs.replace(ON, auto_optimization=auto))
    await optimizer.look(loop, BEGUN)
    assert "switched on under an earlier version" in caplog.text
    assert optimization.next_due(auto, await state(loop)) == BEGUN + 7 * DAY
    await optimizer.look(loop, BEGUN + 7 * DAY - 1)
    assert (await state(loop)).runs == []
    await optimizer.look(loop, BEGUN + 7 * DAY)
    assert len((await state(loop)).runs) == 1


async def test_a_switch_that_is_off_costs_one_read_and_does_nothing(loop: Serving) -> None:
    await put(loop, msgspec.structs.replace(ON, auto_optimization=AutoOptimization()))
    await optimizer.look(loop)
    assert await loop.storage.names(f"loops/{DEFAULT_HOME}/optimization") == []


async def test_nothing_is_done_while_the_log_cannot_be_trusted(loop: Serving) -> None:
    await imported(loop, encoded(log(100)))
    await commits.save(loop.storage, loop.home, Stored(Checkpoint(), None), Checkpoint())
    raised = History(alarms={"rewards-missing": Standing(state="warning"), "reward-drop": Standing(state="critical")})
    kept = await blobs.keep_alarms(loop.storage, loop.home, await blobs.alarms(loop.storage, loop.home), raised)
    await optimizer.look(loop, BEGUN + FREQUENCY)
    assert (await state(loop)).runs == []
    assert (await optimization_answers.read(loop)).held_by == ["rewards-missing"]
    await blobs.keep_alarms(loop.storage, loop.home, kept, History(alarms={"reward-drop": Standing(state="critical")}))
    await optimizer.look(loop, BEGUN + FREQUENCY)
    assert len((await state(loop)).runs) == 1


async def test_the_last_runs_are_kept_with_their_evaluations(loop: Serving) -> None:
    runs = [Run(f"auto-{number}", number, 0, 1, True, "OnlinePolicyRetained") for number in range(MOST_RUNS)]
    await optimization.save(loop.storage, loop.home, optimization.NOTHING, Optimization(last=BEGUN, runs=runs))
    for run in runs[:2]:
        asked = Asked("evaluations", run.id, "", 0, 1, automatic=True)
        await job_store.create(loop.storage, loop.home, Job(asked, "2026-01-01T00:00:00Z", "completed"))
    await optimizer.look(loop, BEGUN + FREQUENCY)
    assert (await state(loop)).runs[:-1] == runs[1:]
    (left,) = await job_store.listed(loop.storage, loop.home, "evaluations")
    assert left.asked.id == "auto-1"


async def test_a_damaged_state_begins_anew(loop: Serving, caplog: pytest.LogCaptureFixture) -> None:
    await loop.storage.put(f"loops/{DEFAULT_HOME}/optimization.json", b"{")
    await optimizer.look(loop, BEGUN + FREQUENCY)
    assert "begins anew" in caplog.text
    assert len((await state(loop)).runs) == 1


@pytest.mark.parametrize(
    ("auto", "last", "due"),
    [
        (AutoOptimization(True, DAY, None, 100.0), 0.0, 100 + DAY),
        (AutoOptimization(True, DAY, None, 100.0), 100 + DAY, 100 + 2 * DAY),
        (AutoOptimization(True, DAY, None, 100.0), 150 + 5 * DAY, 100 + 6 * DAY),
        (AutoOptimization(True, DAY, "1970-01-01T00:03:00Z", 100.0), 0.0, 180),
        (AutoOptimization(True, DAY, "1970-01-01T00:03:00", 100.0), 180.5, 180 + DAY),
        (AutoOptimization(True, DAY, "1970-01-01T00:01:00+00:00", 100.0), 0.0, 60 + DAY),
        (AutoOptimization(True, DAY, "0001-01-01T00:00:00Z", 100.0), 0.0, DAY),
        (AutoOptimization(True, DAY, None, None), 0.0, float("inf")),
    ],
)
def test_runs_are_due_from_the_start_on_by_the_frequency(auto: AutoOptimization, last: float, due: float) -> None:
    assert optimization.next_due(auto, Optimization(last=last)) == due
