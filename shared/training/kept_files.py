"""Small files that runs have published, in memory: the next run of a loop goes on from them and downloads nothing."""

from collections import OrderedDict
from pathlib import Path

from shared.loops import artifacts
from shared.loops.artifacts import Artifact
from shared.loops.blob_names import Home
from shared.storage import Storage

# In bytes: what is larger is downloaded, and of more than MOST in all those go that were not used for longest.
LARGEST, MOST = 1 << 20, 64 << 20


class KeptFiles:
    """One file of each loop and ending, the last that was kept; any number of loops may share one instance."""

    def __init__(self, most: int = MOST) -> None:
        self._most, self._size = most, 0
        self._files: OrderedDict[tuple[Home, str], tuple[Artifact, bytes]] = OrderedDict()

    def keep(self, home: Home, artifact: Artifact, file: Path) -> None:
        """Keeps a file that was just published, in place of the one before it."""
        key = home, _ending(artifact)
        _, earlier = self._files.pop(key, (None, b""))
        self._size -= len(earlier)
        if file.stat().st_size > LARGEST:
            return
        data = file.read_bytes()
        self._files[key] = artifact, data
        self._size += len(data)
        while self._size > self._most:
            self._size -= len(self._files.popitem(last=False)[1][1])

    async def fetch(self, storage: Storage, home: Home, artifact: Artifact, target: Path) -> Path:
        """As `artifacts.fetch`, from memory if this very file was kept."""
        if not self._restore((home, _ending(artifact)), artifact, target):
            await artifacts.fetch(storage, artifact, target)
        return target

    def _restore(self, key: tuple[Home, str], artifact: Artifact, target: Path) -> bool:
        kept, data = self._files.get(key, (None, b""))
        if kept != artifact:
            return False
        self._files.move_to_end(key)
        target.write_bytes(data)
        return True


def _ending(artifact: Artifact) -> str:
    return artifact.name.rpartition("/")[2].partition(".")[2]
