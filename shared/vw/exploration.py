"""What is served of a model's probabilities under a policy that explores first."""

from collections.abc import Sequence

from shared.vw.known_actions import KnownActions, with_share
from shared.vw.schedule import sharpened

_MOST_NAMES = 10_000


class Exploration:
    """sharpness: what SquareCB's gamma is multiplied with. actions: those that the model knows, None for all."""

    def __init__(self, sharpness: float, actions: KnownActions | None) -> None:
        self._sharpness, self._actions = sharpness, actions
        # Ids that were looked up and are known: to compute a key takes as long as to look up 30 of these.
        self._known: set[str] = set()

    def served(self, pmf: list[float], candidates: Sequence[str], share: float) -> list[float]:
        """The pmf to be capped and drawn from. share: explorationPercentage, of which new actions get their part."""
        pmf = sharpened(pmf, self._sharpness)
        if self._actions is None or self._known.issuperset(candidates):
            return pmf
        new = [index for index, name in enumerate(candidates) if not self._knows(name, self._actions)]
        return with_share(pmf, new, share) if new else pmf

    def _knows(self, name: str, actions: KnownActions) -> bool:
        if name in self._known:
            return True
        if name not in actions:
            return False
        if len(self._known) < _MOST_NAMES:
            self._known.add(name)
        return True
