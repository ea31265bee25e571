"""Taking events out of the indexes of a log, and putting in where the lines of its replaced blobs are now."""

import asyncio
from array import array
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from shared import scratch
from shared.joined_log import event_index
from shared.joined_log.erasing import Entries
from shared.joined_log.event_index import ENTRY, KEY_BYTES, EntryFile
from shared.joined_log.log_file import pairs
from shared.loops.blob_names import Home, run_name
from shared.storage import Storage

# Entries that are in memory at once, as bytes.
SLICE = 200_000
RUN_END = 2 * KEY_BYTES


async def rewrite(storage: Storage, home: Home, entries: Entries, keys: Iterable[int]) -> None:
    """Replaces each index. entries: of all lines of the replaced logs; keys: of the events that are gone."""
    gone = frozenset(key.to_bytes(KEY_BYTES) for key in keys)
    with scratch.folder() as folder:
        for index in await event_index.listed(storage, home):
            file, made = Path(folder, "index"), Path(folder, "made")
            if await storage.download(index.name, file) is None:
                continue
            own = {run: some for run, some in entries.items() if index.first <= run_name(run >> 1) <= index.last}
            count = await asyncio.to_thread(_without, file, made, own, gone)
            if count is None:
                continue
            name = event_index.name_of(home, index.last, index.first, count)
            if count:
                await storage.put(name, made)
            if name != index.name or not count:
                await storage.delete(index.name)


def _without(file: Path, made: Path, own: Entries, gone: frozenset[bytes]) -> int | None:
    """Writes an index without the events, and with the entries of these logs in place of those that it has of them.

    How many entries it has then; None if nothing changes, or if the index is damaged.
    """
    total, rest = divmod(file.stat().st_size, ENTRY.size)
    if rest:
        return None
    replaced, changed, count = frozenset(run.to_bytes(8) for run in own), False, 0
    parts = (total + sum(map(len, own.values())) // 2) // SLICE + 1
    with file.open("rb") as data, made.open("wb") as out:
        for before, added in zip(_stored(EntryFile(data), parts), _bucketed(own, parts), strict=True):
            kept = {one for one in before if one[:KEY_BYTES] not in gone and one[KEY_BYTES:RUN_END] not in replaced}
            after = sorted(kept.union(added))
            changed |= after != before
            out.write(b"".join(after))
            count += len(after)
    return count if changed else None


def _stored(data: EntryFile, parts: int) -> Iterator[list[bytes]]:
    """The entries of an index, in parts by their keys."""
    firsts = [-(-(2**64) * part // parts) for part in range(parts)]
    bounds = [event_index.bisect(data, first.to_bytes(KEY_BYTES)) for first in firsts]
    for low, high in pairwise([*bounds, len(data) // ENTRY.size]):
        some = data[low * ENTRY.size : high * ENTRY.size]
        yield [some[at : at + ENTRY.size] for at in range(0, len(some), ENTRY.size)]


def _bucketed(own: Entries, parts: int) -> Iterator[list[bytes]]:
    """The entries of logs, in the same parts."""
    buckets = [array("Q") for _ in range(parts)]
    for run, entries in own.items():
        for key, place in pairs(entries):
            buckets[key * parts >> 64].extend((key, run, place))
    for bucket in buckets:
        numbers = iter(bucket)
        yield [ENTRY.pack(*entry) for entry in zip(numbers, numbers, numbers, strict=True)]
