"""Progress on standard error: one line that is rewritten on a terminal, else a new line now and then."""

import sys
import time

TERMINAL_SECONDS, LOG_SECONDS = 0.2, 10.0


class Progress:
    """`update` as often as you like; `end` says the last word, and how long it took."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._begun = self._shown = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    def update(self, text: str) -> None:
        now = time.monotonic()
        if now - self._shown >= (TERMINAL_SECONDS if self._terminal else LOG_SECONDS):
            self._shown = now
            self._write(text, "" if self._terminal else "\n")

    def say(self, text: str) -> None:
        """At once, on a line of its own."""
        self._write(text, "\n")

    def end(self, text: str) -> None:
        self._write(f"{text} ({self.seconds:.1f} s)", "\n")

    def _write(self, text: str, end: str) -> None:
        start = "\r\033[K" if self._terminal else ""
        print(f"{start}{text}", end=end, file=sys.stderr, flush=True)
