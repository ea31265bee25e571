"""What does not fit into a run's budget is learned by later ones, with the same weights, and other loops go on."""

import asyncio
import gzip
import json

import msgspec
import pytest
from harness.stored import replayed, told, unweighted
from harness.trained import AT_ONCE, Deployment, trainer

from shared.hubs.reader_pairs import Heads
from shared.joined_log import outlook
from shared.loops import commits, stored
from shared.loops.artifacts import Artifact
from shared.loops.checkpoint import Checkpoint, Plan
from shared.loops.config import Policy
from shared.loops.counts import Counts
from shared.loops.model_records import Backlog, Draft, ModelRecord, Place
from shared.serving.service import Service
from shared.training import course, lane, new_model, progress
from shared.training import trainer as trainer_module
from shared.training.course import Course
from shared.training.lane import Lane
from shared.training.new_model import Learned
from shared.training.trainee import Trainee
from shared.vw.budget import Budget
from shared.vw.cost import cost_of
from shared.vw.policy import HISTORIC_ARGUMENTS, parse

IDS = [f"e{number}" for number in range(30)]
# The budget of some ten of these events.
FEW = 2_000


@pytest.fixture
def deployed(parts: Service, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.setattr(new_model, "UNITS", FEW)
    monkeypatch.setattr(trainer_module, "PAUSE_SECONDS", 0.05)
    return Deployment(parts)


async def fill(deployed: Deployment, *, loop: str = "default", ids: list[str] = IDS) -> None:
    for number, event_id in enumerate(ids):
        if number % 3 == 0:
            await deployed.reward(event_id, 0.5, loop=loop)
    await deployed.rank(*ids, loop=loop, deferred=False)


async def log(deployed: Deployment, loop: str = "default") -> bytes:
    blobs = await deployed.blobs(loop, "logs/")
    return b"".join(gzip.decompress(data) for name, data in blobs.items() if name.endswith(".dsjson.gz"))


async def is_what_vw_learns(deployed: Deployment) -> bool:
    """True if the model has the weights that VW's own driver learns from the log in one go."""
    model, lines = (await deployed.checkpoint()).model, await log(deployed)
    assert model is not None
    if parse(model.arguments).unweighted:
        lines = unweighted(lines)
    return replayed(lines, await trained_state(deployed), told(msgspec.to_builtins(model)))


async def trained_state(deployed: Deployment, loop: str = "default") -> bytes:
    model = (await deployed.checkpoint(loop)).model
    assert model is not None
    blob = await deployed.storage.read(model.trainer.name)
    assert blob is not None
    return blob.data


async def test_a_run_learns_its_budget_and_later_ones_the_rest_with_equal_weights(
    deployed: Deployment, parts: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer_module, "CATCHING_UP_SECONDS", 0.0)
    await deployed.make("default")
    await fill(deployed)
    waiting: list[int] = []
    async with trainer(parts) as one:
        for _ in range(20):
            await one.tick()
            state = await deployed.checkpoint()
            waiting.append(state.backlog.events if state.backlog is not None else 0)
            if not waiting[-1]:
                break
            monkeypatch.setattr(trainer_module, "CATCHING_UP_SECONDS", 0.5)
    assert waiting[0] > 10
    assert waiting == sorted(waiting, reverse=True)
    assert waiting[-1] == 0
    assert await deployed.counts() == {"learned": 30, "rewarded": 10, "matched": 10}
    assert state.model is not None
    assert state.model.learned == 30
    assert await is_what_vw_learns(deployed)


async def test_events_that_come_while_a_loop_catches_up_are_learned_after_those_before(
    deployed: Deployment, parts: Service
) -> None:
    await deployed.make("default")
    await fill(deployed)
    async with trainer(parts) as one:
        await one.tick()
        await fill(deployed, ids=[f"later-{number}" for number in range(15)])
        for _ in range(3):
            await one.tick()
    state = await deployed.checkpoint()
    assert (state.backlog, state.draft) == (None, None)
    assert await deployed.counts() == {"learned": 45, "rewarded": 15, "matched": 15}
    assert await is_what_vw_learns(deployed)


async def test_another_trainer_goes_on_where_one_has_stopped(
    deployed: Deployment, parts: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer_module, "CATCHING_UP_SECONDS", 0.0)
    await deployed.make("default")
    await fill(deployed)
    async with trainer(parts) as one:
        await one.tick()
    assert (await deployed.checkpoint()).backlog is not None
    monkeypatch.undo()
    monkeypatch.setattr(new_model, "UNITS", FEW)
    async with trainer(parts) as other:
        for _ in range(3):
            await other.tick()
    assert (await deployed.checkpoint()).backlog is None
    assert await is_what_vw_learns(deployed)


async def test_another_policy_learns_the_log_part_by_part_while_the_old_model_serves(
    deployed: Deployment, parts: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deployed.make("default")
    await fill(deployed)
    async with trainer(parts) as one:
        for _ in range(3):
            await one.tick()
        before = await deployed.checkpoint()
        assert before.backlog is None
        changed = msgspec.structs.replace(AT_ONCE, policy=Policy("other", HISTORIC_ARGUMENTS))
        await deployed.storage.put(stored.config_name(deployed.home("default")), changed.encoded())
        monkeypatch.setattr(trainer_module, "CATCHING_UP_SECONDS", 0.0)
        await one.tick()  # without any new event
        between = await deployed.checkpoint()
        assert between.draft is not None
        assert (between.model, between.draft.learned > 0) == (before.model, True)
        monkeypatch.setattr(trainer_module, "CATCHING_UP_SECONDS", 60.0)
        for _ in range(2):
            await one.tick()
    after = await deployed.checkpoint()
    assert (after.draft, after.backlog) == (None, None)
    assert after.model is not None
    assert (after.model.arguments, after.model.learned) == (changed.arguments, 30)
    assert await deployed.counts() == {"learned": 30, "rewarded": 10, "matched": 10}
    assert await is_what_vw_learns(deployed)


async def test_a_policy_that_is_put_back_goes_on_with_its_model_and_misses_no_event(
    deployed: Deployment, parts: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deployed.make("default")
    await fill(deployed)
    name = stored.config_name(deployed.home("default"))
    async with trainer(parts) as one:
        for _ in range(3):
            await one.tick()
        other = msgspec.structs.replace(AT_ONCE, policy=Policy("other", HISTORIC_ARGUMENTS))
        await deployed.storage.put(name, other.encoded())
        monkeypatch.setattr(trainer_module, "CATCHING_UP_SECONDS", 0.0)
        await fill(deployed, ids=["between-1", "between-2"])
        await one.tick()
        assert (await deployed.checkpoint()).draft is not None
        await deployed.storage.put(name, AT_ONCE.encoded())
        monkeypatch.setattr(trainer_module, "CATCHING_UP_SECONDS", 60.0)
        for _ in range(3):
            await one.tick()
    state = await deployed.checkpoint()
    assert (state.draft, state.backlog) == (None, None)
    assert await is_what_vw_learns(deployed)


async def test_a_loop_that_costs_much_does_not_hold_up_the_others(deployed: Deployment, parts: Service) -> None:
    """While one catches up, events of the other that came after the tick began are learned before the tick ends."""
    await deployed.make("default", "dear")
    await fill(deployed, loop="dear", ids=[f"d{number}" for number in range(30)])
    async with trainer(parts) as one:
        await one.tick()
        await fill(deployed, loop="dear", ids=[f"more-{number}" for number in range(30)])
        ticking = asyncio.create_task(one.tick())
        await fill(deployed, ids=["x", "y"])
        await ticking
        await one.tick()
    assert await deployed.counts() == {"learned": 2, "rewarded": 1, "matched": 1}
    assert await deployed.counts("dear") == {"learned": 60, "rewarded": 20, "matched": 20}


async def test_a_loop_that_cannot_go_on_leaves_the_turns_to_the_others(
    deployed: Deployment, parts: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wait time that was made longer closes nothing for a while, whatever has to be caught up with."""
    monkeypatch.setattr(trainer_module, "CATCHING_UP_SECONDS", 0.0)
    await deployed.make("default", "stuck")
    async with trainer(parts) as one:
        await fill(deployed, loop="stuck")
        await one.tick()
        await fill(deployed)
        await one.tick()
        assert (await deployed.checkpoint("stuck")).backlog is not None
        assert (await deployed.checkpoint()).backlog is not None
        longer = msgspec.structs.replace(AT_ONCE, wait=3600.0, retrain_days=0)
        await deployed.storage.put(stored.config_name(deployed.home("stuck")), longer.encoded())
        monkeypatch.setattr(trainer_module, "CATCHING_UP_SECONDS", 60.0)
        await one.tick()
    assert (await deployed.checkpoint()).backlog is None


def test_turns_go_by_when_a_loop_was_served_and_not_by_how_old_its_events_are() -> None:
    slow, fast = (Trainee(name, "", AT_ONCE) for name in ("slow", "fast"))
    slow.config = msgspec.structs.replace(AT_ONCE, wait=172_800.0)
    slow.checkpoint = Checkpoint(cut=1_000, committed=20)
    fast.checkpoint = Checkpoint(cut=172_801_000, committed=10)
    assert lane.furthest_behind([slow, fast]) == [slow]
    assert lane.longest_unserved([slow, fast]) == [fast]


async def test_what_has_to_catch_up_is_never_served_among_the_others(
    deployed: Deployment, parts: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two loops get a backlog, the second one while the first catches up."""
    served: list[bool] = []
    await deployed.make("default", "dear")
    await fill(deployed, loop="dear", ids=[f"d{number}" for number in range(90)])
    async with trainer(parts) as one:
        usual = one._usual

        async def serve(group: list[Trainee], heads: Heads) -> list[Trainee]:
            served.extend(trainee.has_to_catch_up for trainee in group)
            return await Lane.serve(usual, group, heads)

        monkeypatch.setattr(usual, "serve", serve)
        await one.tick()
        ticking = asyncio.create_task(one.tick())
        await fill(deployed)
        await ticking
        for _ in range(3):
            await one.tick()
    assert len(served) >= 2
    assert not any(served)
    assert await deployed.counts() == {"learned": 30, "rewarded": 10, "matched": 10}
    assert await deployed.counts("dear") == {"learned": 90, "rewarded": 30, "matched": 30}


def test_a_draft_that_is_refused_leaves_the_events_of_its_run_to_the_model_that_stays() -> None:
    plan = Plan("run-2", 2_000, [], [], AT_ONCE)
    file = Artifact("file", "digest")
    model = ModelRecord("run-1", file, file, "now", AT_ONCE.arguments, outlook.settings_of(AT_ONCE), 0, 30)
    other = msgspec.structs.replace(AT_ONCE, policy=Policy("other", HISTORIC_ARGUMENTS))
    draft = Draft(other.arguments, outlook.settings_of(other), 0, Place(""))
    one = Course(other.arguments, None, draft.at, 0, 0, draft)
    run = Learned(one, None, None, Budget(cost_of(other.arguments)), None)
    before = Checkpoint(model=model, draft=draft)
    after = progress.refused(before, plan, Counts(learned=7), run, "it was refused")
    assert (after.draft, after.model) == (None, model)
    assert after.backlog == Backlog(Place("run-2.dsjson.gz"), 7)
    # The policy that was refused is not tried again without end; the one before it learns what waits for it.
    assert not course.has_to_catch_up(after, other)
    assert course.has_to_catch_up(after, AT_ONCE)
    assert progress.refused(before, plan, Counts(), run, "it was refused").backlog is None


async def test_an_event_that_costs_more_than_any_run_may_learn_is_refused_and_counted(
    deployed: Deployment, parts: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deployed.make("default")
    wide = json.dumps({"FromUrl": [{f"c{number}": 1.5 for number in range(400)}], "_multi": []})
    context = msgspec.Raw(
        wide.replace('"_multi": []', '"_multi":[{"_tag":"a","i":{"constant":1,"id":"a"},"j":[{"x":1}]}]').encode()
    )
    monkeypatch.setattr("shared.vw.budget.MOST", 50_000)
    await fill(deployed, ids=IDS[:5])
    await deployed.rank("wide", deferred=False, c=context, a=[1], p=[1.0])
    async with trainer(parts) as one:
        for _ in range(3):
            await one.tick()
    assert await deployed.counts() == {"learned": 5, "rewarded": 2, "matched": 2, "rejected": 1}
    assert set(await deployed.joined()) == {*IDS[:5], "wide"}


async def test_a_change_of_settings_replaces_a_model_only_by_one_that_knows_half_as_much(
    deployed: Deployment, parts: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_model, "UNITS", 10**9)
    await deployed.make("default")
    await fill(deployed)
    name = stored.config_name(deployed.home("default"))
    async with trainer(parts) as one:
        await one.tick()
        before = await deployed.checkpoint()
        assert before.model is not None
        for learned, is_replaced in ((61, False), (None, False), (60, True)):
            # As if it had learned so many events elsewhere, None: nobody knows how many.
            elsewhere = msgspec.structs.replace(before.model, learned=learned)
            at = await commits.load(parts.storage, deployed.home("default"))
            state = msgspec.structs.replace(at.checkpoint, model=elsewhere, epoch=1)
            await commits.save(parts.storage, deployed.home("default"), at, state)
            changed = msgspec.structs.replace(AT_ONCE, default_reward=0.25, exploration=0.1 + (learned or 0) / 1000)
            await deployed.storage.put(name, changed.encoded())
            await one.tick()
            after = (await deployed.checkpoint()).model
            assert after is not None
            assert after.rewards == outlook.settings_of(changed)
            assert after.learned == (30 if is_replaced else learned)
