"""What commands take as arguments, read from their texts; argparse tells who typed them what is wrong."""

import argparse
import math
from datetime import UTC, datetime

from shared.errors import ApiError
from shared.loops.registry import check_name

MOST_WORKERS = 64


def loop(text: str) -> str:
    """The name of a loop."""
    try:
        check_name(text)
    except ApiError as error:
        raise argparse.ArgumentTypeError(error.message) from None
    return text


def time(text: str) -> datetime:
    """A time, UTC unless it says otherwise."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no time: write it as 2026-01-31T12:00:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def number(text: str) -> float:
    """A finite number."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise argparse.ArgumentTypeError(f"{text} is no number")
    return found


def share(text: str) -> float:
    """A share of 0 to 1."""
    found = number(text)
    if not 0 <= found <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not a share between 0 and 1")
    return found


def workers(text: str) -> int:
    """How many processes."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"{text} is not a number of processes between 1 and {MOST_WORKERS}")
    return int(text)
