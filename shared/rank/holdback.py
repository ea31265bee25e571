"""The baseline holdback: some decisions show the baseline, all are logged with the probability of what was shown.

With the share h and the policy's probabilities p, that is h [baseline] + (1 - h) p: an event stays as good for training
and evaluation as any other. Which arm a decision is in follows from a hash of the loop, the salt and a key: the
request's holdbackId, so that a person sees one arm, or else the event id.
"""

import hashlib
from collections.abc import Callable, Sequence

from shared.hubs.events import Assignment
from shared.loops.config import LoopConfig
from shared.vw import sampling
from shared.vw.sampling import Ranking

BUCKETS = 100
_WHOLE = 2**64


def assign(config: LoopConfig, loop_hash: int, key: str) -> Assignment | None:
    """The arm of a decision; None without a holdback, and in modes that show the baseline anyway.

    Arm and bucket are independent of each other, and of the draw, which has another hash.
    """
    held = config.holdback
    if held is None or config.mode != "Online":
        return None
    hashed = hashlib.blake2b(f"{loop_hash} {held.salt} {key}".encode(), digest_size=16).digest()
    arm, bucket = int.from_bytes(hashed[:8]), int.from_bytes(hashed[8:])
    return Assignment("baseline" if arm < held.share * _WHOLE else "policy", bucket % BUCKETS, held.share, held.salt)


def rank(pmf: list[float], point: float, assignment: Assignment) -> Ranking:
    """`sampling.rank` in an arm: the baseline is the first action."""
    order, _ = sampling.rank(pmf, point)
    share = assignment.share
    if assignment.arm == "baseline":
        place = order.index(0)
        order[0], order[place] = 0, order[0]
    return Ranking(order, [(1 - share) * pmf[index] + share * (index == 0) for index in order])


def rank_slots(rankings: Sequence[Ranking], baselines: Sequence[int], assignment: Assignment) -> list[Ranking]:
    """The rankings of an arm, the chosen action first, with the probability of each given those of the slots before.

    rankings: by the policy alone. What the slots before show says how likely each arm is by now, so that the product
    over the slots is h [all baselines] + (1 - h) p.
    """
    held, drawn = assignment.share, 1 - assignment.share
    made = []
    for (order, pmf), baseline in zip(rankings, baselines, strict=True):
        whole = held + drawn
        mixed = [(held * (action == baseline) + drawn * one) / whole for action, one in zip(order, pmf, strict=True)]
        made.append(Ranking(order, mixed))
        held, drawn = held * (order[0] == baseline), drawn * pmf[0]
    return made


def along_baselines(
    predict: Callable[[Sequence[int]], list[Ranking]], drawn: list[Ranking], baselines: Sequence[int]
) -> list[Ranking]:
    """The policy's rankings where every slot shows its baseline, which is first in each.

    drawn: what the policy has drawn. predict: its rankings if the first slots show these actions; asked where the draw
    leaves the baselines, so at most once for each slot but the last.
    """
    made = list(drawn)
    for slot, baseline in enumerate(baselines):
        order, pmf = made[slot]
        if order[0] == baseline:
            continue
        place = order.index(baseline)
        order, pmf = list(order), list(pmf)
        order[0], order[place], pmf[0], pmf[place] = order[place], order[0], pmf[place], pmf[0]
        made[slot] = Ranking(order, pmf)
        if slot + 1 < len(baselines):
            made[slot + 1 :] = predict(baselines[: slot + 1])[slot + 1 :]
    return made
