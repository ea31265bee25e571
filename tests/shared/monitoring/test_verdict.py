"""The verdict: which sentence is said of which loop, and that each says why and what to do."""

import pytest

from shared.loops.apprentice import Progress
from shared.monitoring import verdict
from shared.monitoring.alarms.catalogue import ALARMS
from shared.monitoring.alarms.history import History
from shared.monitoring.alarms.judgement import Judgement
from shared.monitoring.holdback import Arm, Measured
from shared.monitoring.lift import Lift, Range
from shared.monitoring.verdict import Seen

GOOD = Lift(40_000, 0.4, 0.3, 900.0, 1.0, Range(1 / 3, 0.2, 0.45))
EQUAL = Lift(40_000, 0.301, 0.3, 900.0, 1.0)
BAD = Lift(40_000, 0.2, 0.3, 900.0, 1.0)
YOUNG = Lift(800, 0.35, 0.3, 60.0, 1.0)
SILENT = Lift(800, 0.35, 0.3, 3.0)
SEEN = Seen(40_000, 12_000, GOOD)


def raised(name: str) -> History:
    alarm = next(one for one in ALARMS if one.name == name)
    judgement = Judgement("critical", f"because of {name}", f"mend {name}")
    return History().after(1, {alarm: judgement}).after(2, {alarm: judgement})


@pytest.mark.parametrize(
    ("seen", "kind", "sentence"),
    [
        (Seen(0, 0, None), "no-data", "There is no data."),
        (Seen(700, 0, None), "rewards-missing", "Rewards are missing."),
        (Seen(300, 0, None), "too-early", "It is too early to tell."),
        (Seen(800, 40, SILENT), "too-early", "It is too early to tell."),
        (Seen(800, 400, YOUNG), "too-early", "It is too early to tell."),
        (SEEN, "working", "It earns 33 % more than the baseline."),
        (SEEN._replace(lift=EQUAL), "no-better", "It is no better than the baseline, as far as can be told."),
        (SEEN._replace(lift=BAD), "worse", "It earns 0.1 per decision less than the baseline."),
        (SEEN._replace(history=raised("rewards-missing")), "rewards-missing", "Rewards are missing."),
        (SEEN._replace(history=raised("choices-off")), "exploration-broken", "Exploration is broken."),
        (SEEN._replace(history=raised("exploration-collapse")), "exploration-broken", "Exploration is broken."),
        (SEEN._replace(history=raised("trainer-behind")), "trainer-stalled", "The trainer stands still."),
        (Seen(0, 0, None, history=raised("trainer-behind")), "trainer-stalled", "The trainer stands still."),
        (SEEN._replace(mode="LoggingOnly"), "logging", "It only logs what the application shows."),
        (
            SEEN._replace(mode="Apprentice", apprentice=Progress(1000, 780, 0.78, 0.3, 0.2, 0.7)),
            "apprentice", "The apprentice matches the baseline in 78 % of decisions.",
        ),
        (
            SEEN._replace(mode="Apprentice"),
            "apprentice", "The apprentice has not been compared with the baseline yet.",
        ),
    ],
)  # fmt: skip
def test_each_loop_gets_its_sentence(seen: Seen, kind: str, sentence: str) -> None:
    found = verdict.of(seen)
    assert (found.kind, found.sentence) == (kind, sentence)
    assert found.cause
    assert found.next or kind in ("working", "apprentice")
    assert (found.basis == "estimated from the log") == ("Estimated from the log" in found.cause)
    assert (found.basis is None) == (seen.lift is None or seen.lift.deviation is None or kind not in SAID_BY_LIFT)


SAID_BY_LIFT = ("working", "no-better", "worse", "too-early")


def test_what_a_holdback_has_measured_is_told_before_what_is_estimated() -> None:
    policy, baseline = Arm(9_000, 0.5, 1e-5, 4_500), Arm(1_000, 0.3, 2e-4, 300)
    found = verdict.of(SEEN._replace(measured=Measured(policy, baseline)))
    assert (found.kind, found.basis) == ("working", "measured by holdback")
    assert found.sentence == "It earns 67 % more than the baseline."
    assert "0.5 per decision against 0.3, from 10,000 decisions" in found.cause
    assert found.cause.endswith("Measured by holdback.")
    young = Measured(policy, baseline._replace(rewarded=24))
    assert verdict.of(SEEN._replace(measured=young)) == verdict.of(SEEN)


def test_an_alarm_tells_cause_and_next_step() -> None:
    found = verdict.of(SEEN._replace(history=raised("choices-off")))
    assert (found.cause, found.next) == ("because of choices-off", "mend choices-off")


def test_an_alarm_that_says_nothing_of_it_changes_no_verdict() -> None:
    assert verdict.of(SEEN._replace(history=raised("rewards-late"))).kind == "working"


def test_the_figures_are_said_with_their_interval() -> None:
    cause = verdict.of(SEEN).cause
    assert "0.4 per decision against 0.3" in cause
    assert "from 40,000 decisions of the last 14 days" in cause
    assert "95 % interval +20 % to +45 %" in cause


def test_how_long_to_wait_is_said() -> None:
    half = YOUNG.range()
    assert half is not None
    needed = 800 * (((half.upper - half.lower) / 2) / half.value) ** 2
    assert f"some {float(f'{needed:.1e}'):,.0f} decisions" in verdict.of(Seen(800, 400, YOUNG)).next
    none = YOUNG._replace(online=0.3001)
    assert "No difference is in sight" in verdict.of(Seen(800, 400, none)).next


def test_an_apprentice_that_is_ready_is_told_so() -> None:
    ready = Progress(1000, 800, 0.8, 0.3, 0.2, 0.7)
    young = Progress(1000, 500, 0.5, 0.3, 0.2, 0.7)
    said = [verdict.of(SEEN._replace(mode="Apprentice", apprentice=one)).next for one in (ready, young)]
    assert ("Online" in said[0], "Wait" in said[1]) == (True, True)
