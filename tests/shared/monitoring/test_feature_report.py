"""What is said of features: which drift beyond the calendar, which are ids, and which are gone."""

import random

import pytest
from harness import visitors
from harness.traffic import START
from harness.visitors import See

from shared.loops.feature_sample import MOST_DECISIONS
from shared.loops.feature_values import MOST_TEXTS
from shared.loops.summary import HOUR_MS, Summary
from shared.monitoring.feature_report import Feature, FeatureReport

WEEK = 24 * 7


def lived(
    see: See, hours: int = WEEK + 24, fault: See | None = None, fault_hours: int = 24, count: int = 60
) -> Summary:
    """Hours in which decisions see something, and at the end something else."""
    made = Summary(span=HOUR_MS)
    for hour in range(hours):
        now = fault if fault is not None and hour >= hours - fault_hours else see
        made.features[START + hour * HOUR_MS] = visitors.sampled(now, hour, count)
    return made


def report(made: Summary) -> FeatureReport:
    return FeatureReport(made, max(made.features) + HOUR_MS)


def by_name(made: FeatureReport) -> dict[str, Feature]:
    return {one.name: one for one in made.features}


@pytest.mark.parametrize("day", range(7))
def test_what_follows_the_calendar_does_not_drift(day: int) -> None:
    found = report(lived(visitors.calm, WEEK + 24 * (day + 1)))
    assert found.lacking is None
    assert {one.name for one in found.features} == visitors.calm(0, random.Random(1)).keys()
    assert {one.name: (one.stability, one.cardinality) for one in found.features} == {
        one.name: ("ok", "ok") for one in found.features
    }


@pytest.mark.parametrize(
    ("fault", "name"),
    [(visitors.renamed, "visitor.device"), (visitors.dropped, "visitor.age"), (visitors.rescaled, "place.temperature")],
)
@pytest.mark.parametrize("hours", [24, 40, 72])
def test_a_change_is_found_and_nothing_else(fault: See, name: str, hours: int) -> None:
    found = by_name(report(lived(visitors.calm, WEEK + 48, fault, hours)))
    assert {one for one, feature in found.items() if feature.stability != "ok"} == {name}
    assert found[name].stability == "critical"
    assert found[name].gone == (fault is visitors.dropped)


def test_a_feature_of_weekends_is_not_missed_on_a_monday() -> None:
    def see(hour: int, chance: random.Random) -> visitors.Features:
        seen = visitors.calm(hour, chance)
        return seen | {"offer": ["brunch"]} if hour // 24 % 7 > 4 else seen

    found = by_name(report(lived(see, WEEK + 24)))
    assert "offer" not in found
    assert {one.stability for one in found.values()} == {"ok"}


@pytest.mark.parametrize(("fault", "name"), [(visitors.numbered, "visitor.session"), (visitors.stamped, "time.now")])
def test_ids_and_time_stamps_are_told_from_quantities(fault: See, name: str) -> None:
    found = by_name(report(lived(fault, 24)))
    assert {one.name for one in found.values() if one.cardinality != "ok"} == {name}
    assert found[name].cardinality == "critical"
    assert found[name].values == pytest.approx(24 * 60, rel=0.1)
    assert not found[name].is_quantity
    assert found["place.temperature"].is_quantity
    assert found["place.temperature"].ratio > 0.9, "and yet it is no id"


def test_shares_and_the_commonest_values_are_told() -> None:
    found = by_name(report(lived(visitors.calm, 24)))
    device = found["visitor.device"]
    assert (device.share, device.uses, round(device.values)) == (1.0, 24 * 60, 3)
    assert list(device.common) == ["phone", "desktop", "tablet"]
    assert device.common["phone"] == pytest.approx(0.6, abs=0.05)
    assert device.drift is None
    assert found["place.city"].common == {}, f"there are more than {MOST_TEXTS}"
    assert found["visitor.interests"].share == 1


def test_busy_hours_count_for_more_than_what_is_sampled_of_them() -> None:
    def see(kind: str) -> See:
        return lambda hour, chance: {"x": [kind]}

    made = Summary(span=HOUR_MS)
    made.features[START] = visitors.sampled(see("quiet"), 1, 400)
    made.features[START + HOUR_MS] = visitors.sampled(see("busy"), 2, 20 * MOST_DECISIONS)
    [one] = FeatureReport(made, START + 24 * HOUR_MS).features
    assert one.uses < 2 * MOST_DECISIONS
    assert one.common["busy"] == pytest.approx(10_000 / 10_400, abs=0.02)


def test_what_is_lacking_is_told() -> None:
    assert "The features of 240 decisions" in str(report(lived(visitors.calm, WEEK, count=10)).lacking)
    assert "a week before are needed" in str(report(lived(visitors.calm, WEEK)).lacking)
    assert all(one.drift is None and not one.gone for one in report(lived(visitors.calm, 48)).features)
