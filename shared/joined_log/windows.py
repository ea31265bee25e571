"""The windows of the interactions that a joiner remembers, in some 18 bytes each: there may be many millions."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

# In windows. A leaf is as long as moving half of it is cheap beside the search for it.
LEAF = 1_024
# Forgotten windows leave a leaf when it is full, and one in so many leaves each time that the horizon moves.
ROUNDS = 32


class _Leaf(NamedTuple):
    """Keys in order, and the ends of their windows."""

    keys: array[int]
    ends: array[int]


class Windows:
    """When the window of each remembered interaction ends (ms), by the key of its id.

    Windows that end before `horizon` (ms) are forgotten: nobody sees them, though they may still take memory.
    last: the latest end of all, 0 if there was none. is_stored: False once a stored part of them was found damaged.

    A B-tree of two levels. Keys are hashes, so its leaves fill evenly.
    """

    def __init__(self, horizon: int = 0) -> None:
        self.horizon, self.last, self.is_stored = horizon, 0, True
        self._firsts = [0]
        self._leaves = [_Leaf(array("Q"), array("Q"))]
        self._next = 0

    def get(self, key: int) -> int | None:
        """The end of a window, None if it is not remembered."""
        keys, ends = self._leaves[bisect_right(self._firsts, key) - 1]
        place = bisect_left(keys, key)
        if place < len(keys) and keys[place] == key and ends[place] >= self.horizon:
            return ends[place]
        return None

    def put(self, key: int, end: int) -> None:
        """Remembers a window, in place of an earlier one of the same key."""
        self.last = max(self.last, end)
        number = bisect_right(self._firsts, key) - 1
        keys, ends = self._leaves[number]
        place = bisect_left(keys, key)
        if place < len(keys) and keys[place] == key:
            ends[place] = end
            return
        keys.insert(place, key)
        ends.insert(place, end)
        if len(keys) >= LEAF:
            self._split(number)

    def forget(self, horizon: int) -> None:
        """Moves the horizon, and frees the memory of some of what is forgotten."""
        self.horizon = horizon
        for _ in range(len(self._leaves) // ROUNDS + 1):
            self._next = (self._next or len(self._leaves)) - 1
            self._shrink(self._next)

    def items(self) -> Iterator[tuple[int, int]]:
        """Keys and ends of all that is remembered, in order of keys."""
        for keys, ends in self._leaves:
            yield from (pair for pair in zip(keys, ends, strict=True) if pair[1] >= self.horizon)

    def _split(self, number: int) -> None:
        leaf = self._shrink(number)
        half = len(leaf.keys) // 2
        if half >= LEAF // 4:
            self._firsts.insert(number + 1, leaf.keys[half])
            self._leaves[number : number + 1] = [
                _Leaf(leaf.keys[:half], leaf.ends[:half]),
                _Leaf(leaf.keys[half:], leaf.ends[half:]),
            ]

    def _shrink(self, number: int) -> _Leaf:
        """A leaf without what is forgotten; one that is empty then is gone, unless it is the last."""
        keys, ends = leaf = self._leaves[number]
        if not ends or min(ends) < self.horizon:
            kept = [pair for pair in zip(keys, ends, strict=True) if pair[1] >= self.horizon]
            leaf = _Leaf(array("Q", [key for key, _ in kept]), array("Q", [end for _, end in kept]))
            self._leaves[number] = leaf
            if not kept and len(self._leaves) > 1:
                del self._leaves[number], self._firsts[number]
                self._firsts[0] = 0
        return leaf
