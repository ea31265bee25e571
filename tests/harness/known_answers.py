"""Logs with the answers that vw-estimators 0.2.2 and the closed formulas give for them, and logs by chance."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from shared.evaluation.event import Event

ANSWERS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "evaluation" / "known_answers.json").read_text()
)
LOGS = [name for name in ANSWERS if name != "slots_200"]


def events_of(name: str, drop: float = 0.0) -> Iterator[Event]:
    """The events of a log, equal ones one after another."""
    for times, p_log, p_eval, reward, logged_value, policy_value in ANSWERS[name]["events"]:
        yield from [Event(p_eval / p_log, reward, logged_value, policy_value, drop)] * times


EVENTS = st.lists(
    st.builds(
        Event,
        weight=st.sampled_from([0.0, 1.0, 3.0]) | st.floats(0, 1e6),
        reward=st.sampled_from([0.0, 1.0]) | st.floats(-5, 5),
        logged_value=st.floats(-5, 5),
        policy_value=st.floats(-5, 5),
        drop=st.sampled_from([0.0, 0.5, 0.9]),
    ),
    max_size=12,
)


def of(maker: Callable[[], Any], events: list[Event]) -> Any:
    """An estimator or interval that has seen the events."""
    made = maker()
    for event in events:
        made.add(event)
    return made
