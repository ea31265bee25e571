import pytest
import vowpalwabbit

from shared.vw import policy, trial


@pytest.mark.parametrize(("name", "arguments"), policy.NAMED.items())
def test_vw_takes_every_named_policy(name: str, arguments: str) -> None:
    given = policy.parse(arguments).for_vw(trial.SCHEMA.arguments)
    workspace = vowpalwabbit.Workspace(arg_list=[*given.split(), "--dsjson", "--quiet"])
    learners = workspace.get_enabled_learners()
    assert any(learner.startswith("cb_explore_adf_") for learner in learners)
    assert policy.parse(arguments).is_multi_slot == ("ccb_explore_adf" in learners) == (name == "multi-slot")
    workspace.finish()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("--cb_explore_adf --epsilon 0.2 -q ::", "--cb_explore_adf --epsilon 0.05 -q ::"),
        ("--epsilon=0.2 --cb_explore_adf", "--epsilon 0.05 --cb_explore_adf"),
        ("--cb_explore_adf --epsilon   1e-1", "--cb_explore_adf --epsilon 0.05"),
        ("--cb_explore_adf --squarecb", "--cb_explore_adf --squarecb"),
    ],
)
def test_exploration_replaces_epsilon(arguments: str, expected: str) -> None:
    assert policy.parse(arguments).exploring(0.05) == expected


def test_exploration_options_only_where_the_policy_has_epsilon() -> None:
    assert policy.parse(policy.HISTORIC_ARGUMENTS).exploration_options(0.3) == ["--epsilon", "0.3"]
    assert policy.parse(policy.DEFAULT_ARGUMENTS).exploration_options(0.3) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [("--cb_explore_adf --epsilon 0.2", 0.2), ("--epsilon=1e-1", 0.1), ("--cb_explore_adf --squarecb", None)],
)
def test_the_epsilon_of_a_policy(arguments: str, expected: float | None) -> None:
    assert policy.parse(arguments).epsilon == expected


def test_a_policy_for_slots() -> None:
    assert policy.parse("-q :: --ccb_explore_adf").is_multi_slot
    assert not policy.parse(policy.HISTORIC_ARGUMENTS).is_multi_slot


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (policy.DEFAULT_ARGUMENTS, ""),
        (policy.HISTORIC_ARGUMENTS, "--power_t 0 -l 0.001"),
        ("-l0.5 --softmax --lambda 2 --l1=1e-7 --cb_explore_adf", "-l 0.5 --l1=1e-7"),
    ],
)
def test_what_a_model_that_goes_on_has_to_be_told(arguments: str, expected: str) -> None:
    assert policy.parse(arguments).learning_options == expected.split()


def test_a_policy_learns_like_itself_in_other_words() -> None:
    other = policy.parse("-q:: --learning_rate 1e-3 --power_t=0.0 --cb_explore_adf --epsilon 0.9 -b 18")
    assert policy.parse(policy.HISTORIC_ARGUMENTS).learns_like(other)
    assert not policy.parse(policy.DEFAULT_ARGUMENTS).learns_like(other)
