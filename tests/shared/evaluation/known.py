"""Logs with the answers that vw-estimators 0.2.2 and the closed formulas give for them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.evaluation.event import Event

ANSWERS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "data" / "evaluation" / "known_answers.json").read_text()
)
LOGS = [name for name in ANSWERS if name != "slots_200"]


def events_of(name: str, drop: float = 0.0) -> Iterator[Event]:
    """The events of a log, equal ones one after another."""
    for times, p_log, p_eval, reward, logged_value, policy_value in ANSWERS[name]["events"]:
        yield from [Event(p_eval / p_log, reward, logged_value, policy_value, drop)] * times
