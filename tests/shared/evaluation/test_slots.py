"""Policies over decisions about several slots: what is estimated is the truth, and parts are the same however made."""

import asyncio
import json
import random
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec
import pytest
from harness import slot_logs
from harness.slot_logs import log, truth

from shared.evaluation import part, result, units, work
from shared.evaluation.logged import Use
from shared.evaluation.part import Judged, Part, Unit
from shared.evaluation.plan import Candidate, Plan, Stretch
from shared.evaluation.replay import Unworkable
from shared.evaluation.result import Result
from shared.evaluation.slots import slot_events, slot_log
from shared.evaluation.slots.slot_columns import SlotColumns, over
from shared.evaluation.slots.slot_figures import per_slot
from shared.evaluation.slots.slot_log import SlotLog
from shared.vw import dsjson
from shared.vw.dsjson import SlotsLine
from shared.vw.policy import MULTI_SLOT_ARGUMENTS
from shared.vw.zygote import Zygote

changed = msgspec.structs.replace
MINE = Candidate("mine", MULTI_SLOT_ARGUMENTS, 0.2)


def planned(count: int, *candidates: Candidate, stretches: int = 1, slots: tuple[str, ...] = slot_logs.SLOTS) -> Plan:
    each = count // stretches
    cuts = [Stretch(number * 3_600_000, (number + 1) * 3_600_000, each) for number in range(stretches)]
    return Plan(list(candidates), cuts, is_multi_slot=True, slots=list(slots), keeps_series=True)


def encoded(lines: list[SlotsLine]) -> bytes:
    return b"".join(map(dsjson.encode, lines))


def judged(lines: list[Any], made: Plan | None = None) -> Part:
    """Of the policies that need no model, as a part that was stored and read."""
    judge = SlotLog(made or planned(len(lines)), Unit("", 0))
    for line in lines:
        judge.add(line if isinstance(line, bytes) else dsjson.encode(line))
    return part.decode("part", part.encode(judge.part()))


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    lines = data.splitlines(keepends=True)
    for start in range(0, len(lines), 70):
        yield b"".join(lines[start : start + 70])


def worked(made: Plan, lines: list[SlotsLine], folder: Path, seed: int = 0) -> dict[Unit, Part]:
    """All units, in an order by chance."""

    async def run() -> dict[Unit, Part]:
        done, rng = dict[Unit, Part](), random.Random(seed)
        each = len(lines) // len(made.stretches)
        async with Zygote() as zygote:
            while waiting := units.ready(made, done):
                unit = rng.choice(waiting)
                own = folder / (unit.policy or "log") / str(unit.stretch)
                shutil.rmtree(own, ignore_errors=True)
                own.mkdir(parents=True)
                before = own.parent / str(unit.stretch - 1) if unit.stretch and unit.policy else None
                data = encoded(lines[unit.stretch * each : (unit.stretch + 1) * each])
                found = await work.work(made, unit, chunks(data), own, zygote, before, own / "events.jsonl")
                done[unit] = part.decode("part", part.encode(found))
        return done

    return asyncio.run(run())


def figures(found: Result) -> dict[tuple[str, str | None], tuple[float, float, float]]:
    return {(one.name, one.slot): (one.value, one.lower, one.upper) for one in [*found.policies, *found.slots]}


def test_the_policies_that_need_no_model_are_estimated_as_they_are() -> None:
    lines = log(20_000)
    found = figures(result.combine(planned(20_000), {Unit("", 0): judged(lines)}))
    for name, pmf in (
        ("Online", slot_logs.logging),
        ("Baseline1", slot_logs.baseline),
        ("BaselineRand", slot_logs.uniform),
    ):
        known = truth(pmf)
        for slot, value in ((None, known.mean), ("top", known.top), ("side", known.side)):
            estimate, lower, upper = found[name, slot]
            assert lower < value < upper, (name, slot)
            assert upper - lower < 0.1
            assert lower <= estimate <= upper
    assert found["Online", "top"][0] == pytest.approx(fmean(-line.slots[0].cost for line in lines))


def candidate_judged(lines: list[SlotsLine]) -> Judged:
    """A policy that knows what is liked, without a model."""
    columns = SlotColumns(slot_logs.SLOTS, 0.0)
    for line in lines:
        event, use = slot_events.read(dsjson.encode(line))
        assert use is Use.JUDGED
        ratios = []
        for place, slot in enumerate(event.slots):
            left = sorted(slot.actions)
            pmf = dict(zip(left, slot_logs.liking(slot_logs.visitor_of(line), place, left), strict=True))
            ratios.append([over(pmf[action], p) for action, p in slot.pairs()])
        columns.add(event, ratios, slot_log.compared(event))
    return columns.judged()


def covered(seeds: range, count: int) -> dict[str, float]:
    """How often the intervals hold the truth, and how far estimates are from it on average, in standard errors."""
    from shared.evaluation import estimate
    from shared.evaluation.intervals.interval import Interval

    known, hits, values = truth(slot_logs.liking), {"mean": 0, "top": 0, "side": 0}, list[float]()
    for seed in seeds:
        found = candidate_judged(log(count, seed))
        value, interval = estimate.point_of(per_slot(found), Interval(0, 1))
        values.append(value)
        hits["mean"] += interval.lower <= known.mean <= interval.upper
        for slot in slot_logs.SLOTS:
            one = estimate.of_slot("mine", slot, found, Interval(0, 1), found)
            hits[slot] += one.lower <= getattr(known, slot) <= one.upper
    spread = (sum((one - fmean(values)) ** 2 for one in values) / len(values)) ** 0.5
    shares = {name: count / len(seeds) for name, count in hits.items()}
    return shares | {"bias": abs(fmean(values) - known.mean) / spread * len(seeds) ** 0.5}


def test_intervals_hold_the_truth_of_a_policy_that_nobody_served() -> None:
    found = covered(range(40), 800)
    assert min(found[name] for name in ("mean", "top", "side")) >= 0.85, found
    assert found["bias"] < 4


def test_a_policy_that_learns_is_judged_by_what_rank_would_have_served(tmp_path: Path) -> None:
    lines = log(3_000)
    made = planned(3_000, MINE, stretches=2)
    done = worked(made, lines, tmp_path)
    found = result.combine(made, done)
    by = figures(found)
    assert by["mine", "top"][0] > by["Online", "top"][2]
    assert by["mine", None][0] > by["Online", None][2]
    assert found.self_check.passed, found.self_check.told
    told = [json.loads(one) for one in (tmp_path / "mine" / "1" / "events.jsonl").read_bytes().splitlines()]
    assert [one["slot"] for one in told[:4]] == ["top", "side", "top", "side"]
    assert told[0]["event_id"] == lines[1_500].id
    for place in range(2):
        expected = served(tmp_path / "mine" / "0" / "model.vw", lines[1_500], place)
        assert told[place]["p_eval"] == pytest.approx(expected, abs=1e-5)
    weights = [one["p_eval"] / one["p_log"] for one in told]
    earned = fmean(
        (first * one["reward"] + first * second * two["reward"]) / 2
        for first, second, one, two in zip(weights[::2], weights[1::2], told[::2], told[1::2], strict=True)
    )
    later = done[Unit("mine", 1)].judged["mine"].sums
    assert float(later.wr) / float(later.n) / 2 == pytest.approx(earned)


def served(state: Path, line: SlotsLine, place: int) -> float:
    """The probability of the logged action by the model that Rank has, the slots before showing what they showed."""
    from shared.vw import learning
    from shared.vw.model import Model

    context = json.loads(bytes(line.c))
    for earlier in range(place):
        context["_slots"][earlier]["_inc"] = [line.slots[earlier].a[0]]
    predict = state.parent / f"predict-{place}.vw"
    learning.reduce(state, predict)
    model = Model("m", predict, ["--epsilon", "0.2"])
    ranking = model.predict_slots(json.dumps(context).encode(), 2)[place]
    model.close()
    return dict(zip(ranking.order, ranking.probabilities, strict=True))[line.slots[place].a[0]]


def test_parts_are_the_same_bits_in_any_order(tmp_path: Path) -> None:
    made, lines = planned(600, MINE, stretches=3), log(600)
    one, other = worked(made, lines, tmp_path / "one"), worked(made, lines, tmp_path / "other", seed=1)
    assert {unit: part.encode(found) for unit, found in one.items()} == {
        unit: part.encode(found) for unit, found in other.items()
    }
    whole = result.merged(one, "Online", Unit("", 0), range(3))
    assert whole.slots is not None
    alone = judged(lines).judged["Online"].slots
    assert alone is not None
    assert whole.slots.pooled == alone.pooled
    assert whole.slots.slots == alone.slots
    assert {one.v for one in one.values()} == {part.SEVERAL_SLOTS}


LINE = log(1)[0]


def slot(place: int, **values: Any) -> SlotsLine:
    slots = [changed(one, **values) if number == place else one for number, one in enumerate(LINE.slots)]
    return changed(LINE, slots=slots)


@pytest.mark.parametrize(
    ("line", "use"),
    [
        (LINE, Use.JUDGED),
        (changed(LINE, skip=True), Use.NOWHERE),
        (changed(LINE, mode="LoggingOnly", skip=True), Use.BASELINE),
        (changed(LINE, mode="Apprentice"), Use.BASELINE),
        (slot(0, cost=-1.0, original_cost=-0.3), Use.BASELINE),
        (slot(1, p=[0.0, 1.0]), Use.IMPROBABLE),
        (slot(1, p=[]), Use.IMPROBABLE),
        (slot(1, p=[0.2], a=[0]), Use.INCOMPLETE),
        (slot(0, a=[0, 0, 1, 2]), Use.INCOMPLETE),
        (slot(0, p=[0.5, 0.1, 0.1, 0.1]), Use.INCOMPLETE),
        (slot(1, a=[3], p=[1.0]), Use.JUDGED),
        (changed(LINE, slots=[]), Use.UNREADABLE),
        (changed(LINE, drop=1.0), Use.UNREADABLE),
    ],
)
def test_what_an_event_is_used_for(line: SlotsLine, use: Use) -> None:
    assert slot_events.read(dsjson.encode(line))[1] is use


def test_lines_that_are_damaged_or_of_one_slot_are_counted() -> None:
    whole = dsjson.encode(LINE)
    number = dsjson.encode(slot(1)).replace(b'"_a":[', b'"_a":3,"x":[', 1).replace(b'"_p":[', b'"_p":1.0,"y":[', 1)
    assert slot_events.read(number)[1] is Use.JUDGED
    found = judged([LINE, whole[:200] + b"\n", b'{"_outcomes":[{"_label_cost":"x"}]}', b'{"_label_cost":0}'])
    assert found.uses == {"JUDGED": 1, "UNREADABLE": 2, "SINGLE": 1}


def test_events_without_baselines_are_judged_for_the_others() -> None:
    lines = log(400)
    mixed = [changed(one, baselines=None) if number % 4 == 0 else one for number, one in enumerate(lines)]
    found = result.combine(planned(400), {Unit("", 0): judged(mixed)})
    by = {one.name: one for one in found.policies}
    assert (by["Online"].decisions, by["Baseline1"].decisions) == (400, 300)
    assert any("100 events that do not say their baselines" in note for note in found.notes)
    assert found.skipped == {}
    [compared] = by["Baseline1"].comparisons
    assert compared.other == "Online"
    none = result.combine(planned(400), {Unit("", 0): judged([changed(one, baselines=None) for one in lines])})
    assert {one.name for one in none.policies} == {"Online", "BaselineRand"}
    assert "_ba" in none.failed["Baseline1"]


def test_an_apprentice_counts_for_the_baseline_alone() -> None:
    lines = log(100)
    taught = changed(slot(0, cost=-1.0, original_cost=-0.25), mode="Apprentice")
    with_it, alone = judged([*lines, taught]), judged(lines)
    assert with_it.judged["Online"] == alone.judged["Online"]
    more = float(with_it.judged["Baseline1"].sums.n) - float(alone.judged["Baseline1"].sums.n)
    assert more == 1


def test_events_that_stand_for_others_count_for_them() -> None:
    lines = log(100)
    found = judged([*lines, changed(LINE, drop=0.75)]).judged["Online"]
    assert float(found.sums.n) == 104
    assert found.slots is not None
    assert float(found.slots.pooled.n) == 208


def test_events_of_several_sizes_are_weighed_by_their_slots() -> None:
    lines = [changed(one, slots=one.slots[: 1 + number % 2]) for number, one in enumerate(log(3_000))]
    told = result.combine(planned(3_000), {Unit("", 0): judged(lines)})
    found = figures(told)
    rewards = [-one.cost for line in lines for one in line.slots]
    value, lower, upper = found["Online", None]
    assert value == pytest.approx(fmean(rewards), abs=0.005)
    assert lower < fmean(rewards) < upper
    assert {one.name: one.ips for one in told.policies}["Online"] == pytest.approx(fmean(rewards))


@pytest.mark.parametrize("reward", [0.0, 1.0, -1.0])
def test_equal_rewards_and_a_single_event_give_whole_intervals(reward: float, tmp_path: Path) -> None:
    lines = [
        changed(one, slots=[changed(s, cost=-reward, original_cost=-reward) for s in one.slots]) for one in log(60)
    ]
    for count in (1, 60):
        made = planned(count, MINE)
        found = result.combine(made, worked(made, lines[:count], tmp_path / str(count)))
        for one in [*found.policies, *found.slots]:
            assert found.rewards.lower <= one.lower <= one.value <= one.upper <= 1
            assert one.upper > one.lower


def test_lines_that_are_not_learned_keep_predictions_and_events_together(tmp_path: Path) -> None:
    lines = log(300)
    others = [
        changed(lines[0], skip=True, id="skipped"),
        changed(slot(0, p=[0.0, 0.5, 0.25, 0.25]), id="improbable"),
        changed(lines[0], mode="Apprentice", id="taught"),
    ]
    made = planned(303, MINE)
    found = result.combine(made, worked(made, [*lines[:100], *others, *lines[100:]], tmp_path))
    told = [json.loads(one)["event_id"] for one in (tmp_path / "mine" / "0" / "events.jsonl").read_bytes().splitlines()]
    assert told[::2] == [one.id for one in lines]
    assert found.decisions == 300
    assert sum(found.skipped.values()) == 3


def test_a_policy_that_vw_does_not_start_is_named_with_the_reason(tmp_path: Path) -> None:
    made = planned(40, Candidate("odd", "--ccb_explore_adf --cb_type nothing", 0.2))
    with pytest.raises(Unworkable, match=r"^odd cannot be judged: .*nothing"):
        worked(made, log(40), tmp_path)
