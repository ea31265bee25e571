"""Alarms whose data no summary has yet: each says which."""

from collections.abc import Callable

from shared.monitoring.alarms.judgement import Judgement, unknown
from shared.monitoring.alarms.window import Window


def judge(what: str) -> Callable[[Window], Judgement]:
    """An alarm that is not known, because summaries have no such data."""
    return lambda window: unknown(f"Summaries have no {what}.")
