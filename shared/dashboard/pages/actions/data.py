"""How often actions were shown, and how much the loop explores: what the page about actions is made of."""

import math
from collections import Counter

import msgspec

from shared.dashboard import histories
from shared.dashboard.page import Call
from shared.dashboard.periods import Period
from shared.loops.calibration import Calibration
from shared.loops.checkpoint import Checkpoint
from shared.loops.hour_sums import OTHER, Shown
from shared.loops.policy_sums import RANDOM
from shared.loops.summary import DAY_MS, Summary

MOST_ROWS = 50


class Action(msgspec.Struct, frozen=True):
    """chosen: how often it was shown. baseline: as the first action of its request. explored: not as the likeliest."""

    id: str
    chosen: int
    baseline: int
    explored: int


class Expected(msgspec.Struct, frozen=True):
    """How often something was shown, and how often its logged probabilities let one expect. z: in deviations."""

    shown: float
    expected: float
    z: float | None


class Exploration(msgspec.Struct, frozen=True):
    """effective: decisions at random that the log is worth (n e). share: of decisions that explored. entropy: of the
    actions shown, 0 for a single one to 1 for all alike."""

    decisions: int
    effective: float | None
    share: float | None
    entropy: float | None
    most_probable: Expected
    baseline: Expected
    improper: int


class Judged(msgspec.Struct, frozen=True):
    """Of some decisions of the last day: what reward the model before expected in the mean, and what came."""

    decisions: int
    expected: float
    came: float


class Actions(msgspec.Struct, frozen=True):
    """sizes: decisions by their number of actions. others: how many actions there are beside those listed. judged: None
    while no model has judged decisions."""

    loop: str
    period: Period
    actions: list[Action]
    others: int
    exploration: Exploration
    sizes: dict[int, int]
    judged: Judged | None
    through: int


async def load(call: Call) -> Actions:
    """Of the first slot, from summaries."""
    found = await histories.read(call.of, call.given.get("period"), None)
    shown = Shown()
    for hour in found.summary.hours.values():
        if 0 in hour.slots:
            shown.merge(hour.slots[0])
    ids = sorted(shown.chosen, key=lambda one: (one == OTHER, -shown.chosen[one], one))
    listed = [
        Action(one, shown.chosen[one], shown.baseline.get(one, 0), shown.explored.get(one, 0))
        for one in ids[:MOST_ROWS]
    ]
    return Actions(
        loop=call.of.loop,
        period=found.history.period,
        actions=listed,
        others=max(0, len(ids) - MOST_ROWS),
        exploration=_exploration(shown, found.summary),
        sizes=dict(sorted(shown.sizes.items())),
        judged=_judged(await call.of.read_checkpoint()),
        through=found.history.through,
    )


def _exploration(shown: Shown, summary: Summary) -> Exploration:
    decisions = sum(shown.chosen.values())
    uniform = summary.total(RANDOM)
    second, n = float(uniform.second), float(uniform.n)
    probable = sum(shown.sizes.values())
    return Exploration(
        decisions=decisions,
        effective=n * n / second if second else None,
        share=sum(shown.explored.values()) / decisions if decisions else None,
        entropy=entropy(shown.chosen),
        most_probable=_expected(shown.top, float(shown.top_p), float(shown.top_pq)),
        baseline=_expected(sum(shown.baseline.values()), float(shown.baseline_p), float(shown.baseline_pq)),
        improper=min(shown.improper, probable),
    )


def entropy(chosen: dict[str, int]) -> float | None:
    """-sum q ln q / ln(actions seen); None for fewer than two actions."""
    total = sum(Counter(chosen).values())
    if len(chosen) < 2 or not total:
        return None
    shares = [count / total for count in chosen.values() if count]
    return -sum(one * math.log(one) for one in shares) / math.log(len(chosen))


def _expected(shown: float, expected: float, spread: float) -> Expected:
    """z needs an expected spread of 25 at least, as the alarm does."""
    return Expected(shown, expected, (shown - expected) / math.sqrt(spread) if spread >= 25 else None)


def _judged(state: Checkpoint) -> Judged | None:
    found = (state.calibration or Calibration()).within(state.cut - DAY_MS, state.cut)
    return Judged(found.n, found.predicted / found.n, found.reward / found.n) if found.n else None
