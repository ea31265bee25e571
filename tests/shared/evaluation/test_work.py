"""Learning policies over a log: what is judged is what Rank would have served, and parts are the same however made."""

import asyncio
import json
import random
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from harness.logs import ACTIONS, VISITORS, World, encoded, log

from shared.evaluation import learning_state, part, result, units, work
from shared.evaluation.part import SINGLE, Part, Unit
from shared.evaluation.plan import Candidate, Plan, Stretch
from shared.evaluation.replay import Unworkable
from shared.loops.config import LoopConfig, Policy
from shared.rank import ranking, wire
from shared.vw import learning, policy
from shared.vw.dsjson import Line
from shared.vw.experience import Experience
from shared.vw.exploration import Exploration
from shared.vw.known_actions import KnownActions
from shared.vw.model import Model
from shared.vw.schema import Schema
from shared.vw.zygote import Zygote

EPSILON = "--cb_explore_adf --cb_type mtr --epsilon 0.3 -q ::"
HOURS = 4


def planned(lines: list[Line], *candidates: Candidate, count: int = HOURS) -> tuple[Plan, list[bytes]]:
    """A plan of equal stretches, and their lines."""
    each = len(lines) // count
    cuts = [lines[number * each : (number + 1) * each] for number in range(count)]
    stretches = [Stretch(number * 3_600_000, (number + 1) * 3_600_000, each) for number in range(count)]
    return Plan(list(candidates), stretches, 0.0, Schema("F", "j"), count // 2), [encoded(cut) for cut in cuts]


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    lines = data.splitlines(keepends=True)
    for start in range(0, len(lines), 70):
        yield b"".join(lines[start : start + 70])


class Worker:
    """Works units as they become ready, in an order of its own."""

    def __init__(self, made: Plan, lines: list[bytes], folder: Path, seed: int = 0) -> None:
        self.plan, self.lines, self.folder, self.rng = made, lines, folder, random.Random(seed)
        self.done: dict[Unit, Part] = {}

    async def unit(self, unit: Unit, zygote: Zygote) -> Part:
        folder = self.state(unit.policy, unit.stretch)
        folder.mkdir(parents=True, exist_ok=True)
        previous = self.state(unit.policy, unit.stretch - 1) if unit.stretch and unit.policy else None
        events = folder / "events.jsonl"
        lines = chunks(self.lines[unit.stretch])
        action = None
        if not unit.policy and unit.stretch >= self.plan.held_out:
            action = units.single_action(self.plan, self.done)
        return await work.work(self.plan, unit, lines, folder, zygote, previous, events, action)

    async def run(self, *, twice: bool = False) -> None:
        async with Zygote() as zygote:
            while waiting := units.ready(self.plan, self.done):
                unit = self.rng.choice(waiting)
                if twice:  # as of a worker that was killed before its part was stored
                    await self.unit(unit, zygote)
                data = part.encode(await self.unit(unit, zygote))
                self.done[unit] = part.decode("part", data)

    def state(self, name: str, stretch: int) -> Path:
        return self.folder / (name or "log") / str(stretch)

    def events(self, name: str, stretch: int) -> list[dict[str, object]]:
        return [json.loads(one) for one in (self.state(name, stretch) / "events.jsonl").read_bytes().splitlines()]


def worked(made: tuple[Plan, list[bytes]], folder: Path, seed: int = 0, *, twice: bool = False) -> Worker:
    worker = Worker(*made, folder, seed)
    asyncio.run(worker.run(twice=twice))
    return worker


def rank(visitor: str, model: Model, config: LoopConfig) -> dict[str, float]:
    """What Rank answers."""
    actions = [{"id": one, "features": [{"kind": one}]} for one in ACTIONS]
    body = json.dumps({"contextFeatures": [{"hour": visitor}], "actions": actions, "eventId": "e"}).encode()
    decision = ranking.decide(wire.rank_request(body), config, model, 7)
    order, probabilities = decision.ranking
    return {ACTIONS[index]: p for index, p in zip(order, probabilities, strict=True)}


@pytest.mark.parametrize("arguments", [policy.DEFAULT_ARGUMENTS, EPSILON, "--cb_explore_adf --squarecb -q ::"])
def test_a_policy_is_judged_by_what_rank_would_have_served(arguments: str, tmp_path: Path) -> None:
    candidate = Candidate("mine", arguments, 0.25)
    lines = log(240)
    worker = worked(planned(lines, candidate, count=2), tmp_path)
    told = worker.events("mine", 1)[0]
    state, parsed = worker.state("mine", 0), policy.parse(arguments)
    exploration = None
    if parsed.explores_first:
        experience = msgspec.msgpack.decode((state / learning_state.EXPERIENCE).read_bytes(), type=Experience)
        actions = KnownActions.read(state / learning_state.ACTIONS)
        exploration = Exploration(experience.schedule.sharpness, actions)
    config = LoopConfig(policy=Policy("mine", arguments), exploration=0.25)
    options = parsed.exploration_options(0.25)
    learning.reduce(state / learning_state.MODEL, state / "predict.vw")
    model = Model("m", state / "predict.vw", options, exploration)
    event = lines[120]
    visitor = next(one for one in VISITORS if one.encode() in bytes(event.c))
    expected = rank(visitor, model, config)
    model.close()
    assert told["event_id"] == event.id
    assert told["p_eval"] == pytest.approx(expected[ACTIONS[event.index]], abs=1e-5)
    assert told["p_log"] == pytest.approx(1 / 3)
    assert len(set(expected.values())) > 1


def test_a_policy_that_learns_earns_what_it_could(tmp_path: Path) -> None:
    candidate = Candidate("mine", policy.DEFAULT_ARGUMENTS, 0.2)
    worker = worked(planned(log(4_000), candidate), tmp_path)
    found = result.combine(worker.plan, worker.done)
    by_name = {one.name: one for one in found.policies}
    assert set(by_name) == {"Online", "Baseline1", "BaselineRand", SINGLE, "mine"}
    mine, online = by_name["mine"], by_name["Online"]
    assert online.value == pytest.approx((0.1 + 0.8 + 0.2) / 3, abs=0.03)
    assert by_name["Baseline1"].lower < 0.1 < by_name["Baseline1"].upper
    assert 0.6 < mine.value < 0.8
    assert mine.lower > online.upper
    assert by_name[SINGLE].value == pytest.approx(0.5, abs=0.06)
    assert by_name[SINGLE].decisions == 2_000
    [against_online, against_baseline] = mine.comparisons
    assert (against_online.other, against_baseline.other) == ("Online", "Baseline1")
    assert against_online.lower > 0
    assert against_online.days == 0
    assert mine.verdict is not None
    assert mine.verdict.promoted
    assert found.self_check.passed
    assert [one.at for one in found.series["mine"]] == [0, 3_600_000, 7_200_000, 10_800_000]
    assert min(one.lower for one in found.series["mine"]) > online.upper


def test_parts_are_the_same_bits_in_any_order_and_however_often_a_unit_is_worked(tmp_path: Path) -> None:
    candidates = Candidate("default", policy.DEFAULT_ARGUMENTS, 0.2), Candidate("epsilon", EPSILON, 0.3)
    made = planned(log(800), *candidates)
    one = worked(made, tmp_path / "one")
    other = worked(made, tmp_path / "other", seed=1, twice=True)
    assert {unit: part.encode(found) for unit, found in one.done.items()} == {
        unit: part.encode(found) for unit, found in other.done.items()
    }
    encode = msgspec.json.encode
    assert encode(result.combine(one.plan, one.done)) == encode(result.combine(other.plan, other.done))
    assert len(one.done) == 3 * HOURS


def test_rewards_that_do_not_depend_on_the_action_promote_nothing(tmp_path: Path) -> None:
    alike = World(earns=((0.5,) * 3,) * 2)
    promoted = 0
    for seed in range(4):
        worker = worked(planned(log(1_200, seed, alike), Candidate("e", EPSILON, 0.3), count=2), tmp_path / str(seed))
        [verdict] = [one.verdict for one in result.combine(worker.plan, worker.done).policies if one.name == "e"]
        promoted += verdict is None or verdict.promoted
    assert promoted == 0


def test_a_policy_that_vw_does_not_start_is_named_with_the_reason(tmp_path: Path) -> None:
    made = planned(log(40), Candidate("mine", "--cb_explore_adf --cb_type nothing", 0.2), count=2)
    with pytest.raises(Unworkable, match=r"^mine cannot be judged: .*nothing"):
        worked(made, tmp_path)


def test_lines_that_are_not_learned_keep_predictions_and_events_together(tmp_path: Path) -> None:
    lines = log(300)
    skipped = msgspec.structs.replace(lines[0], skip=True, id="skipped")
    improbable = msgspec.structs.replace(lines[0], probability=0.0, p=[0.0, 0.5, 0.5], id="improbable")
    taught = msgspec.structs.replace(lines[0], mode="Apprentice", cost=0.0, original_cost=-1.0, id="taught")
    mixed = [*lines[:50], skipped, improbable, *lines[50:100], taught, *lines[100:]]
    made, _ = planned(lines, Candidate("mine", EPSILON, 0.3), count=1)
    worker = worked((made, [encoded(mixed)]), tmp_path)
    assert [one["event_id"] for one in worker.events("mine", 0)] == [one.id for one in lines]
    found = result.combine(worker.plan, worker.done)
    assert found.decisions == 300
    assert sum(found.skipped.values()) == 3


@pytest.mark.parametrize("reward", [0.0, 1.0])
def test_equal_rewards_and_a_single_event_give_whole_intervals(reward: float, tmp_path: Path) -> None:
    lines = [msgspec.structs.replace(one, cost=-reward, original_cost=-reward) for one in log(60)]
    for count in (1, 60):
        made = planned(lines[:count], Candidate("mine", EPSILON, 0.3), count=1)
        worker = worked(made, tmp_path / str(count))
        for one in result.combine(worker.plan, worker.done).policies:
            assert 0 <= one.lower <= one.value <= one.upper <= 1
            assert one.verdict is None or not one.verdict.promoted


def test_rewards_beyond_the_usual_range_widen_it(tmp_path: Path) -> None:
    lines = log(200)
    lines[3] = msgspec.structs.replace(lines[3], cost=7.0, original_cost=7.0)
    worker = worked(planned(lines, count=2), tmp_path)
    assert result.combine(worker.plan, worker.done).rewards == (-7.0, 1.0)


def test_the_doubly_robust_estimate_is_that_of_predictions_made_before_learning(tmp_path: Path) -> None:
    lines = log(1_200)
    made, data = planned(lines, Candidate("mine", EPSILON, 0.3), Candidate("blind", f"{EPSILON} -l 0", 0.3), count=2)
    made = msgspec.structs.replace(made, is_robust=True)
    taught = msgspec.structs.replace(lines[0], mode="Apprentice", cost=-1.0, original_cost=-0.5)
    worker = worked((made, [encoded([taught]) + data[0], data[1]]), tmp_path)
    found = {one.name: one for one in result.combine(worker.plan, worker.done).policies}
    costs = [
        [float(pair.partition(":")[2]) for pair in sorted(line.split(","))]
        for stretch in (0, 1)
        for line in (worker.state("blind", stretch) / "rewards" / "predictions.txt").read_text().split()
    ]
    assert len(costs) == 1_200
    assert costs[0] == [0, 0, 0]
    assert costs[601] != costs[0]
    # A policy that learns nothing has three best actions, and Rank lets .3 go to all but the first.
    pmf, terms = [0.7, 0.15, 0.15], []
    for line, cost in zip(lines, costs, strict=True):
        value = -sum(share * each for share, each in zip(pmf, cost, strict=True))
        terms.append(value + pmf[line.index] / line.p[0] * (-line.cost + cost[line.index]))
    blind, mine = found["blind"].robust, found["mine"].robust
    assert blind is not None
    assert blind.value == pytest.approx(sum(terms) / len(terms), abs=1e-5)
    assert mine is not None
    assert mine.lower < found["mine"].ips < mine.upper
    half_width = found["mine"].half_width
    assert half_width is not None
    assert mine.upper - mine.lower < 2 * half_width


async def test_a_stretch_needs_no_other_files_of_the_one_before(tmp_path: Path) -> None:
    made, data = planned(log(1_000), Candidate("mine", policy.DEFAULT_ARGUMENTS, 0.2), count=2)
    made = msgspec.structs.replace(made, is_robust=True)
    whole, moved, later = tmp_path / "whole", tmp_path / "moved", Unit("mine", 1)
    whole.mkdir()
    async with Zygote() as zygote:
        await work.work(made, Unit("mine", 0), chunks(data[0]), whole, zygote)
        for name in learning_state.files(made):
            (moved / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(whole / name, moved / name)
        found = []
        for place, previous in (("one", whole), ("two", moved)):
            (tmp_path / place).mkdir()
            done = await work.work(made, later, chunks(data[1]), tmp_path / place, zygote, previous)
            found.append(part.encode(done))
        (tmp_path / "anew").mkdir()
        anew = part.encode(await work.work(made, later, chunks(data[1]), tmp_path / "anew", zygote))
    assert found[0] == found[1] != anew
