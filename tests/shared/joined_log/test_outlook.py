"""When a change of configuration makes a model outdated."""

import msgspec
import pytest

from shared.joined_log import outlook
from shared.loops.artifacts import Artifact
from shared.loops.checkpoint import ModelRecord
from shared.loops.config import LoopConfig, Policy
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


def test_what_else_changes_leaves_a_model_as_it_is() -> None:
    config = LoopConfig()
    assert not outlook.is_outdated(model(config), msgspec.structs.replace(config, export=5.0, retention_days=3))
    assert not outlook.is_outdated(None, config)
    unknown = msgspec.structs.replace(model(config), rewards=None)
    assert not outlook.is_outdated(unknown, msgspec.structs.replace(config, default_reward=1.0))
