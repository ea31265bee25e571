"""What a joiner remembers between runs: stored with each of them, made from the log again if it is damaged."""

import gzip
import logging
from pathlib import Path

from shared import telemetry
from shared.joined_log import log_reading
from shared.joined_log.join import Joiner, load_seen
from shared.joined_log.unzipping import DAMAGE
from shared.loops import artifacts
from shared.loops.artifacts import Artifact
from shared.loops.blob_names import Home, blob_name, loop_of
from shared.loops.checkpoint import Checkpoint, Plan
from shared.storage import Storage

_log = logging.getLogger(__name__)


async def load(storage: Storage, home: Home, before: Checkpoint, plan: Plan, folder: Path) -> Joiner:
    """The joiner at a checkpoint, without its open observations. folder: for a file."""
    if before.seen is None:
        return Joiner(before.cut)
    try:
        file = await artifacts.fetch(storage, before.seen, folder / "seen.before")
        seen = load_seen(gzip.decompress(file.read_bytes()))
    except (artifacts.DamagedArtifact, *DAMAGE, ValueError) as damage:
        telemetry.error(
            _log, f"The memory {before.seen.name} cannot be used ({damage}); reading the log.", loop_of(home)
        )
        wait = round(plan.config.wait * 1000)
        seen = await log_reading.recollect(storage, home, before.cut, wait)
    return Joiner(before.cut, seen)


def dump(joiner: Joiner, folder: Path) -> Path:
    """The memory as a file in `folder`."""
    file = folder / "seen"
    file.write_bytes(gzip.compress(joiner.dump(), compresslevel=1, mtime=0))
    return file


async def publish(storage: Storage, home: Home, run: str, file: Path) -> Artifact:
    """Stores what `dump` has written, as that of a run."""
    return await artifacts.publish(storage, blob_name(home, "join", f"{run}.seen.gz"), file)
