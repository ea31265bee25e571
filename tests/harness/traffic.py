"""Calm and faulty traffic of a loop, given to its summaries as events with their times."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import NamedTuple

from harness import visitors
from harness.visitors import See
from shared.hubs.events import Assignment
from shared.loops import exploring
from shared.loops.calibration import Calibration
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import Holdback, LoopConfig, Policy
from shared.loops.gathering import Gatherer
from shared.loops.summary import DAY_MS, HOUR_MS, Summary
from shared.monitoring.alarms.catalogue import HOURLY
from shared.monitoring.alarms.history import History
from shared.monitoring.alarms.window import DAYS, Window
from shared.vw.calibrating import Expected

# A Monday.
START = 20_000 * DAY_MS + 4 * DAY_MS
EPSILON = LoopConfig(exploration=0.2, policy=Policy("epsilon", "--cb_explore_adf --epsilon 0.2"))
HOLDBACK = Holdback(0.2, "salt")


class Loop(NamedTuple):
    """What a loop does and earns. The best action differs between contexts; the baseline is the first one.

    daily: decisions. usual, best: what other actions and the best one earn, by chance. actions: how many. explores: the
    share of epsilon-greedy, given evenly. rewarded: the share of decisions that are answered with a reward, of 0 or 1;
    else the default, 0. late: of rewards. knows: the share of contexts whose best action the policy shows. picks: what
    the policy takes for the best in all contexts, None if that differs. served: the share that it explores in truth.
    sends: what is sent for a reward. obeys: the share of decisions that show what was drawn. first: what the baseline
    earns more. held: the share of a holdback. loses: of its decisions, those that never arrive. sees: what features
    they have. expects: what the model expects, as a multiple of the rewards.
    """

    daily: float = 1_200
    usual: float = 0.1
    best: float = 0.25
    actions: int = 4
    explores: float = 0.2
    served: float | None = None
    rewarded: float = 1.0
    late: float = 0.02
    knows: float = 0.9
    picks: int | None = None
    sends: Callable[[float], float] | None = None
    obeys: float = 1.0
    first: float = 0.0
    held: float = 0.0
    loses: float = 0.0
    sees: See = visitors.calm
    expects: float = 1.0


def hour(loop: Loop, number: int, chance: random.Random) -> Summary:
    """The events of one hour, counted from START; fewer at night, and rewards better in the evening."""
    gatherer, at = Gatherer(), START + number * HOUR_MS
    day = number % 24
    tide = 1 + 0.6 * math.sin((day - 9) / 24 * 2 * math.pi)
    mood = 1 + 0.2 * math.sin((day - 14) / 24 * 2 * math.pi)
    for _ in range(_poisson(loop.daily / 24 * tide, chance)):
        _decide(gatherer, loop, at + chance.randrange(HOUR_MS), mood, chance)
    made = gatherer.finished().rolled_up(HOUR_MS)
    made.features = {at: visitors.sampled(loop.sees, number, made.fate("shown"))}
    return made


def _decide(gatherer: Gatherer, loop: Loop, at: int, mood: float, chance: random.Random) -> None:
    count = loop.actions
    best = chance.randrange(1, count + 1)
    shown_best = loop.picks or (best if chance.random() < loop.knows else chance.randrange(1, count + 1))
    served = loop.explores if loop.served is None else loop.served
    p = dict.fromkeys(range(1, count + 1), served / count)
    p[shown_best] += 1 - served
    is_held = chance.random() < loop.held
    if is_held and chance.random() < loop.loses:
        return
    action = 1 if is_held else chance.choices(list(p), list(p.values()))[0]
    if chance.random() >= loop.obeys:
        action = chance.randrange(1, count + 1)
    numbers = [action, *(number for number in p if number != action)]
    reward = float(
        chance.random() < mood * ((loop.best if action == best else loop.usual) + loop.first * (action == 1))
    )
    gatherer.count(at, "shown")
    if chance.random() >= loop.rewarded:
        reward = 0.0
    else:
        gatherer.count(at, "late" if chance.random() < loop.late else "matched")
        gatherer.count(at, "rewarded")
        reward = loop.sends(reward) if loop.sends is not None else reward
    mixed = {number: loop.held * (number == 1) + (1 - loop.held) * one for number, one in p.items()}
    arm = Assignment("baseline" if is_held else "policy", chance.randrange(100), loop.held, HOLDBACK.salt)
    gatherer.show(
        at, 0, reward, [mixed[number] for number in numbers], numbers, f"action-{action}",
        assignment=arm if loop.held else None, share=loop.held,
    )  # fmt: skip


def _expected(loop: Loop, made: Summary, at: int) -> list[Expected]:
    """Some of an hour's decisions, which earn what it earned in the mean: by 0 and 1."""
    served, chance = made.served(), random.Random(at)
    mean = float(served.wr) / max(1.0, float(served.n))
    count = min(50, round(float(served.n)))
    return [Expected(at, loop.expects * mean, float(chance.random() < mean)) for _ in range(count)]


def _poisson(mean: float, chance: random.Random) -> int:
    return max(0, round(chance.gauss(mean, math.sqrt(mean))))


class Judged:
    """A loop that is judged at the end of every hour."""

    def __init__(self, config: LoopConfig = EPSILON, state: Checkpoint | None = None) -> None:
        self.config, self.state = config, state or Checkpoint()
        self.made, self.history, self.hours = Summary(span=HOUR_MS), History(), 0
        self.calibration = Calibration()

    def live(self, loop: Loop, hours: int, chance: random.Random, every: int = 1) -> list[tuple[int, str, str]]:
        """Hours of its life; the alarms that were raised in them: at which hour, name and state."""
        raised = list[tuple[int, str, str]]()
        for _ in range(hours):
            made = hour(loop, self.hours, chance)
            self.calibration = self.calibration.plus(_expected(loop, made, START + self.hours * HOUR_MS))
            self.made.absorb(made)
            self.hours += 1
            if self.hours % every == 0:
                raised += self._judge()
        return raised

    def _judge(self) -> list[tuple[int, str, str]]:
        at, before = START + self.hours * HOUR_MS, self.history
        self.made = self.made.within(at - DAYS * DAY_MS, at)
        how = exploring.of(self.config, self.state, at - DAY_MS)
        window = Window(self.made, at, self.config, how, self.calibration)
        self.history = before.after(at, {alarm: judge(window) for alarm, judge in HOURLY.items()})
        new = [one for one in self.history.changes if one.at == at]
        return [(self.hours, one.alarm, one.state) for one in new if one.state in ("warning", "critical")]
