"""Finding what is known of one event: in the loop's log by its index, else in the event hubs."""

import asyncio
import gzip
import re
import time
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from shared.errors import ApiError
from shared.hubs.events import Observation, key_of
from shared.joined_log import index_search, log_parts, part_reading, unjoined_lines
from shared.joined_log.index_search import Place
from shared.joined_log.join import is_in_window
from shared.joined_log.joined_lines import join_line, timestamp
from shared.joined_log.log_file import log_name
from shared.joined_log.log_parts import Gone
from shared.joined_log.merged_log import DamagedTable
from shared.joined_log.unjoined_lines import Kept
from shared.joined_log.unzipping import DAMAGE
from shared.loops import erased_keys
from shared.loops.artifacts import DamagedArtifact
from shared.loops.blob_names import blob_name, run_name
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig
from shared.serving.loop import Serving
from shared.serving.service import Service
from shared.storage import Part, Shorter
from shared.trace import imported_events, recent_events, traced_event
from shared.trace.recent_events import Enqueued, Recent
from shared.trace.traced_event import Fate, Status, Trace, TracedObservation
from shared.vw import dsjson

# Parts of the log that are read for one event, the newest: somebody may have rewarded it thousands of times. More than
# one of joined events, because the id of another event may have the same key.
MOST_JOINED, MOST_LATE = 3, 20

_FATES: dict[str, Fate] = {"late": "late", "orphans": "orphan", "duplicate_observations": "duplicate"}


class _Event(msgspec.Struct):
    """An event of the late log, whatever it is."""

    loop: str = ""
    at: str = ""
    kind: str = ""
    value: float | None = None
    slot: str | None = None


class _Look(NamedTuple):
    """What the log has about an event, newest first. unread: the blobs that may have more and could not be read."""

    found: list["_Found"]
    state: Checkpoint
    unread: list[str]


class _Damaged(NamedTuple):
    """A part of the log that has, or should have, something about the event; `found` is what could be read of it."""

    name: str
    found: "_Found | None"


class _Found(NamedTuple):
    """Lines about an event in one part of the log, when their run stored them, and why its model was refused, if so."""

    place: Place
    stored: datetime
    lines: list[bytes]
    refusal: str | None


_event = msgspec.json.Decoder(_Event)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What `Checkpoint.model_version` makes of a run; models that were imported or rebuilt have longer names.
_MADE_BY_A_RUN = re.compile(r"[^-_.]+(-\d{6})?(?=\.)")


async def find(service: Service, serving: Serving, event_id: str) -> Trace:
    """The trace of an event, of the newest one if its id was used again; raises EventNotFound, OperationNotAllowed.

    What is logged is not looked for in the hubs: an observation that came too late is told once a run has read it.
    """
    loop = serving.loop
    erased = await _erased(serving, event_id)
    if erased is not None:
        return erased
    found, state, unread = await _look(serving, event_id)
    told = _logged(found, loop, state)
    if told is None:
        recent = await recent_events.find(service.settings, loop, event_id, state)
        if not recent.ranked:  # or a run has taken it just now
            found, state, unread = await _look(serving, event_id)
            told = _logged(found, loop, state)
        config = await serving.read_config()
        told = told or _waiting(recent, loop, event_id, config)
    if told.learned_by and state.epoch:
        told.learned_by = await _version(serving, told.learned_by)
    _add_kept(told, found)
    if unread:
        told.note = _noted(told.note, f"What could not be read of the log, and may have more: {', '.join(unread)}.")
    if told.status == "neverRanked" and not (told.observations or told.repeated_at):
        told = await _imported(serving, event_id, told)
    if told.status == "neverRanked" and not (told.observations or told.repeated_at):
        if told.note:
            raise ApiError("OperationNotAllowed", f"The event is not in the log. {told.note}", retry_after=30)
        raise ApiError("EventNotFound")
    told.observations.sort(key=lambda one: one.at)
    model = state.model
    if model is not None and model.past is not None and model.version == told.model:
        told.interactions = model.past.schema.crossings
    return told


async def _erased(loop: Serving, event_id: str) -> Trace | None:
    """That an event was erased, and when; nothing else is told of it."""
    state = await loop.read_checkpoint()
    if state.erased is None:
        return None
    try:
        at = (await erased_keys.load(loop.storage, state.erased)).get(key_of(event_id))
    except DamagedArtifact as damage:
        raise ApiError("OperationNotAllowed", f"It is not known what was erased: {damage}.", retry_after=30) from None
    return None if at is None else Trace(event_id, loop.loop, "erased", erased_at=timestamp(at))


async def _imported(loop: Serving, event_id: str, told: Trace) -> Trace:
    """The trace of an imported event; `told`, with a note if not all was read, if there is none."""
    line, unread = await imported_events.find(loop.storage, loop.home, event_id)
    if line is None:
        told.note = _noted(told.note, unread)
        return told
    return _understood(line, loop.loop, "imported")


async def _look(loop: Serving, event_id: str) -> _Look:
    """What the log has about an event, without what retention has deleted."""
    state, (places, unread) = await asyncio.gather(
        loop.read_checkpoint(), index_search.find(loop.storage, loop.home, event_id)
    )
    joined = [place for place in places if not place.late][:MOST_JOINED]
    late = [place for place in places if place.late][:MOST_LATE]
    read = await asyncio.gather(*(_read(loop, event_id, place) for place in (*joined, *late)))
    found = [one.found if isinstance(one, _Damaged) else one for one in read]
    damaged = dict.fromkeys(one.name for one in read if isinstance(one, _Damaged))
    return _Look([one for one in found if one is not None], state, [*unread, *damaged])


async def _read(loop: Serving, event_id: str, place: Place) -> _Found | _Damaged | None:
    refusal, log = await _refusal(loop, place), log_parts.alone(loop.home, place.cut, late=place.late)
    try:
        member = await _member(loop, log, place)
        if member is None:  # the run was merged with others, or deleted
            moved = await log_parts.moved(loop.storage, loop.home, place.cut, late=place.late)
            if moved is None or (member := await _member(loop, moved, place)) is None:
                return None
            log = moved
    except Gone:
        return None
    except DamagedTable as damage:
        return _Damaged(damage.name, None)
    lines, whole = await asyncio.to_thread(_lines, member.data, event_id, place.late), True
    if not lines:  # a run that was repeated with another zlib: its log is as it was, its index is not
        lines, whole = await _scanned(loop, log, event_id, place.late)
    found = _Found(place, member.modified, lines, refusal) if lines else None
    return found if whole else _Damaged(log.blob, found)


async def _member(loop: Serving, log: log_parts.Part, place: Place) -> Part | None:
    """The member of a log that an index names; nothing, but when the log was written, if the log ends before it."""
    try:
        member = await loop.storage.read_range(log.blob, log.offset + place.offset, place.length)
    except Shorter:
        member = Part(b"", EPOCH)
    if member is None or log.stored is None:
        return member
    return Part(member.data, datetime.fromtimestamp(log.stored / 1000, UTC))


async def _refusal(loop: Serving, place: Place) -> str | None:
    blob = None if place.late else await loop.storage.read(log_name(loop.home, place.cut, "refusal"))
    return blob.data.decode(errors="replace") if blob else None


async def _version(loop: Serving, run: str) -> str:
    """The newest model of a run, which an administrator may have made the trainer repeat; the run if there is none."""
    files = [name.rpartition("/")[2] for name in await loop.storage.names(blob_name(loop.home, "models", run))]
    return max((made[0] for file in files if (made := _MADE_BY_A_RUN.match(file))), default=run)


def _lines(member: bytes, event_id: str, late: bool) -> list[bytes]:
    try:
        lines = gzip.decompress(member)
    except DAMAGE:
        return []
    return _about(lines, event_id, late)


async def _scanned(loop: Serving, log: log_parts.Part, event_id: str, late: bool) -> tuple[list[bytes], bool]:
    """The lines about an event in the whole log of a run up to its damage, and whether it has none."""
    found: list[bytes] = []
    try:
        async for lines in part_reading.chunks(loop.storage, log):
            found += await asyncio.to_thread(_about, lines, event_id, late)
    except DAMAGE:
        return found, False
    return found, True


def _noted(*notes: str | None) -> str | None:
    return " ".join(note for note in notes if note) or None


def _about(lines: bytes, event_id: str, late: bool) -> list[bytes]:
    id_of = unjoined_lines.id_of if late else dsjson.id_of
    return [line for line in lines.splitlines() if id_of(line) == event_id]


def _logged(found: list[_Found], loop: str, state: Checkpoint) -> Trace | None:
    """The trace of the newest joined event; None if there is none."""
    newest = next((one for one in found if not one.place.late), None)
    if newest is None:
        return None
    cut, line = newest.place.cut, newest.lines[-1]
    status: Status = "closing" if cut > state.cut else "rejected" if newest.refusal else "learned"
    told = _understood(line, loop, status)
    if told.status == "learned":
        told.learned_by, told.learned_at = run_name(cut), timestamp(round(newest.stored.timestamp() * 1000))
    elif told.status == "rejected":
        told.refusal = newest.refusal
    return told


def _understood(line: bytes, loop: str, status: Status) -> Trace:
    try:
        return traced_event.from_line(line, loop, status)
    except msgspec.ValidationError as error:  # of another shape than ours
        note = f"Its line of the log could not be understood: {error}."
        return Trace(dsjson.id_of(line) or "", loop, status, note=note)


def _waiting(recent: Recent, loop: str, event_id: str, config: LoopConfig) -> Trace:
    """The trace of an event from the hubs: what its joined line would be now."""
    note = None if recent.whole else "The recent events are many and were not all read; ask again when it has closed."
    calls = {one.event.nonce: one for one in reversed(recent.observed)}
    observed = sorted(calls.values(), key=lambda one: (one.at, one.sequence))
    if not recent.ranked:
        told = Trace(event_id, loop, "neverRanked", note=note)
        told.observations = [_observation(one, "orphan") for one in observed]
        return told
    (at, _, event), *repeated = recent.ranked
    wait = round(config.wait * 1000)
    end = at + wait
    matched = [one for one in observed if is_in_window(one.at, end, wait)]
    line = join_line(event, at, [one.event for one in matched], config).line
    told = traced_event.from_line(line, loop, "waiting" if time.time() * 1000 <= end else "closing")
    told.waiting_until, told.note = timestamp(end), note
    told.observations += [_observation(one, "late") for one in observed if one not in matched]
    told.repeated_at = [timestamp(one.at) for one in repeated]
    return told


def _observation(one: Enqueued[Observation], fate: Fate) -> TracedObservation:
    event = one.event
    return TracedObservation(event.kind, event.at, fate, event.value, event.slot)


def _decoded(kept: Kept) -> _Event:
    try:
        return _event.decode(kept.event)
    except msgspec.DecodeError:
        return _Event()


def _add_kept(told: Trace, found: list[_Found]) -> None:
    """Adds what could not be joined. Lines that no version could read may be another loop's."""
    for line in (line for one in found if one.place.late for line in one.lines):
        kept = unjoined_lines.decode(line)
        event = _decoded(kept)
        if event.loop != told.loop:
            continue
        if kept.reason == "duplicate_ranks":
            told.repeated_at.append(kept.at)
        else:
            fate = _FATES.get(kept.reason, "unreadable")
            told.observations.append(TracedObservation(event.kind, event.at, fate, event.value, event.slot))
