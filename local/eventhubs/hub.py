"""Event hubs and the namespace that holds them."""

import asyncio
import json
import re
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Self

from .codec import errors
from .codec.errors import AmqpError
from .disk.partition_log import Retention
from .disk.release import Release
from .disk.writing import sync_directory
from .partition import Partition
from .partition_key import partition_of

MAX_PARTITIONS = 1024
_HUB = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,255}):([0-9]+)")


class Misconfigured(Exception):
    """The server cannot start like this; the text says what to do."""


@dataclass(frozen=True)
class HubSpec:
    name: str
    partitions: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """`NAME:PARTITIONS`, for example `interactions:2`."""
        match = _HUB.fullmatch(text)
        if not match or not 1 <= int(match[2]) <= MAX_PARTITIONS:
            raise Misconfigured(f"--hub {text}: write NAME:PARTITIONS, with 1 to {MAX_PARTITIONS} partitions")
        return cls(match[1], int(match[2]))


class Hub:
    def __init__(self, spec: HubSpec, data: Path, retention: Retention) -> None:
        self.name = spec.name
        directory = data / spec.name.lower()
        directory.mkdir(parents=True, exist_ok=True)
        self.created_at = _created_at(spec, directory / "hub.json")
        loop = asyncio.get_running_loop()
        names = map(str, range(spec.partitions))
        self.partitions = {name: Partition(name, directory / name, retention, loop) for name in names}
        sync_directory(directory)
        self._turn = count()

    def partition(self, name: str) -> Partition:
        if name not in self.partitions:
            text = f"event hub {self.name} has no partition {name}, only 0 to {len(self.partitions) - 1}"
            raise AmqpError(errors.NOT_FOUND, text)
        return self.partitions[name]

    def partition_for(self, key: str | None) -> Partition:
        """The partition of a partition key; without a key, each in turn."""
        number = next(self._turn) if key is None else partition_of(key, len(self.partitions))
        return self.partitions[str(number % len(self.partitions))]


class Namespace:
    def __init__(self, specs: list[HubSpec], data: Path, retention: Retention) -> None:
        self._hubs = {spec.name.lower(): Hub(spec, data, retention) for spec in specs}
        sync_directory(data)

    def hub(self, name: str) -> Hub:
        hub = self._hubs.get(name.lower())
        if hub is None:
            known = ", ".join(hub.name for hub in self._hubs.values())
            raise AmqpError(errors.NOT_FOUND, f"there is no event hub {name}, only: {known}")
        return hub

    @property
    def partitions(self) -> list[Partition]:
        return [partition for hub in self._hubs.values() for partition in hub.partitions.values()]

    def expire(self) -> None:
        for partition in self.partitions:
            partition.expire()

    def release(self, released: Release) -> None:
        """Delete what nobody needs any more."""
        for name, through in released.through.items():
            hub = self._hubs.get(name.lower())
            for partition in hub.partitions.values() if hub is not None else ():
                if int(partition.name) < len(through):
                    partition.release(through[int(partition.name)], released.before)

    def close(self) -> None:
        for partition in self.partitions:
            partition.close()


def _created_at(spec: HubSpec, path: Path) -> int:
    """Creation time in milliseconds, kept on disk together with the number of partitions, which never changes."""
    if not path.exists():
        unfinished = path.with_suffix(".new")
        unfinished.write_text(json.dumps({"partitions": spec.partitions, "created_at": time.time_ns() // 1_000_000}))
        unfinished.replace(path)
    try:
        stored = json.loads(path.read_text())
        partitions, created_at = int(stored["partitions"]), int(stored["created_at"])
    except (ValueError, KeyError, TypeError):
        raise Misconfigured(f"{path} is damaged: delete it to start with --hub {spec.name}:N as given") from None
    if partitions != spec.partitions:
        text = f"{path.parent} holds {partitions} partitions, not {spec.partitions}"
        raise Misconfigured(f"{text}: start with --hub {spec.name}:{partitions} or with other --data")
    return created_at
