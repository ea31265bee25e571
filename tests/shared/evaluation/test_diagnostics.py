"""Whether a log can say anything about a policy."""

import pytest
from harness.known_answers import ANSWERS, LOGS, events_of

from shared.evaluation.diagnostics import Diagnostics
from shared.evaluation.event import Event


@pytest.mark.parametrize("log", LOGS)
def test_diagnostics_are_those_known(log: str) -> None:
    made, expected = Diagnostics(), ANSWERS[log]["diagnostics"]
    for event in events_of(log):
        made.add(event, [1.0], [1.0])
    found = {"w_max": made.largest_weight, "w_mean": made.mean_weight, "ess": made.effective}
    assert found == pytest.approx(expected)


def test_expected_effective_events_see_what_the_log_never_tried() -> None:
    made = Diagnostics()
    for _ in range(3000):
        made.add(Event(0.0, 0.5), [1 - 1 / 3000, 1 / 3000], [0.0, 1.0])
    assert made.expected == pytest.approx(1.0)
    assert made.effective is None
    assert made.possible.greatest == pytest.approx(3000)
    assert len(made.doubts()) == 3


def test_a_log_that_tries_everything_leaves_no_doubts() -> None:
    made = Diagnostics()
    for place in range(400):
        made.add(Event(4.0 * (place % 4 == 0), 1.0), [0.25] * 4, [1.0, 0.0, 0.0, 0.0])
    assert made.doubts() == []
    assert made.expected == made.effective == pytest.approx(100)
    assert made.support == 1


def test_support_is_the_share_that_the_log_could_have_shown() -> None:
    made = Diagnostics()
    made.add(Event(0.5, 1.0), [1.0, 0.0], [0.5, 0.5])
    assert made.support == 0.5


def test_parts_add_up_and_without_data_there_is_nothing() -> None:
    empty, one = Diagnostics(), Diagnostics()
    one.add(Event(2.0, 1.0), [0.5, 0.5], [1.0, 0.0])
    one.skip()
    assert empty.effective is empty.expected is empty.mean_weight is empty.largest_weight is empty.support is None
    assert empty + one == one
    assert float((one + one).skipped) == 2
