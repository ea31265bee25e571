"""The files that pages need: sent under the digest of their content, so that a browser asks for each of them once."""

import functools
import hashlib
from pathlib import Path
from typing import NamedTuple

from shared.dashboard.links import ROOT

# The version of uPlot that is beside our own files, with its licence (MIT).
UPLOT = "1.6.32"
FOLDER = Path(__file__).parent / "static"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Asset(NamedTuple):
    """One file. digest: the beginning of its SHA-256, in hex."""

    data: bytes
    kind: str
    digest: str


@functools.cache
def known() -> dict[str, Asset]:
    """Every file by its name."""
    return {path.name: _read(path) for path in sorted(FOLDER.iterdir()) if path.suffix in KINDS}


def _read(path: Path) -> Asset:
    data = path.read_bytes()
    return Asset(data, KINDS[path.suffix], hashlib.sha256(data).hexdigest()[:16])


def url(name: str) -> str:
    """Where a file is sent from, as it is now."""
    return f"{ROOT}/assets/{known()[name].digest}/{name}"


def find(digest: str, name: str) -> Asset | None:
    """None for a file that there is not, or not any more."""
    asset = known().get(name)
    return asset if asset is not None and asset.digest == digest else None
