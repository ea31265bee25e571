"""What a joiner remembers between runs: each run stores a part of it, and it is made from the log if one is damaged.

A part has the windows of the run that has stored it. The newest parts are merged when there are several of about one
size, from memory if they are small and all there are, and left out when all that is in them is forgotten, so the number
of parts grows with the logarithm of what is remembered.
"""

import asyncio
import logging
import shutil
from pathlib import Path
from typing import BinaryIO

from shared import telemetry
from shared.joined_log import log_reading, merging, window_file
from shared.joined_log.join import Joiner, horizon
from shared.joined_log.unzipping import DAMAGE
from shared.joined_log.window_file import WindowFile
from shared.joined_log.windows import Windows
from shared.loops import artifacts
from shared.loops.artifacts import DamagedArtifact
from shared.loops.blob_names import Home, blob_name, loop_of
from shared.loops.checkpoint import Checkpoint, Plan, WindowPart
from shared.storage import Storage

# In windows of some 10 bytes each: smaller parts are merged whatever their sizes, what is as large as LARGEST is left
# alone.
SMALL, LARGEST = 2_000, 1_000_000

_log = logging.getLogger(__name__)


async def load(storage: Storage, home: Home, before: Checkpoint, plan: Plan, folder: Path) -> Joiner:
    """The joiner at a checkpoint, without its open observations. folder: for files."""
    windows = Windows(horizon(before.cut))
    for artifact in [before.seen, *(part.file for part in before.windows)]:
        if artifact is None:
            continue
        try:
            file = await artifacts.fetch(storage, artifact, folder / "windows.before")
            await asyncio.to_thread(window_file.load, file, windows)
        except (DamagedArtifact, *DAMAGE, ValueError) as damage:
            text = f"The memory {artifact.name} cannot be used ({damage}); reading the log."
            telemetry.error(_log, text, loop_of(home))
            windows.is_stored = False
    if not windows.is_stored:
        wait = round(plan.config.wait * 1000)
        recollected = await log_reading.recollect(storage, home, before.cut, wait)
        await asyncio.to_thread(_mend, windows, recollected, wait)
    return Joiner(before.cut, windows)


async def publish(
    storage: Storage, home: Home, before: Checkpoint, plan: Plan, windows: Windows, added: WindowFile, folder: Path
) -> list[WindowPart]:
    """Stores the part of a run, merged with earlier ones; the parts that hold all windows then.

    added: those of the interactions that the run has closed. folder: the run's own, for files.
    """
    name = blob_name(home, "join", plan.run)
    if windows.is_stored:
        parts = [part for part in _known(before, windows) if part.last >= horizon(plan.cut)]
        if not added.length:
            return parts
        kept = len(parts) + 1 - max(1, merging.due([*(part.length for part in parts), added.length], SMALL, LARGEST))
        if parts and not kept and sum((part.length for part in parts), added.length) <= SMALL:
            return [await _store_all(storage, f"{name}.windows.gz", windows, folder)]
        try:
            part = await _merge(storage, f"{name}.windows.gz", parts[kept:], added, folder)
        except DamagedArtifact as damage:
            telemetry.error(_log, f"{damage}; storing all that is remembered anew.", loop_of(home))
        else:
            return [*parts[:kept], part]
    # Under a name of its own: an earlier try of the run may have stored a part of it.
    stored = await _store_all(storage, f"{name}.all.gz", windows, folder)
    windows.is_stored = True
    return [stored]


async def _store_all(storage: Storage, name: str, windows: Windows, folder: Path) -> WindowPart:
    """Stores all that is remembered as one part."""
    whole = await asyncio.to_thread(window_file.write, folder / "windows.all", windows.items())
    return WindowPart(await artifacts.publish(storage, name, whole.content), whole.length, whole.last)


def _known(before: Checkpoint, windows: Windows) -> list[WindowPart]:
    """The parts before a run. What an earlier version has stored in one is left alone until all of it is forgotten."""
    whole = [WindowPart(before.seen, LARGEST, windows.last)] if before.seen is not None else []
    return [*whole, *before.windows]


async def _merge(storage: Storage, name: str, earlier: list[WindowPart], added: WindowFile, folder: Path) -> WindowPart:
    """Stores what a run has added behind earlier parts, as one; raises DamagedArtifact."""
    content = added.content
    if earlier:
        merged = folder / "windows.merged"
        with merged.open("wb") as out:
            for part in earlier:
                _append(await artifacts.fetch(storage, part.file, folder / "windows.part"), out)
            _append(added.content, out)
        content = merged
    stored = await artifacts.publish(storage, name, content)
    length = sum((part.length for part in earlier), added.length)
    return WindowPart(stored, length, max([added.last, *(part.last for part in earlier)]))


def _append(content: Path | bytes, out: BinaryIO) -> None:
    if isinstance(content, bytes):
        out.write(content)
        return
    with content.open("rb") as data:
        shutil.copyfileobj(data, out)


def _mend(windows: Windows, recollected: Windows, wait: int) -> None:
    """Adds what the log knows beyond the parts, whose times are exact: windows of other events, and later ones."""
    for key, end in recollected.items():
        known = windows.get(key)
        if known is None or end - wait > known:
            windows.put(key, end)
