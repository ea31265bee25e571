"""What does not fit into a run's budget is learned by later ones, with the same weights, and other loops go on."""

import asyncio
import gzip
import json

import msgspec
import pytest
from harness.stored import replayed
from harness.trained import AT_ONCE, Deployment, trainer

from shared.joined_log import outlook
from shared.loops import commits, stored
from shared.loops.config import Policy
from shared.serving.service import Service
from shared.training import new_model
from shared.training import trainer as trainer_module
from shared.vw.policy import HISTORIC_ARGUMENTS

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
    assert replayed(await log(deployed), await trained_state(deployed), AT_ONCE.arguments)


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
    assert replayed(await log(deployed), await trained_state(deployed), AT_ONCE.arguments)


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
    assert replayed(await log(deployed), await trained_state(deployed), AT_ONCE.arguments)


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
    assert replayed(await log(deployed), await trained_state(deployed), changed.arguments)


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
    assert replayed(await log(deployed), await trained_state(deployed), AT_ONCE.arguments)


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
