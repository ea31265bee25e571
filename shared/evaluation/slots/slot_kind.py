"""Whether what is asked for fits a log: decisions about one slot and about several are never compared together."""

from collections.abc import Sequence

from shared.loops.config import Policy
from shared.vw.policy import NAMED

_ONLY_SINGLE = "the log decides about several slots, for which only policies that are named are compared"
NO_OPTIMISATION = f"A better policy cannot be looked for: {_ONLY_SINGLE}."
NO_FEATURES = "Features cannot be judged: that is done for decisions about one slot, and the log's are about several."


def misfit(name: str, arguments: str, *, is_multi_slot: bool) -> str | None:
    """What is wrong with a policy, and what to do; None if it fits. is_multi_slot: the log is about several slots."""
    policy = Policy(name, arguments).parsed
    if policy.is_multi_slot == is_multi_slot:
        return None
    if is_multi_slot:
        return (
            f"{name} decides about one slot, and the log is of decisions about several: write --ccb_explore_adf "
            f"instead of --cb_explore_adf, for instance {NAMED['multi-slot']}, or leave it out."
        )
    return (
        f"{name} decides about several slots (--ccb_explore_adf), and the log is of decisions about one: write "
        "--cb_explore_adf instead, or leave it out."
    )


def first_misfit(policies: Sequence[Policy], *, is_multi_slot: bool) -> tuple[int, str] | None:
    """The index of the first policy that does not fit, and what is wrong with it."""
    for number, one in enumerate(policies):
        wrong = misfit(one.name, one.arguments, is_multi_slot=is_multi_slot)
        if wrong is not None:
            return number, wrong
    return None
