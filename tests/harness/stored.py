"""What a loop left in storage and in the hubs, read with the SDKs as any tool would."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import vowpalwabbit
from azure.core.exceptions import ResourceNotFoundError
from azure.eventhub.aio import EventHubConsumerClient
from azure.storage.blob import BlobProperties

from harness.system import CONTAINER, System, wait_until
from shared.loops import checkpoint
from shared.loops.blob_names import DEFAULT_HOME, Home, blob_name, home_of
from shared.vw.policy import parse
from shared.vw.schema import Schema

HUBS, PARTITIONS = ("interactions", "observations"), 4


class Line(NamedTuple):
    """One event of the joined log."""

    event_id: str
    action: int
    probability: float
    reward: float
    skipped: bool
    outcomes: int
    model: str


class Loop:
    """The blobs of a loop in one container."""

    def __init__(self, system: System, container: str = CONTAINER, loop: str = "default") -> None:
        self._system, self._blobs, self._loop = system, system.blobs(container), loop

    @cached_property
    def _home(self) -> Home:
        if self._loop == "default":
            return DEFAULT_HOME
        return home_of(self._loop, json.loads(self.read("loops.json"))[self._loop]["created"])

    def name(self, name: str) -> str:
        return blob_name(self._home, name)

    def names(self, prefix: str) -> list[str]:
        try:
            return sorted(self._blobs.list_blob_names(name_starts_with=self.name(prefix)))
        except ResourceNotFoundError:
            return []

    def listed(self) -> list[BlobProperties]:
        """All blobs with their properties."""
        return list(self._blobs.list_blobs(name_starts_with=self.name("")))

    def read(self, name: str) -> bytes:
        """A blob by its full name; ResourceNotFoundError if there is none."""
        return self._blobs.download_blob(name).readall()

    def write(self, name: str, data: bytes) -> None:
        self._blobs.upload_blob(name, data, overwrite=True)

    def delete(self, name: str) -> None:
        self._blobs.delete_blob(name)

    def checkpoint(self) -> dict[str, Any]:
        """checkpoint.json; {} while there is none that can be read."""
        try:
            data = self.read(self.name("checkpoint.json"))
            checkpoint.decode(data)
        except (ResourceNotFoundError, ValueError):
            return {}
        state: dict[str, Any] = json.loads(data)
        return state

    def counts(self) -> dict[str, int]:
        """The checkpoint's counts that are not 0."""
        return {name: count for name, count in self.checkpoint().get("counts", {}).items() if count}

    def joined_log(self) -> bytes:
        """All joined events in order, as dsjson."""
        names = [name for name in self.names("logs/") if name.endswith(".dsjson.gz")]
        return b"".join(gzip.decompress(self.read(name)) for name in names)

    def joined(self) -> list[Line]:
        return [_line(json.loads(line)) for line in self.joined_log().splitlines()]

    def late(self) -> list[tuple[str, str]]:
        """(reason, event id) of every event that was kept beside the joined log."""
        blobs = [gzip.decompress(self.read(name)) for name in self.names("logs/late/")]
        kept = [json.loads(line) for blob in blobs for line in blob.splitlines()]
        return [(one["reason"], json.loads(one["event"])["id"]) for one in kept]

    def weights(self) -> bytes:
        """The current trainer state behind its header, whose counters depend on how often it was loaded.

        VW saves sparsely: index, weight and the learner's adaptive state of every weight that is not 0.
        """
        model = self.checkpoint()["model"]
        return _without_header(self.read(model["trainer"]["name"]), told(model))

    def replayed(self, changed: Callable[[dict[str, Any]], dict[str, Any]] | None = None) -> bytes:
        """The weights that VW's own driver learns from the joined log, or from its changed lines, in one go."""
        lines = self.joined_log()
        if changed:
            lines = b"".join(json.dumps(changed(json.loads(line))).encode() + b"\n" for line in lines.splitlines())
        model = self.checkpoint()["model"]
        return driven(unweighted(lines) if parse(model["arguments"]).unweighted else lines, told(model))

    def wait_until_done(self, seconds: float = 90) -> None:
        """Returns when the trainer has closed everything in the hubs and read every observation."""
        reached = None
        while (ends := asyncio.run(heads(self._system))) != reached:
            reached = ends
            wait_until(lambda: self._done() == ends, "the trainer has caught up with the hubs", seconds)

    def _done(self) -> list[list[int]]:
        """How far each hub is done with, once no run is under way and nothing is left to learn."""
        state = self.checkpoint()
        if not state or state["plan"] or state.get("backlog") or state.get("draft") or not self._has_its_policy(state):
            return []
        return [state["interactions"], state["observed"]]

    def _has_its_policy(self, state: dict[str, Any]) -> bool:
        """Whether the model, if there is one, has learned with the policy that was put last."""
        model, name = state["model"], self.name("config.json")
        if model is None or name not in self.names("config.json"):
            return True
        return parse(model["arguments"]).learns_like(parse(json.loads(self.read(name))["policy"]["arguments"]))


def told(model: dict[str, Any]) -> str:
    """The arguments that VW is told of a model's policy, as the checkpoint has it."""
    past = model["past"]
    return parse(model["arguments"]).for_vw(Schema(**past["schema"]).arguments if past else "")


def unweighted(lines: bytes) -> bytes:
    """Lines in which every action was certain."""
    return re.sub(rb'("_label_probability":\s*)[^,]+', rb"\g<1>1", lines)


def replayed(lines: bytes, state: bytes, arguments: str) -> bool:
    """True if the trainer's state has the weights that VW's own driver learns from the lines in one go."""
    return _without_header(state, arguments) == driven(lines, arguments)


def driven(lines: bytes, arguments: str) -> bytes:
    """The weights that VW's own driver learns from lines."""
    with tempfile.TemporaryDirectory() as folder:
        data, model = Path(folder, "log.dsjson"), Path(folder, "model.vw")
        data.write_bytes(lines)
        _drive([*arguments.split(), "-d", str(data), "--dsjson"], model)
        return _without_header(model.read_bytes(), arguments)


async def heads(system: System) -> list[list[int]]:
    """The last sequence number of each partition of both hubs, -1 for none."""
    return await asyncio.gather(*(_heads(system.settings["EVENT_HUBS_CONNECTION_STRING"], hub) for hub in HUBS))


async def _heads(connection: str, hub: str) -> list[int]:
    async with EventHubConsumerClient.from_connection_string(connection, "$Default", eventhub_name=hub) as client:
        states = await asyncio.gather(*(client.get_partition_properties(str(one)) for one in range(PARTITIONS)))
    return [-1 if state["is_empty"] else int(state["last_enqueued_sequence_number"]) for state in states]


def _line(line: dict[str, Any]) -> Line:
    return Line(
        event_id=line["EventId"],
        action=line["a"][0],
        probability=line["p"][0],
        reward=0 - line["_label_cost"],
        skipped=line.get("_skipLearn", False),
        outcomes=len(line.get("o", [])),
        model=line["VWState"]["m"],
    )


def _without_header(model: bytes, arguments: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        untrained = Path(folder, "untrained.vw")
        _drive(arguments.split(), untrained)
        header = untrained.stat().st_size
    assert len(model) > header, "the model has learned nothing"
    return model[header:]


def _drive(arguments: list[str], model: Path) -> None:
    options = ["--save_resume", "--preserve_performance_counters", "--quiet", "-f", str(model)]
    vowpalwabbit.Workspace(arg_list=[*arguments, *options]).finish()
