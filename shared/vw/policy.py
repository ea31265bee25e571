"""Learning policies: VW arguments, and how explorationPercentage acts on them.

The default is SquareCB at VW's own learning-rate schedule; `docs/decisions/0001-default-policy.md` has the
measurements. SquareCB's share of exploration follows from the model, so explorationPercentage is a cap on the
served probabilities (its learning does not use the logged probability); for epsilon policies it is `--epsilon`.

The two stay consistent both ways. A policy that is put with `--epsilon x` sets explorationPercentage to x; one that
explores by epsilon without saying so gets the current explorationPercentage as its `--epsilon`. Whatever sets
explorationPercentage afterwards is what `--epsilon` reads as. An imported model leaves explorationPercentage alone.
"""

import functools
from dataclasses import dataclass
from typing import Literal

from shared.vw.meaning import NOT_KEPT, meaning
from shared.vw.options import AUTO, OWN_FLAGS, Option, tokenized, written

PolicyName = Literal["default", "personalizer", "multi-slot"]

DEFAULT_ARGUMENTS = (
    "--cb_explore_adf --cb_type mtr --squarecb --gamma_scale 30 --interactions auto --unweighted --explore_first"
)
# The default of versions before 0.3: loops that they began keep it.
EARLIER_ARGUMENTS = "--cb_explore_adf --cb_type mtr --squarecb --gamma_scale 30 --cubic ::i"
# The service's own default, for loops that must behave as they did there.
HISTORIC_ARGUMENTS = "--cb_explore_adf --epsilon 0.2 --power_t 0 -l 0.001 --cb_type mtr -q ::"

# For loops of several slots: `docs/decisions/0009-multi-slot.md`.
MULTI_SLOT_ARGUMENTS = "--ccb_explore_adf --cb_type mtr --epsilon 0.2 -l 0.1 -q ::"

NAMED: dict[PolicyName, str] = {
    "default": DEFAULT_ARGUMENTS,
    "personalizer": HISTORIC_ARGUMENTS,
    "multi-slot": MULTI_SLOT_ARGUMENTS,
}


@dataclass(frozen=True)
class Policy:
    """VW arguments, taken apart once.

    options: those that were written, allowed or not. epsilon: the value of `--epsilon`, None without it.
    is_multi_slot: the policy decides about several slots at once.
    """

    arguments: str
    options: tuple[Option, ...]
    epsilon: float | None
    is_multi_slot: bool

    @property
    def learning_options(self) -> list[str]:
        """The part of the arguments that a model's file does not hold."""
        return written(option for option in self.options if option.name in NOT_KEPT).split()

    @functools.cached_property
    def crosses_seen(self) -> bool:
        """True if its crossings are those of the namespaces that the loop's events have."""
        return self._says("interactions", AUTO)

    @functools.cached_property
    def unweighted(self) -> bool:
        """True if it learns every event alike, however probable the action was."""
        return self._says("unweighted")

    @functools.cached_property
    def explores_first(self) -> bool:
        """True if it explores by a schedule, and gives new actions their share."""
        return self._says("explore_first")

    @property
    def has_experience(self) -> bool:
        """True if it has options of ours, which `experience` gives effect to."""
        return self.crosses_seen or self.unweighted or self.explores_first

    def for_vw(self, crossings: str = "") -> str:
        """The arguments that VW is told. crossings: those of the namespaces seen, for a policy that has them."""
        own = [option.text for option in self.options if not _is_ours(option)]
        return " ".join([*own, *([crossings] if crossings and self.crosses_seen else [])])

    def _says(self, name: str, value: str | None = None) -> bool:
        return any(option.name == name and option.value == value for option in self.options)

    def exploring(self, share: float) -> str:
        """The arguments with `--epsilon` set to `share` (0..1) where the policy has one."""
        if self.epsilon is None:
            return self.arguments
        epsilon = f"--epsilon {share:g}"
        return " ".join(epsilon if option.name == "epsilon" else option.text for option in self.options)

    def exploration_options(self, share: float) -> list[str]:
        """VW options that make a model of this policy explore with `share`; none where the policy has no epsilon."""
        return [] if self.epsilon is None else ["--epsilon", f"{share:g}"]

    def learns_like(self, other: "Policy") -> bool:
        """True if both learn the same, however they are written: a model of one can go on learning as the other."""
        return meaning(self.options) == meaning(other.options)


def _is_ours(option: Option) -> bool:
    return option.name in OWN_FLAGS or (option.name, option.value) == ("interactions", AUTO)


@functools.lru_cache(256)
def parse(arguments: str) -> Policy:
    """The policy of VW arguments, whatever they are; `allowed_options` says which may be put."""
    options = tuple(tokenized(arguments))
    epsilon = next((float(one.value) for one in options if one.name == "epsilon" and one.value), None)
    return Policy(arguments, options, epsilon, any(one.name == "ccb_explore_adf" for one in options))
