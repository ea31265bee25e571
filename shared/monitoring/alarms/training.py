"""What is wrong with a loop's training: told by its checkpoint and the trainer's heartbeat, whatever its decisions."""

from datetime import UTC, datetime

from shared.monitoring.alarms.catalogue import CHECKPOINT_DAMAGED, MODEL_REFUSED, TRAINER_BEHIND, Alarm
from shared.monitoring.alarms.judgement import Judgement, ok

# Beyond it (s) a loop is behind; VERY_LONG_SECONDS beyond, it needs somebody.
LONG_SECONDS, VERY_LONG_SECONDS = 600.0, 3600.0


def judge(now: float, lag: float, failure: str | None, *, is_damaged: bool) -> dict[Alarm, Judgement]:
    """now: s since 1970. lag: of the trainer (s). failure: why the last model was refused.

    is_damaged: the checkpoint cannot be read.
    """
    return {
        TRAINER_BEHIND: _behind(now, lag),
        MODEL_REFUSED: _refused(failure),
        CHECKPOINT_DAMAGED: _damaged(is_damaged),
    }


def _behind(now: float, lag: float) -> Judgement:
    if lag <= LONG_SECONDS:
        return ok("The trainer keeps up.")
    return Judgement(
        "critical" if lag > VERY_LONG_SECONDS else "warning",
        f"Decisions have waited for the trainer since {_text(now - lag)} UTC.",
        "Look for lines of the event error in the log: the function train may be switched off, the event hubs or the "
        "storage away, or the loop may have more events than one trainer learns (docs/operate.md).",
    )


def _refused(failure: str | None) -> Judgement:
    if failure is None:
        return ok("The last model was published.")
    return Judgement(
        "warning",
        f"The last model was refused and the one before serves on: {failure}",
        "If the next runs are refused as well, put the policy right, or delete the model so that it begins anew.",
    )


def _damaged(is_damaged: bool) -> Judgement:
    if not is_damaged:
        return ok("The loop's state can be read.")
    return Judgement(
        "critical",
        "The loop's checkpoint is damaged, or of a later version.",
        "The trainer restores it from its copy; if it does not, see docs/operate.md, damaged and missing blobs.",
    )


def _text(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"
