"""The actions that a model knows: those that it has learned of often enough. New ones get a fair share until then."""

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Self

# Learned choices that make an action known. After the first one SquareCB would give up what it had no luck with.
ENOUGH = 20
MOST = 100_000
_WIDTH = 8  # bytes of a key


class KnownActions:
    """How often each action was chosen, up to ENOUGH, by keys of their ids: at most MOST, the oldest are forgotten."""

    def __init__(self) -> None:
        self._choices: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._choices)

    def __contains__(self, name: str) -> bool:
        return self._choices.get(_key(name), 0) >= ENOUGH

    def add(self, name: str) -> bool:
        """Counts a choice; True if that changed anything."""
        key = _key(name)
        before = self._choices.get(key, 0)
        if before >= ENOUGH:
            return False
        self._choices[key] = before + 1
        if len(self._choices) > MOST:
            del self._choices[next(iter(self._choices))]
        return True

    def write(self, file: Path) -> None:
        """Of each action its key and how often it was chosen, 9 bytes, the oldest first."""
        file.write_bytes(b"".join(key.to_bytes(_WIDTH) + bytes((times,)) for key, times in self._choices.items()))

    @classmethod
    def read(cls, file: Path) -> Self:
        """What was written."""
        data, found = file.read_bytes(), cls()
        for start in range(0, len(data), _WIDTH + 1):
            end = start + _WIDTH
            found._choices[int.from_bytes(data[start:end])] = data[end]
        return found


@functools.lru_cache(10_000)
def _key(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=_WIDTH).digest())


def with_share(pmf: list[float], new: Sequence[int], share: float) -> list[float]:
    """The pmf in which each of the actions at the indices `new` has at least its part of `share`, 1/K of it.

    What they lack is taken from the others, in proportion. A pmf over new actions alone stays as it is.
    """
    fair = share / len(pmf)
    poor = [index for index in new if pmf[index] < fair]
    if not poor or len(new) == len(pmf):
        return pmf
    before = sum(pmf[index] for index in poor)
    scale = (1 - fair * len(poor)) / (1 - before)
    changed = [one * scale for one in pmf]
    for index in poor:
        changed[index] = fair
    return changed
