"""A loop in memory: what it takes over from storage, what it keeps when that goes wrong, and who waits."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import vowpalwabbit
from harness.learning import PLAIN, decide, rewarded

from shared.errors import ApiError
from shared.loops import artifacts, checkpoint, stored
from shared.loops.blob_names import DEFAULT_HOME, blob_name
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig, Policy
from shared.loops.model_records import ModelRecord
from shared.serving import loop as loop_module
from shared.serving.loop import Serving
from shared.settings import Settings
from shared.storage import Blob, Storage
from shared.vw import policy

NEVER = 1e6
SINGLE = LoopConfig(policy=Policy("single", policy.HISTORIC_ARGUMENTS))
MULTI = LoopConfig(policy=Policy("multi", "--ccb_explore_adf --epsilon 0.2"))
CONFIG, CHECKPOINT = stored.config_name(DEFAULT_HOME), checkpoint.name(DEFAULT_HOME)


@pytest.fixture
def loop(storage: Storage) -> Serving:
    return Serving("default", DEFAULT_HOME, storage, SINGLE)


class Deployment:
    """Stores what administrators and trainers would."""

    def __init__(self, storage: Storage, folder: Path) -> None:
        self.storage, self._folder = storage, folder

    async def put(self, config: LoopConfig) -> None:
        await self.storage.put(CONFIG, config.encoded())

    async def publish(self, version: str, config: LoopConfig = SINGLE, learned: bytes = b"") -> str:
        """Commits a model that has learned these lines of dsjson; the name of the blob that serves."""
        file, log = self._folder / version, self._folder / "log.dsjson"
        log.write_bytes(learned)
        options = ["--dsjson", "-d", str(log), "--quiet", "-f", str(file)]
        vowpalwabbit.Workspace(arg_list=[*config.arguments.split(), *options]).finish()
        name = blob_name(DEFAULT_HOME, "models", f"{version}.predict.vw")
        made = await artifacts.publish(self.storage, name, file)
        await self.commit(ModelRecord(version, made, made, "2026-01-01T00:00:00Z", config.arguments))
        return name

    async def commit(self, model: ModelRecord | None) -> None:
        await self.storage.put(CHECKPOINT, checkpoint.encode(Checkpoint(model=model)))


@pytest.fixture
def deployed(storage: Storage, tmp_path: Path) -> Deployment:
    return Deployment(storage, tmp_path)


class Silent(Storage):
    """Storage that does not answer until it is told to."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.answers = asyncio.Event()

    async def read(self, name: str, unless: str | None = None) -> Blob | None:
        await self.answers.wait()
        return await super().read(name, unless)


@pytest.fixture
async def silent(settings: Settings) -> AsyncIterator[Silent]:
    storage = Silent(settings)
    yield storage
    await storage.close()


def version(loop: Serving) -> str | None:
    return loop.model.version if loop.model else None


async def test_a_loop_that_nobody_has_used_serves_what_it_begins_with(loop: Serving) -> None:
    await loop.refresh()
    assert (loop.config, loop.model, loop.failure) == (SINGLE, None, None)
    assert await loop.read_config() == SINGLE
    assert await loop.read_checkpoint() == Checkpoint()


async def test_configuration_and_model_are_taken_over_when_they_changed(loop: Serving, deployed: Deployment) -> None:
    config = LoopConfig(wait=5.0, policy=SINGLE.policy)
    await deployed.put(config)
    await deployed.publish("1")
    await loop.refresh()
    kept, model = loop.config, loop.model
    assert (kept, version(loop)) == (config, "1")
    await loop.refresh()
    assert loop.config is kept
    assert loop.model is model
    await deployed.publish("2")
    await loop.refresh()
    assert loop.config is kept
    assert version(loop) == "2"


async def test_a_commit_without_a_new_model_leaves_the_model_in_service(loop: Serving, deployed: Deployment) -> None:
    await deployed.publish("1")
    await loop.refresh()
    model = loop.model
    await deployed.commit(loop.record)
    await loop.refresh()
    assert loop.model is model is not None
    await deployed.commit(None)
    await loop.refresh()
    assert loop.model is loop.record is None


async def test_another_exploration_is_that_of_the_served_model(loop: Serving, deployed: Deployment) -> None:
    decision = decide(PLAIN[0])
    await deployed.publish("1", learned=rewarded(decision))
    for share in (0.3, 0.6):
        await deployed.put(SINGLE.with_policy(Policy("other", f"--cb_explore_adf --epsilon {share}")))
        await loop.refresh()
        assert loop.model is not None
        assert min(loop.model.predict(decision.context, 3)) == pytest.approx(share / 3, abs=1e-5)


async def test_a_policy_of_the_other_kind_lets_the_model_go(loop: Serving, deployed: Deployment) -> None:
    await deployed.publish("single")
    await loop.refresh()
    await deployed.put(MULTI)
    await loop.refresh()
    assert loop.multi_slot
    assert loop.model is None
    await deployed.publish("multi", MULTI)
    await loop.refresh()
    assert version(loop) == "multi"
    await deployed.put(SINGLE)
    await loop.refresh()
    assert (loop.multi_slot, loop.model, loop.failure) == (False, None, None)


@pytest.mark.parametrize("name", [CONFIG, CHECKPOINT, "the model"])
@pytest.mark.parametrize("damage", [b"{", b""])
async def test_damage_keeps_the_last_good_ones_until_it_is_mended(
    name: str, damage: bytes, loop: Serving, deployed: Deployment
) -> None:
    await deployed.put(SINGLE)
    await deployed.publish("1")
    await loop.refresh()
    config = loop.config
    model = await deployed.publish("2")
    name = model if name == "the model" else name
    good = await deployed.storage.read(name)
    await deployed.storage.put(name, damage)
    await loop.refresh()
    assert loop.config is config
    assert version(loop) == "1"
    assert loop.failure is not None
    assert name in loop.failure
    assert good is not None
    await deployed.storage.put(name, good.data)
    await loop.refresh()
    assert (loop.config, version(loop), loop.failure) == (config, "2", None)


async def test_a_checkpoint_or_model_that_is_gone_keeps_the_model(loop: Serving, deployed: Deployment) -> None:
    await deployed.publish("1")
    await loop.refresh()
    await deployed.storage.delete(CHECKPOINT)
    await loop.refresh()
    assert version(loop) == "1"
    assert loop.failure is not None
    await deployed.storage.delete(await deployed.publish("2"))
    await loop.refresh()
    assert version(loop) == "1"
    assert loop.failure is not None
    assert "2.predict.vw is missing" in loop.failure


async def test_a_new_process_waits_for_what_is_stored(loop: Serving, deployed: Deployment) -> None:
    await deployed.put(LoopConfig(wait=5.0))
    await deployed.publish("1")
    assert not loop.loaded
    await loop.ready()
    assert loop.loaded
    assert (loop.config.wait, version(loop)) == (5.0, "1")


async def test_a_new_process_does_not_wait_for_ever_and_only_once(
    silent: Silent, deployed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deployed.put(LoopConfig(wait=5.0))
    loop = Serving("default", DEFAULT_HOME, silent, SINGLE)
    monkeypatch.setattr(loop_module, "FIRST_LOAD_SECONDS", 0.01)
    async with asyncio.timeout(20):
        await loop.ready()
        monkeypatch.setattr(loop_module, "FIRST_LOAD_SECONDS", NEVER)
        await loop.ready()
    assert loop.config == SINGLE
    silent.answers.set()
    await loop.current()
    assert loop.config.wait == 5.0


async def test_later_a_refresh_is_not_waited_for_but_where_it_matters(
    silent: Silent, deployed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_module, "LONGEST_POLL_SECONDS", 0.0)
    loop = Serving("default", DEFAULT_HOME, silent, SINGLE)
    silent.answers.set()
    await loop.ready()
    silent.answers.clear()
    await deployed.put(LoopConfig(wait=5.0))
    async with asyncio.timeout(20):
        await loop.ready()
    assert loop.config == SINGLE
    silent.answers.set()
    await loop.current()
    assert loop.config.wait == 5.0


async def test_storage_is_asked_when_a_poll_is_due_and_sooner_after_a_failure(
    loop: Serving, deployed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_module, "SHORTEST_POLL_SECONDS", NEVER)
    monkeypatch.setattr(loop_module, "LONGEST_POLL_SECONDS", NEVER)
    monkeypatch.setattr(loop_module, "RETRY_SECONDS", 0.0)
    await deployed.storage.put(CONFIG, b"{")
    await loop.ready()
    await deployed.put(LoopConfig(wait=5.0))
    await loop.current()
    assert loop.config.wait == 5.0
    await deployed.put(LoopConfig(wait=6.0))
    await loop.current()
    assert loop.config.wait == 5.0


async def test_an_operation_of_the_other_kind_is_refused_after_a_look_at_what_is_stored(
    loop: Serving, deployed: Deployment
) -> None:
    await loop.ready()
    await loop.require(multi_slot=False)
    with pytest.raises(ApiError, match="policy is single-slot") as refused:
        await loop.require(multi_slot=True)
    assert refused.value.code == "InvalidMultiSlotApiAccess"
    await deployed.put(MULTI)
    await loop.require(multi_slot=True)
    with pytest.raises(ApiError, match="policy is multi-slot"):
        await loop.require(multi_slot=False)


async def test_while_nothing_is_known_of_the_stored_policy_either_kind_is_served(
    loop: Serving, deployed: Deployment
) -> None:
    await deployed.storage.put(CONFIG, b"{")
    await loop.ready()
    await loop.require(multi_slot=False)
    await loop.require(multi_slot=True)


async def test_what_is_stored_is_read_for_administrators_or_said_to_be_damaged(
    loop: Serving, deployed: Deployment
) -> None:
    await deployed.put(MULTI)
    await deployed.publish("1", MULTI)
    assert await loop.read_config() == MULTI
    model = (await loop.read_checkpoint()).model
    assert model is not None
    assert model.version == "1"
    for name in (CONFIG, CHECKPOINT):
        await deployed.storage.put(name, b"{")
    for reading in (loop.read_config(), loop.read_checkpoint()):
        with pytest.raises(ApiError) as refused:
            await reading
        assert refused.value.code == "OperationNotAllowed"


async def test_a_loop_that_is_closed_lets_the_model_go(loop: Serving, deployed: Deployment) -> None:
    await deployed.publish("1")
    await loop.refresh()
    loop.close()
    loop.close()
    assert loop.model is None


async def test_a_loop_that_rests_gives_up_its_model_and_serves_it_again_when_asked(
    loop: Serving, deployed: Deployment
) -> None:
    await deployed.publish("one")
    await loop.ready()
    assert loop.model is not None
    loop.rest()
    assert (loop.model, loop.loaded) == (None, False)
    await loop.ready()
    assert loop.model is not None
    assert loop.model.version == "one"
