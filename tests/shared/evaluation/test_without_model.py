"""Online, Baseline1, BaselineRand and single actions, against sums over the same events made here."""

from statistics import fmean

import msgspec
import pytest
from harness.logs import ACTIONS, START, World, log

from shared.evaluation import estimate, result
from shared.evaluation import part as parts
from shared.evaluation.intervals.interval import Interval
from shared.evaluation.logged import Use, read
from shared.evaluation.part import Judged, Part, Unit
from shared.evaluation.plan import Plan, Stretch
from shared.evaluation.without_model import Log
from shared.vw import dsjson
from shared.vw.dsjson import Line

changed = msgspec.structs.replace
SKEWED = World(p=((0.7, 0.2, 0.1), (0.1, 0.3, 0.6)))


def judged(lines: list[Line], *, tallies: bool = False) -> Part:
    made = Log(Unit("", 0), 0.0, tallies=tallies)
    for line in lines:
        made.add(dsjson.encode(line))
    return made.part()


def ips(part: Part, policy: str) -> float:
    sums = part.judged[policy].sums
    return float(sums.wr) / float(sums.n)


def test_the_three_policies_are_weighed_by_their_probabilities() -> None:
    lines = log(400, world=SKEWED)
    part = judged(lines)
    assert ips(part, "Online") == pytest.approx(fmean(-one.cost for one in lines))
    assert ips(part, "Baseline1") == pytest.approx(fmean(-one.cost * (one.action == 1) / one.p[0] for one in lines))
    assert ips(part, "BaselineRand") == pytest.approx(fmean(-one.cost / 3 / one.p[0] for one in lines))
    assert part.judged["Baseline1"].sums.largest == pytest.approx(10)
    assert part.uses == {"JUDGED": 400}
    assert parts.decode("part", parts.encode(part)) == part


@pytest.mark.parametrize(
    ("line", "use"),
    [
        (changed(log(1)[0], mode="Apprentice", cost=-1.0, original_cost=-0.25), Use.BASELINE),
        (changed(log(1)[0], mode="LoggingOnly", skip=True), Use.BASELINE),
        (changed(log(1)[0], skip=True), Use.NOWHERE),
        (changed(log(1)[0], probability=0.0, p=[0.0, 0.5, 0.5]), Use.IMPROBABLE),
        (changed(log(1)[0], probability=-0.2), Use.IMPROBABLE),
        (changed(log(1)[0], p=[1 / 3]), Use.INCOMPLETE),
        (changed(log(1)[0], p=[1 / 3, 0.1, 0.1]), Use.INCOMPLETE),
        (changed(log(1)[0], a=[log(1)[0].action] * 3), Use.INCOMPLETE),
        (changed(log(1)[0], a=[log(1)[0].action, 8, 9]), Use.INCOMPLETE),
        (changed(log(1)[0], drop=1.0), Use.UNREADABLE),
        (changed(log(1)[0], original_cost=-1e300), Use.UNREADABLE),
        (log(1)[0], Use.JUDGED),
    ],
)
def test_what_an_event_is_used_for(line: Line, use: Use) -> None:
    assert read(dsjson.encode(line))[1] is use


def test_lines_that_are_no_decisions_of_one_slot() -> None:
    assert read(b'{"_label_cost": "much"}')[1] is Use.UNREADABLE
    assert read(b'{"_label_cost":0,')[1] is Use.UNREADABLE
    assert read(b'{"Timestamp":"","_outcomes":[]}')[1] is Use.SLOTS


def test_a_missing_probability_is_not_clipped() -> None:
    line = dsjson.encode(log(1)[0])
    without = line.replace(b'"_label_probability":0.3333333333333333,', b"").replace(b'"p":[0.33', b'"q":[0.33')
    assert without != line
    assert read(without)[1] is Use.IMPROBABLE


def test_an_apprentice_counts_for_the_baseline_alone_with_its_own_reward() -> None:
    lines = log(200)
    told = changed(lines[0], mode="Apprentice", cost=-1.0, original_cost=-0.25)
    part = judged([*lines, told])
    alone = judged(lines)
    assert part.judged["Online"] == alone.judged["Online"]
    before, after = alone.judged["Baseline1"].sums, part.judged["Baseline1"].sums
    assert float(after.n) == float(before.n) + 1
    assert float(after.wr) == pytest.approx(float(before.wr) + 0.25)
    assert part.judged["Baseline1"].paired == alone.judged["Baseline1"].paired


def test_a_dropped_decision_is_counted_by_the_one_that_stands_for_it() -> None:
    lines = log(100)
    part = judged([*lines, changed(lines[0], drop=0.75, cost=-1.0, original_cost=-1.0)])
    earned = sum(-one.cost for one in lines)
    assert ips(part, "Online") == pytest.approx((earned + 4) / 104)
    assert part.judged["Online"].rows is None


def test_rewards_are_kept_only_while_they_are_rare() -> None:
    lines = log(300)
    assert judged(lines).judged["Online"].rows is None
    rare = [
        changed(one, cost=-float(number < 24), original_cost=-float(number < 24)) for number, one in enumerate(lines)
    ]
    kept = judged(rare).judged["Baseline1"].rare_events()
    assert kept is not None
    assert [(one.weight, one.reward) for one in kept] == [
        (pytest.approx(3.0 if line.action == 1 else 0.0), -line.cost) for line in rare
    ]


def test_the_best_single_action_is_the_one_that_earns_most_for_everybody() -> None:
    liked = World(earns=((0.1, 0.4, 0.5), (0.1, 0.3, 0.6)), p=SKEWED.p)
    tally = judged(log(4_000, world=liked), tallies=True).tally
    assert tally is not None
    assert tally.best() == "music"
    always = Log(Unit("", 1), 0.0, tallies=False, action="music")
    lines = log(4_000, seed=2, world=liked)
    for line in lines:
        always.add(dsjson.encode(line))
    expected = fmean(-one.cost * (one.action == 3) / one.p[0] for one in lines)
    assert ips(always.part(), "Best single action") == pytest.approx(expected)
    assert ACTIONS[2] == "music"


def test_an_action_that_is_not_there_is_replaced_by_the_baseline() -> None:
    lines = log(50)
    always = Log(Unit("", 1), 0.0, tallies=False, action="unheard of")
    for line in lines:
        always.add(dsjson.encode(line))
    assert ips(always.part(), "Best single action") == pytest.approx(ips(judged(lines), "Baseline1"))


def test_without_events_nothing_is_said() -> None:
    part = judged([])
    assert float(part.judged["Online"].sums.n) == 0
    assert judged([], tallies=True).tally is not None


def test_equal_rewards_leave_room_for_others() -> None:
    """Cressie-Read from sums has no width then: of one decision it would be sure."""
    rewards = Interval(0.0, 1.0)
    for count in (1, 50, 300):
        made = judged([changed(one, cost=0.0, original_cost=0.0) for one in log(count)])
        for policy, largest in (("Online", 1), ("Baseline1", 3)):
            sums = made.judged[policy].sums
            expected = min(1.0, largest * (1 - 0.025 ** (1 / count)))
            for found in (estimate.quick_interval(sums, rewards), estimate.interval_of(Judged(sums), rewards)):
                assert found == pytest.approx((0.0, expected))


def test_a_short_log_has_a_course_over_time_all_the_same() -> None:
    """It has but two stretches."""
    lines = log(720, seconds=60)
    parts_of, stretches = (
        {},
        [Stretch(START, START + 21_600_000, 360), Stretch(START + 21_600_000, START + 43_200_000, 360)],
    )
    for number in range(2):
        made = Log(Unit("", number), 0.0, tallies=False, minutes=5)
        for line in lines[360 * number : 360 * (number + 1)]:
            made.add(dsjson.encode(line))
        parts_of[Unit("", number)] = made.part()
    found = result.combine(Plan([], stretches, keeps_series=True), parts_of).series["Online"]
    assert [one.at for one in found] == [START - START % 900_000 + 900_000 * number for number in range(48)]
    assert sum(one.decisions for one in found) == 720
    assert found[0].value == pytest.approx(fmean(-one.cost for one in lines[:15]))
