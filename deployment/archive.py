"""A zip that depends on nothing but the names and contents of its files."""

from __future__ import annotations

import stat
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

_UNIX = 3
_MODE = stat.S_IFREG | 0o644
# The earliest time that a zip can hold.
_TIME = (1980, 1, 1, 0, 0, 0)


def write(folder: Path, archive: Path) -> None:
    """Writes all files of a folder; the archive is replaced when it is complete."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    part = archive.with_name(f"{archive.name}.part")
    with ZipFile(part, "w") as zipped:
        for name, path in sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*")):
            if path.is_file():
                zipped.writestr(_entry(name), path.read_bytes(), ZIP_DEFLATED)
    part.replace(archive)


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, _TIME)
    entry.create_system, entry.external_attr = _UNIX, _MODE << 16
    return entry
