"""Which policies a command takes, and as what."""

import pytest

from evaluation import policies
from evaluation.errors import EvaluationError
from shared.loops.config import LoopConfig, Policy
from shared.vw import policy

LOOP = LoopConfig(policy=Policy("mine", policy.HISTORIC_ARGUMENTS), exploration=0.35)


async def names(*given: str, config: LoopConfig = LOOP, has_loop: bool = True) -> list[str]:
    return [one.name for one in await policies.chosen(given, config, has_loop=has_loop)]


async def test_without_names_a_loop_is_compared_with_the_default_and_files_with_the_old_service() -> None:
    assert await names() == ["current", "default"]
    assert await names(has_loop=False) == ["default", "personalizer"]
    assert await names(config=LoopConfig()) == ["current"]  # which is the default


async def test_a_policy_is_served_with_its_own_epsilon_or_the_loops_exploration() -> None:
    given = ["current", "default", "bold=--cb_explore_adf --epsilon 0.5", "plain=--cb_explore_adf", "--cb_explore_adf"]
    found = await policies.chosen(given, LOOP, has_loop=True)
    assert [one.exploration for one in found] == [0.35, 0.35, 0.5, 0.35, 0.35]
    assert "--epsilon 0.35" in found[0].arguments
    assert found[3].arguments == found[4].arguments == "--cb_explore_adf --epsilon 0.35"
    assert found[4].name == "policy 5"
    assert "--explore_first" in found[1].exploring


async def test_a_policy_must_be_of_the_kind_of_the_log() -> None:
    several = LoopConfig(policy=Policy("slots", policy.MULTI_SLOT_ARGUMENTS))
    found = await policies.chosen((), several, has_loop=True, is_multi_slot=True)
    assert [(one.name, one.arguments) for one in found] == [("current", policy.MULTI_SLOT_ARGUMENTS)]
    alone = await policies.chosen((), LOOP, has_loop=False, is_multi_slot=True)
    assert [one.name for one in alone] == ["multi-slot"]
    with pytest.raises(EvaluationError, match=r"default decides about one slot, .* write --ccb_explore_adf instead of"):
        await policies.chosen(["default"], several, has_loop=True, is_multi_slot=True)
    with pytest.raises(EvaluationError, match=r"mine decides about several slots .* write --cb_explore_adf instead"):
        await names("mine=--ccb_explore_adf --epsilon 0.1")
