"""Simulated requests to a language model, and how well each pair of model and prompt would have done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from statistics import fmean
from time import sleep
from typing import TYPE_CHECKING

from models import Completion, complete

if TYPE_CHECKING:
    from prompts import Choice

# The words by which a task is told, and a request of each.
SIGNS = {
    "translate": ("translate", "translation"),
    "summarise": ("summarise", "summarize", "summary"),
    "calculate": ("calculate", "compute", "percent"),
    "code": ("function", "code", "bug"),
}
REQUESTS = (
    "Translate this into French",
    "Summarise what was agreed",
    "Calculate the total with tax",
    "Write a function that does this",
    "Suggest a name for our cat",
)
Row = tuple[float, float, float]  # reward, quality, cents


def simulate(
    pairs: Mapping[str, tuple[str, str]],
    answer: Callable[[str], tuple[Choice, Completion]],
    features_of: Callable[[str], Mapping[str, str]],
    judged: Callable[[str, float, float], None],
    reward_of: Callable[[float, float], float],
    count: int,
    pause: float,
    seed: int,
) -> None:
    """Sends requests, and prints what the second half of the choices was worth. Figures are true means."""

    def row(completion: Completion) -> Row:
        return reward_of(completion.quality, completion.cents), completion.quality, completion.cents

    rng, unanswered = Random(seed), 0
    seen: dict[str, list[Row]] = {"always the first": [], "at random": [], "Personalizer": [], "the best": []}
    for turn in range(count):
        if turn == count // 2:
            sleep(pause)  # what was sent so far is learned
        request = rng.choice(REQUESTS) + rng.choice(("", ": " + "and so on " * 30))
        choice, completion = answer(request)
        if choice.event_id is None:
            unanswered += 1
        else:
            thumb = float(rng.random() < completion.quality)
            judged(choice.event_id, thumb, completion.cents)
        if turn >= count // 2:
            rows = [row(complete(*pair, features_of(request))) for pair in pairs.values()]
            for column, shown in zip(seen.values(), ([rows[0]], rows, [row(completion)], [max(rows)]), strict=True):
                column += shown
    print(f"{count} requests, {unanswered} without an answer. Means of the second half:")
    print(f"{'':20} {'reward':>8} {'quality':>8} {'cents':>7}")
    rewards = {}
    for name, column in seen.items():
        rewards[name], quality, cents = (fmean(values) for values in zip(*column, strict=True))
        print(f"  {name:18} {rewards[name]:8.3f} {quality:8.3f} {cents:7.2f}")
    first, at_random, chosen, _ = rewards.values()
    print(f"gain: {chosen - first:+.3f} over the first pair, {chosen - at_random:+.3f} over random")
