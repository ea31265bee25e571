"""What VW options mean, however they are written: whether two policies, or a model's file and a policy, agree."""

from collections.abc import Iterable

from shared.vw.options import USUAL_BITS, Option, plain

Meaning = frozenset[tuple[str, str]]

# VW adds these to what it explores with.
IMPLIED = frozenset(("cb_adf", "csoaa_ldf", "csoaa_rank", "cb_sample"))
# VW does not keep these in a model's file: a model that goes on learning has to be told again.
NOT_KEPT = frozenset(("learning_rate", "power_t", "l1", "l2", "ftrl_alpha", "ftrl_beta"))
_DEFAULTS = {("cb_type", "mtr"), ("learning_rate", "0.5"), ("power_t", "0.5"), ("bit_precision", str(USUAL_BITS))}
# How much a model explores is configured, and where its random numbers start is soon forgotten.
_NO_PART = {"epsilon", "random_seed"}


def meaning(options: Iterable[Option]) -> Meaning:
    """The options as names and values, without --epsilon, --random_seed, what VW implies and what is its default."""
    said = {(_one_name(one), plain(one.value)) for one in options if one.name not in IMPLIED | _NO_PART}
    if ("ccb_explore_adf", "") in said:
        said.discard(("cb_explore_adf", ""))
    return frozenset(said - _DEFAULTS)


def may_be_of(model: Meaning, policy: Meaning) -> bool:
    """True if the options in a model's file may be what is left of a policy."""
    names = {name for name, _ in model}
    return model <= policy and all(name in NOT_KEPT - names for name, _ in policy - model)


def _one_name(option: Option) -> str:
    return "interactions" if option.name in ("quadratic", "cubic") else option.name
