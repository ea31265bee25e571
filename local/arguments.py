"""What several commands take."""

from argparse import ArgumentTypeError

MAX_PORT = 65_535


def port(text: str) -> int:
    """A TCP port, 0 for any."""
    if not text.isascii() or not text.isdigit() or int(text) > MAX_PORT:
        raise ArgumentTypeError(f"{text} is no port: write a number from 0 to {MAX_PORT}")
    return int(text)
