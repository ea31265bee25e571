"""When a change of configuration makes a model outdated."""

import gzip

import msgspec
import pytest

from shared.joined_log import log_reading, outlook
from shared.loops.artifacts import Artifact
from shared.loops.blob_names import Home
from shared.loops.config import LoopConfig, Policy
from shared.loops.model_records import ModelRecord
from shared.storage import Storage
from shared.vw.policy import HISTORIC_ARGUMENTS

EPSILON = LoopConfig(policy=Policy("historic", HISTORIC_ARGUMENTS))


def model(config: LoopConfig) -> ModelRecord:
    file = Artifact("file", "digest")
    return ModelRecord("run", file, file, "now", config.arguments, outlook.settings_of(config))


@pytest.mark.parametrize("changed", [{"default_reward": 1.0}, {"aggregation": "sum"}, {"wait": 5.0}])
def test_reward_settings_make_a_model_outdated(changed: dict[str, object]) -> None:
    config = LoopConfig()
    after = msgspec.structs.replace(config, **changed)
    assert not outlook.is_outdated(model(config), config)
    assert outlook.is_outdated(model(config), after)
    assert not outlook.is_outdated(model(config), msgspec.structs.replace(after, retrain_days=0))


def test_exploration_makes_a_model_of_an_epsilon_policy_outdated() -> None:
    for config, outdated in ((EPSILON, True), (LoopConfig(), False)):
        assert outlook.is_outdated(model(config), msgspec.structs.replace(config, exploration=0.5)) == outdated


async def test_a_damaged_import_counts_up_to_its_damage(storage: Storage) -> None:
    """A loop whose log is damaged goes on training, and says what a change does to its model."""
    home, lines = Home("outlook"), [f"{number} {hash(str(number))}\n".encode() for number in range(20_000)]
    data = gzip.compress(b"".join(lines))
    for at, blob in ((1_000, data), (2_000, data[: len(data) // 2] + bytes(100) + data[len(data) // 2 + 100 :])):
        await storage.put(log_reading.imported_name(home, at, f"{at}"), blob)
    found = await outlook.events(storage, home, 0)
    assert 20_000 <= found < 40_000
    assert await outlook.events(storage, home, 2_000) == found - 20_000


def test_what_else_changes_leaves_a_model_as_it_is() -> None:
    config = LoopConfig()
    assert not outlook.is_outdated(model(config), msgspec.structs.replace(config, export=5.0, retention_days=3))
    assert not outlook.is_outdated(None, config)
    unknown = msgspec.structs.replace(model(config), rewards=None)
    assert not outlook.is_outdated(unknown, msgspec.structs.replace(config, default_reward=1.0))
