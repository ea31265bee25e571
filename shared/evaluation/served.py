"""What Rank would have served of a policy's model, event by event, while it learns the log.

Between an event and VW's prediction others are fed: what the model knew, but for its weights, is kept with the event.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from shared.vw.experience import Pupil
from shared.vw.known_actions import with_share
from shared.vw.sampling import cap_exploration
from shared.vw.schedule import sharpened

_numbers = msgspec.json.Decoder(list[float])


class BadPrediction(Exception):
    """VW's prediction of an event is no distribution over its actions."""


class Outlook(NamedTuple):
    """What a model that explores first serves by, beside its prediction. new: the indices of actions new to it."""

    sharpness: float
    new: Sequence[int]


class Outlooks:
    """Those of events that are not learned yet."""

    def __init__(self, pupil: Pupil) -> None:
        self._pupil = pupil
        # Ids that were looked up and are known: to compute a key takes as long as to look up 30 of these.
        self._known: set[str] = set()

    def of(self, names: Sequence[str]) -> Outlook:
        """names: the ids of the event's actions."""
        sharpness = self._pupil.experience.schedule.sharpness
        if self._known.issuperset(names):
            return Outlook(sharpness, ())
        self._known.update(name for name in names if name in self._pupil.actions)
        return Outlook(sharpness, [index for index, name in enumerate(names) if name not in self._known])


def served(pmf: list[float], outlook: Outlook | None, share: float) -> list[float]:
    """What is drawn from, as `shared.rank.ranking` does it; None: no policy that explores first.

    share: explorationPercentage, 0..1.
    """
    if outlook is not None:
        pmf = sharpened(pmf, outlook.sharpness)
        if outlook.new:
            pmf = with_share(pmf, outlook.new, share)
    return cap_exploration(pmf, share)


def parsed(prediction: bytes, count: int) -> list[float]:
    """The pmf in the order of the actions of `2:0.5,0:0.3,1:0.2`, as VW writes it; raises BadPrediction."""
    found = _pairs(prediction)
    if len(found) != 2 * count:
        raise BadPrediction(f"VW answered {prediction[:60].decode(errors='replace')!r} for {count} actions")
    pmf = [0.0] * count
    for index, probability in zip(found[::2], found[1::2], strict=True):
        pmf[int(index)] = probability
    return pmf


def by_action(prediction: bytes) -> dict[int, float]:
    """The probabilities of one slot by the index of the action, in VW's order; raises BadPrediction."""
    found = _pairs(prediction)
    if not found or len(found) % 2:
        raise BadPrediction(f"VW answered {prediction[:60].decode(errors='replace')!r} for a slot")
    return {int(index): p for index, p in zip(found[::2], found[1::2], strict=True)}


def _pairs(prediction: bytes) -> list[float]:
    try:
        return _numbers.decode(b"[" + prediction.replace(b":", b",") + b"]")
    except msgspec.DecodeError:
        return []
