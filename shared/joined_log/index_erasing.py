"""Taking events out of the indexes of a log, and putting in where the lines of its replaced blobs are now."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from shared import scratch
from shared.joined_log import event_index
from shared.joined_log.erasing import Entries
from shared.joined_log.event_index import ENTRY, SLICE, Index
from shared.loops.blob_names import Home, run_name
from shared.storage import Storage


async def rewrite(storage: Storage, home: Home, entries: Entries, keys: Iterable[int]) -> None:
    """Replaces each index. entries: of all lines of the replaced logs; keys: of the events that are gone."""
    gone = frozenset(keys)
    with scratch.folder() as folder:
        for index in await event_index.listed(storage, home):
            file, made = Path(folder, "index"), Path(folder, "made")
            if await storage.download(index.name, file) is None:
                continue
            count = await asyncio.to_thread(_without, index, file, made, entries, gone)
            if count is None:
                continue
            name = event_index.name_of(home, index.last, index.first, count)
            if count:
                await storage.put(name, await asyncio.to_thread(made.read_bytes))
            if name != index.name or not count:
                await storage.delete(index.name)


def _without(index: Index, file: Path, made: Path, entries: Entries, gone: frozenset[int]) -> int | None:
    """Writes an index without the events; how many entries it has, None if nothing changes."""
    own = {run: some for run, some in entries.items() if index.first <= run_name(run >> 1) <= index.last}
    added = sorted({ENTRY.pack(key, run, place) for run, some in own.items() for key, place in some})
    count, changed = 0, bool(own)
    with file.open("rb") as data, made.open("wb") as out:
        following = iter([*added, b"\xff" * (ENTRY.size + 1)])
        waiting = next(following)
        while piece := data.read(SLICE * ENTRY.size):
            kept: list[bytes] = []
            for start in range(0, len(piece) - len(piece) % ENTRY.size, ENTRY.size):
                entry = piece[start : start + ENTRY.size]
                key, run, _ = ENTRY.unpack(entry)
                if key in gone or run in own:
                    changed = True
                    continue
                while waiting < entry:
                    kept.append(waiting)
                    waiting = next(following)
                kept.append(entry)
            out.write(b"".join(kept))
            count += len(kept)
        rest = [waiting, *following][:-1]
        out.write(b"".join(rest))
    return count + len(rest) if changed else None
