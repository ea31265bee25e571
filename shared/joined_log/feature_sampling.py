"""From the contexts of joined events to samples of their features, of which only those are read that stay in one."""

from collections import defaultdict

import msgspec

from shared.loops.feature_sample import Sample, level_of
from shared.loops.summary import HOUR_MS
from shared.vw import context_features

# Contexts that wait to be read, in bytes: then those are read that may still leave the sample.
MOST_WAITING_BYTES = 8_000_000
# Bits of a key by which an action is drawn; the lowest ones say the level.
_DRAW_SHIFT = 32


class _Line(msgspec.Struct, gc=False):
    c: msgspec.Raw


_line = msgspec.json.Decoder(_Line).decode


class FeatureSampling:
    """Takes in the events of a run. Times are ms since 1970."""

    def __init__(self) -> None:
        self._samples: dict[int, Sample] = {}
        self._waiting: defaultdict[tuple[int, int], list[tuple[int, bytes | msgspec.Raw]]] = defaultdict(list)
        self._bytes = 0
        self._hour, self._sample = -1, Sample()

    def add(self, at: int, key: int, text: bytes | msgspec.Raw) -> None:
        """Adds an event, by the hash of its id. text: its context as Raw, or its line of the log."""
        hour, level = at // HOUR_MS, level_of(key)
        if hour != self._hour:
            self._hour, self._sample = hour, self._samples.setdefault(hour * HOUR_MS, Sample())
        if level < self._sample.level or self._sample.admit(level) is None:
            return
        self._waiting[hour * HOUR_MS, level].append((key, text))
        self._bytes += memoryview(text).nbytes
        if self._bytes > MOST_WAITING_BYTES:
            self._read()

    def finished(self) -> dict[int, Sample]:
        """The samples by hour."""
        self._read()
        return self._samples

    def _read(self) -> None:
        for (hour, level), waiting in self._waiting.items():
            stratum = self._samples[hour].strata.get(level)
            if stratum is None:
                continue
            for key, text in waiting:
                try:
                    context = text if isinstance(text, msgspec.Raw) else _line(text).c
                    stratum.add(context_features.values(context, key >> _DRAW_SHIFT))
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    continue  # it counts as a decision without features
            stratum.trim()
        self._waiting.clear()
        self._bytes = 0
