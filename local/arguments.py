"""What several commands take."""

from argparse import ArgumentTypeError
from pathlib import Path

MAX_PORT = 65_535
MAX_WORKERS = 64


def port(text: str) -> int:
    """A TCP port, 0 for any."""
    if not text.isascii() or not text.isdigit() or int(text) > MAX_PORT:
        raise ArgumentTypeError(f"{text} is no port: write a number from 0 to {MAX_PORT}")
    return int(text)


def workers(text: str) -> int:
    """How many processes answer HTTP."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_WORKERS:
        raise ArgumentTypeError(
            f"'{text}' is no number of workers: write one from 1 to {MAX_WORKERS}, as in make run WORKERS=2"
        )
    return int(text)


def folder(text: str) -> Path:
    """A folder. An empty text would be the current one, among whose files the data would lie."""
    if not text.strip():
        raise ArgumentTypeError("name the folder of the data, as in make run DATA=.data-2")
    return Path(text)
