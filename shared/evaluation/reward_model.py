"""What the doubly robust estimate needs: a regression of rewards that predicts each event before it learns it."""

from pathlib import Path
from typing import Self

import msgspec

from shared.evaluation.columns import total
from shared.evaluation.predictions import Predictions
from shared.loops.exact_sum import ExactSum
from shared.vw.learner import Learner
from shared.vw.options import CROSSINGS, written
from shared.vw.policy import Policy
from shared.vw.zygote import Zygote

# Of the policy's options those that say which features there are and how they are crossed, and how large the model is.
_KEPT = frozenset(
    (*CROSSINGS, "ignore", "ignore_linear", "keep", "bit_precision", "noconstant", "hash", "hash_seed", "random_seed")
)
_REGRESSION = "--cb_adf --rank_all --cb_type mtr"
FOLDER, MODEL = "rewards", "model.vw"
_PREDICTIONS = "predictions.txt"


def arguments(policy: Policy, crossings: str) -> str:
    """Of VW, for the rewards under a policy. crossings: those of the namespaces seen, for a policy that has them."""
    own = [one for one in policy.options if one.name in _KEPT and one.value != "auto"]
    return " ".join(word for word in (_REGRESSION, written(own), crossings if policy.crosses_seen else "") if word)


class Robust(msgspec.Struct):
    """Sums over events of qe + w (r - qa), times the decisions that an event stands for, and of the squares."""

    n: ExactSum
    value: ExactSum
    squares: ExactSum

    @classmethod
    def of(cls, decisions: ExactSum, terms: list[float]) -> Self:
        return cls(decisions, total(terms), total([term * term for term in terms]))

    def merged(self, other: "Robust") -> "Robust":
        """With the events of the other."""
        return Robust(self.n + other.n, self.value + other.value, self.squares + other.squares)


class RewardModel:
    """A learner of its own. Leaves its state in the folder FOLDER of the unit's folder."""

    def __init__(self, learner: Learner, predictions: Predictions) -> None:
        self._learner, self._predictions = learner, predictions

    @classmethod
    async def start(cls, zygote: Zygote, of_vw: str, previous: Path | None, folder: Path) -> Self:
        """of_vw: as of `arguments`. previous, folder: those of the unit before and of this one."""
        own = folder / FOLDER
        own.mkdir(exist_ok=True)
        file = own / _PREDICTIONS
        predictions = Predictions(file)
        before = previous / FOLDER / MODEL if previous is not None else None
        return cls(await Learner.start(zygote, of_vw, before, own, file, serves=False), predictions)

    async def feed(self, lines: bytes) -> None:
        """Lines that are judged."""
        await self._learner.feed(lines)

    def new(self) -> list[bytes]:
        """The costs that were predicted since the last call, a line for each event."""
        return self._predictions.new()

    async def finish(self) -> None:
        """As of `Learner`."""
        await self._learner.finish()

    async def close(self) -> None:
        """Ends it if it still runs."""
        self._predictions.close()
        await self._learner.kill()
