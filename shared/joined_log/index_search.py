"""Finding an event in a loop's log by its indexes: a few small reads of each. What is damaged hides nothing else."""

import asyncio
from bisect import bisect_right
from itertools import chain
from math import isqrt
from typing import NamedTuple

from shared.hubs.events import key_of
from shared.joined_log.event_index import ENTRY, KEY_BYTES, Index, all_listed, bisect, key_at
from shared.joined_log.log_file import LENGTH_BITS
from shared.loops.blob_names import Home, run_name
from shared.storage import Part, Shorter, Storage, StorageUnavailable

CONCURRENT_READS, ATTEMPTS = 16, 5


class Place(NamedTuple):
    """A gzip member of a run's log, `length` bytes from `offset` on, that holds a line about an event."""

    cut: int
    late: bool
    offset: int
    length: int


class Sought(NamedTuple):
    """The places of an event, newest first, and the indexes that could not be read for it."""

    places: list[Place]
    damaged: list[str]


class DamagedIndex(Exception):
    """An index is not what was written."""


async def find(storage: Storage, home: Home, event_id: str) -> Sought:
    """The places of all lines about an event. Another event's id may have the same key."""
    key, limit = key_of(event_id), asyncio.Semaphore(CONCURRENT_READS)

    async def search(index: Index) -> list[Place] | DamagedIndex | None:
        async with limit:
            try:
                return await _search(storage, index, key)
            except DamagedIndex as damage:
                return damage

    for _ in range(ATTEMPTS):
        known, unknown = await all_listed(storage, home)
        found = await asyncio.gather(*(search(index) for index in known))
        if None not in found:
            places = set(chain.from_iterable(one for one in found if isinstance(one, list)))
            damaged = [index.name for index, one in zip(known, found, strict=True) if isinstance(one, DamagedIndex)]
            return Sought(sorted(places, reverse=True), [*damaged, *unknown])
    raise StorageUnavailable("the indexes are merged faster than they can be read")


async def _search(storage: Storage, index: Index, key: int) -> list[Place] | None:
    """The places of a key in one index; None if the blob is gone, merged into another. Raises DamagedIndex."""
    wanted, middle = key.to_bytes(KEY_BYTES), key * index.length >> 64
    spread = 3 * isqrt(index.length) // 2 + 16  # three standard deviations of the rank of a hash
    while True:
        low, high = max(0, middle - spread), min(index.length, middle + spread)
        part = await _part(storage, index, low, high)
        if part is None:
            return None
        begins = low == 0 or key_at(part.data, 0) < wanted
        if begins and (high == index.length or wanted < key_at(part.data, high - low - 1)):
            first = bisect(part.data, wanted)
            last = bisect_right(range(high - low), wanted, first, key=lambda number: key_at(part.data, number))
            places = [_place(part.data[number * ENTRY.size :]) for number in range(first, last)]
            if not all(_is_within(index, place) for place in places):
                raise DamagedIndex(index.name)
            return places
        spread *= 4


async def _part(storage: Storage, index: Index, low: int, high: int) -> Part | None:
    """Entries of an index, which are whole and in order, or it raises DamagedIndex."""
    try:
        part = await storage.read_range(index.name, low * ENTRY.size, (high - low) * ENTRY.size)
    except Shorter:
        raise DamagedIndex(index.name) from None
    if part is None:
        return None
    keys = [key_at(part.data, number) for number in range(high - low)]
    if len(part.data) != (high - low) * ENTRY.size or keys != sorted(keys):
        raise DamagedIndex(index.name)
    return part


def _place(data: bytes) -> Place:
    _, run, place = ENTRY.unpack_from(data)
    offset, length = divmod(place, 1 << LENGTH_BITS)
    return Place(run >> 1, bool(run & 1), offset, length)


def _is_within(index: Index, place: Place) -> bool:
    try:
        return index.first <= run_name(place.cut) <= index.last
    except (OverflowError, ValueError, OSError):  # no time that a run could have
        return False
