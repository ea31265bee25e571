"""Simulated customers who say little: what they mean follows from what has become of their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from random import Random
from statistics import fmean
from time import sleep
from typing import TYPE_CHECKING

from intents import Intent

if TYPE_CHECKING:
    from assistant import Reply


@dataclass(frozen=True)
class Customer:
    """What the shop knows before a word is said."""

    order: str
    channel: str


ORDERS = ("none", "unpaid", "on its way", "delivered")
CHANNELS = ("app", "web")
# What is meant by a vague sentence, in the order of ORDERS.
MEANT = {
    "my order, please": ("cancel", "payment", "track", "return"),
    "it is not there": ("password", "payment", "track", "refund"),
    "can I get it back": ("password", "cancel", "refund", "return"),
    "this failed": ("password", "payment", "track", "return"),
    "I have to change something": ("address", "payment", "cancel", "return"),
}
SLIP = 0.1  # the share of customers who mean something else than such customers do


def simulate(
    recognise: Callable[[str], list[tuple[float, Intent]]],
    reply: Callable[[str, dict[str, str]], Reply],
    picked: Callable[[str | None, str | None], str],
    count: int,
    pause: float,
    seed: int,
) -> None:
    """Has customers ask, and prints how often the first link was right for the second half of them."""
    rng, right, baseline, at_random, unanswered = Random(seed), [], [], [], 0
    for turn in range(count):
        if turn == count // 2:
            sleep(pause)  # what was sent so far is learned
        text, order = rng.choice(tuple(MEANT)), rng.randrange(len(ORDERS))
        said = reply(text, asdict(Customer(ORDERS[order], rng.choice(CHANNELS))))
        meant = rng.choice(said.choices) if rng.random() < SLIP else MEANT[text][order]
        unanswered += said.event_id is None
        picked(said.event_id, meant)
        right.append(said.choices[0] == meant)
        baseline.append(recognise(text)[0][1].id == meant)
        at_random.append(1 / len(said.choices))
    ranked, by_score, random = (fmean(one[count // 2 :]) for one in (right, baseline, at_random))
    print(f"{count} customers, {unanswered} without an answer. Of the second half, the first link was right for:")
    print(f"  by the recogniser's score  {by_score:6.1%}\n  at random                  {random:6.1%}")
    print(f"  ranked by Personalizer     {ranked:6.1%}\n  the best possible          {1 - SLIP + SLIP * random:6.1%}")
    print(f"gain: {ranked - by_score:+.1%} over the score, {ranked - random:+.1%} over random")
