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


def outlook(pupil: Pupil, names: Sequence[str]) -> Outlook:
    """Of an event that is not learned yet; names: the ids of its actions."""
    known = pupil.actions
    return Outlook(
        pupil.experience.schedule.sharpness, [index for index, name in enumerate(names) if name not in known]
    )


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
    try:
        found = _numbers.decode(b"[" + prediction.replace(b":", b",") + b"]")
    except msgspec.DecodeError:
        found = []
    if len(found) != 2 * count:
        raise BadPrediction(f"VW answered {prediction[:60].decode(errors='replace')!r} for {count} actions")
    pmf = [0.0] * count
    for index, probability in zip(found[::2], found[1::2], strict=True):
        pmf[int(index)] = probability
    return pmf
