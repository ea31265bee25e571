"""Files that runs go on from, in memory."""

from pathlib import Path

import pytest

from shared.loops import artifacts
from shared.loops.artifacts import Artifact, DamagedArtifact
from shared.loops.blob_names import Home
from shared.storage import Storage
from shared.training import kept_files
from shared.training.kept_files import KeptFiles

HOME = Home("kept")


async def published(storage: Storage, kept: KeptFiles, home: Home, name: str, data: bytes, folder: Path) -> Artifact:
    file = folder / "published"
    file.write_bytes(data)
    artifact = await artifacts.publish(storage, f"loops/{home}/models/{name}", file)
    kept.keep(home, artifact, file)
    await storage.delete(artifact.name)
    return artifact


async def test_the_last_file_of_a_loop_and_ending_needs_no_storage(storage: Storage, tmp_path: Path) -> None:
    kept, target = KeptFiles(), tmp_path / "target"
    first = await published(storage, kept, HOME, "1.vw", b"first", tmp_path)
    actions = await published(storage, kept, HOME, "1.actions", b"actions", tmp_path)
    assert (await kept.fetch(storage, HOME, first, target)).read_bytes() == b"first"
    last = await published(storage, kept, HOME, "2.vw", b"last", tmp_path)
    for artifact, data in ((last, b"last"), (actions, b"actions")):
        assert (await kept.fetch(storage, HOME, artifact, target)).read_bytes() == data
    with pytest.raises(DamagedArtifact):
        await kept.fetch(storage, HOME, first, target)
    with pytest.raises(DamagedArtifact):
        await kept.fetch(storage, HOME, Artifact(last.name, first.sha256), target)


async def test_what_is_large_or_was_not_used_for_longest_is_not_kept(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_files, "LARGEST", 10)
    kept, target = KeptFiles(most=20), tmp_path / "target"
    homes = [Home(f"kept-{number}") for number in range(4)]
    files = {home: await published(storage, kept, home, "1.vw", b"12345678", tmp_path) for home in homes[:2]}
    await kept.fetch(storage, homes[0], files[homes[0]], target)
    files[homes[2]] = await published(storage, kept, homes[2], "1.vw", b"12345678", tmp_path)
    files[homes[3]] = await published(storage, kept, homes[3], "1.vw", b"12345678910", tmp_path)
    for home in homes:
        if home in (homes[0], homes[2]):
            await kept.fetch(storage, home, files[home], target)
        else:
            with pytest.raises(DamagedArtifact):
                await kept.fetch(storage, home, files[home], target)
