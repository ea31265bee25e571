"""Immutable files in storage, named together with their digest, so that damage is seen before use.

VW itself loads a truncated model without a word.
"""

import hashlib
from pathlib import Path

import msgspec

from shared.storage import Storage

WHOLE_BYTES = 1 << 20  # a file up to that size is read at once


class DamagedArtifact(Exception):
    """The blob is missing or is not what was published."""


class Artifact(msgspec.Struct, frozen=True):
    """A published file: blob name and SHA-256 in hex."""

    name: str
    sha256: str


def of(name: str, data: bytes) -> Artifact:
    """The artifact with this content."""
    return Artifact(name, hashlib.sha256(data).hexdigest())


async def publish(storage: Storage, name: str, file: Path | bytes) -> Artifact:
    """Uploads a file under an immutable name. What an earlier try of the same run has stored there is as good."""
    content = _content(file)
    if await storage.create(name, content):
        return of(name, content) if isinstance(content, bytes) else Artifact(name, _digest(content))
    if isinstance(file, bytes):
        stored = await storage.read(name)
        return of(name, stored.data if stored is not None else file)
    await storage.download(name, file)
    return Artifact(name, _digest(file))


async def fetch(storage: Storage, artifact: Artifact, target: Path) -> Path:
    """Downloads a published file to `target`; raises DamagedArtifact if it is missing or changed."""
    if not await storage.download(artifact.name, target):
        raise DamagedArtifact(f"{artifact.name} is missing in storage")
    if _digest(target) != artifact.sha256:
        raise DamagedArtifact(f"{artifact.name} is damaged: its SHA-256 is not the published one")
    return target


def _content(file: Path | bytes) -> bytes | Path:
    """The bytes of a file that is small enough to be read once, for its upload and its digest."""
    if isinstance(file, bytes):
        return file
    return file.read_bytes() if file.stat().st_size <= WHOLE_BYTES else file


def _digest(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
