"""Log lines: one JSON object each, which a log store can search by its members. None has features, keys or addresses.

They are messages of Python's own logging: whoever runs the functions decides where they go and which levels do.
"""

import logging
import time
import traceback
import zlib

import msgspec

from shared import otel

# The members of each event beside `event`, and `loop` where it concerns one.
VOCABULARY: dict[str, tuple[str, ...]] = {
    # Trainer, at most once a minute: how far the loop furthest behind is behind, and how long the last tick took.
    "tick": ("lag_seconds", "duration_seconds"),
    # Trainer, each run that is committed: what became of its events, as `counts.Counts` counts them.
    "joined": (
        "joined",
        "learned",
        "on_time",
        "late",
        "orphan",
        "duplicate",
        "defaulted",
        "skipped",
        "unreadable",
        "expired",
    ),
    # Trainer, each new model: the age that the one before it has reached, 0 for the first one.
    "published": ("model_version", "model_age_seconds"),
    # Trainer, when rewards have fallen so that exploration begins anew: the mean reward lately, and what was usual.
    "fell": ("model_version", "mean_reward", "usual_reward"),
    # Evaluator, every few minutes: how many jobs are not ended, and for how long one of them has not been begun.
    "evaluator": ("jobs", "waiting_seconds"),
    # Evaluator, each automatic optimisation: the contract's word, the best policy, why it was not applied.
    "optimized": ("outcome", "policy", "reason"),
    # Evaluator, when an alarm of a loop was raised or ended: how it stands now, how it stood before, and why.
    "alarm": ("name", "state", "before", "cause"),
    # The share REQUEST_LOG_SHARE of requests; kind: reward or activation.
    "rank": ("event_id", "model_version", "latency_ms"),
    "reward": ("event_id", "kind", "latency_ms"),
    # What somebody may want to know of, and what somebody has to look at; trace: of an exception nobody expected.
    "notice": ("message",),
    "error": ("message", "trace"),
}

_encode = msgspec.json.Encoder().encode


def tell(log: logging.Logger, event: str, loop: str | None = None, **members: object) -> None:
    """Writes a line of level INFO."""
    if log.isEnabledFor(logging.INFO):
        log.info(_line(event, loop, members))


def notice(log: logging.Logger, message: str, loop: str | None = None, level: int = logging.WARNING) -> None:
    """Writes that something happened which the service has dealt with."""
    log.log(level, _line("notice", loop, {"message": message}))


def error(log: logging.Logger, message: str, loop: str | None = None, cause: BaseException | None = None) -> None:
    """Writes that something went wrong. cause: an exception whose traceback is worth having."""
    trace = "".join(traceback.format_exception(cause)) if cause is not None else None
    log.error(_line("error", loop, {"message": message, "trace": trace}))


def is_logged(event_id: str, share: float) -> bool:
    """Whether requests about an event write lines: the same for its Rank and its rewards, in every process.

    share: of all events, 0 to 1. Of their CRC-32 the upper bits decide this, the lower ones the partition.
    """
    return share > 0 and zlib.crc32(event_id.encode()) < share * 2**32


def request(log: logging.Logger, share: float, event: str, loop: str, began: float, **members: str) -> None:
    """Records a request that has been answered, and writes its line if it is one of the share.

    began: when it came, by `time.perf_counter`. members: of its event but the latency; `event_id` is one of them.
    """
    seconds = time.perf_counter() - began
    meters = otel.current()
    if meters is not None:
        meters.request(event, loop, seconds)
    if is_logged(members["event_id"], share):
        tell(log, event, loop, latency_ms=round(seconds * 1000, 3), **members)


def _line(event: str, loop: str | None, members: dict[str, object]) -> str:
    about = {"event": event} if loop is None else {"event": event, "loop": loop}
    return _encode(about | members).decode()
