"""Learning policies: VW arguments, and how explorationPercentage acts on them.

The default is SquareCB at VW's own learning-rate schedule; `docs/decisions/0001-default-policy.md` has the
measurements. SquareCB's share of exploration follows from the model, so explorationPercentage is a cap on the
served probabilities (its learning does not use the logged probability); for epsilon policies it is `--epsilon`.

The two stay consistent both ways. A policy that is put with `--epsilon x` sets explorationPercentage to x; one that
explores by epsilon without saying so gets the current explorationPercentage as its `--epsilon`. Whatever sets
explorationPercentage afterwards is what `--epsilon` reads as. An imported model leaves explorationPercentage alone.
"""

import re
from typing import Literal

PolicyName = Literal["default", "personalizer", "multi-slot"]

DEFAULT_ARGUMENTS = "--cb_explore_adf --cb_type mtr --squarecb --gamma_scale 30 --cubic ::i"
# The service's own default, for loops that must behave as they did there.
HISTORIC_ARGUMENTS = "--cb_explore_adf --epsilon 0.2 --power_t 0 -l 0.001 --cb_type mtr -q ::"

# For loops of several slots: `docs/decisions/0009-multi-slot.md`.
MULTI_SLOT_ARGUMENTS = "--ccb_explore_adf --cb_type mtr --epsilon 0.2 -l 0.1 -q ::"

NAMED: dict[PolicyName, str] = {
    "default": DEFAULT_ARGUMENTS,
    "personalizer": HISTORIC_ARGUMENTS,
    "multi-slot": MULTI_SLOT_ARGUMENTS,
}

_EPSILON = re.compile(r"--epsilon(?:\s+|=)(\S+)")
# What VW does not keep in a model's file: a model that goes on learning has to be told again.
_NOT_KEPT = re.compile(r"(?:^|(?<=\s))(?:-l\s*|--(?:learning_rate|power_t|l1|l2|ftrl_alpha|ftrl_beta)(?:\s+|=))\S+")


def is_multi_slot(arguments: str) -> bool:
    """True if a policy decides about several slots at once."""
    return "--ccb_explore_adf" in arguments.split()


def with_exploration(arguments: str, share: float) -> str:
    """The arguments with `--epsilon` set to `share` (0..1) where the policy has one."""
    return _EPSILON.sub(f"--epsilon {share:g}", arguments)


def exploration_options(arguments: str, share: float) -> list[str]:
    """VW options that make a model of this policy explore with `share`; none where the policy has no epsilon."""
    return ["--epsilon", f"{share:g}"] if _EPSILON.search(arguments) else []


def is_same(one: str, other: str) -> bool:
    """True if two policies learn alike: a model of one can go on learning as the other."""
    return with_exploration(one, 0) == with_exploration(other, 0)


def epsilon(arguments: str) -> float | None:
    """The policy's `--epsilon`, None where it has none."""
    found = _EPSILON.search(arguments)
    return float(found[1]) if found else None


def learning_options(arguments: str) -> list[str]:
    """The part of a policy's arguments that a model's file does not hold."""
    return " ".join(_NOT_KEPT.findall(arguments)).split()
