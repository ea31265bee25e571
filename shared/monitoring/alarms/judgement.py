"""What an alarm says of one window: a state, its cause, and what to do."""

import msgspec

from shared.monitoring.states import State


class Judgement(msgspec.Struct, frozen=True):
    """cause: a sentence with the figures. next: what the owner of the loop can do; empty if there is nothing to do."""

    state: State
    cause: str
    next: str = ""


def ok(cause: str) -> Judgement:
    """Nothing to do."""
    return Judgement("ok", cause)


def unknown(cause: str) -> Judgement:
    """The data to judge by is not there, and why."""
    return Judgement("unknown", cause)
