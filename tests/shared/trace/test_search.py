"""What is told of an event for what the log holds of it, written as the trainer writes it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from harness.learning import PLAIN, decide, rewarded
from harness.servers import shorten_pauses

from local.services import free_port
from shared.errors import ApiError
from shared.hubs import events
from shared.hubs.events import Observation
from shared.hubs.reader import HubReader
from shared.joined_log import event_index, unjoined_lines
from shared.joined_log.log_file import Keyed, LogFile, log_name
from shared.loops import checkpoint
from shared.loops.blob_names import Home, blob_name, run_name
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig
from shared.serving.loop import Serving
from shared.serving.service import Service
from shared.settings import load
from shared.trace import recent_events, search
from shared.trace.recent_events import stretches
from shared.trace.traced_event import Trace
from shared.vw import dsjson

CUT = 1_700_000_000_000


@pytest.fixture
def service(parts: Service) -> Service:
    return parts


async def find(service: Service, loop: str, event_id: str) -> Trace:
    return await search.find(service, Serving(loop, Home(loop), service.storage, LoopConfig()), event_id)


def line(event_id: str) -> bytes:
    return rewarded(decide(PLAIN[0] | {"eventId": event_id}))


def late(event_id: str, loop: str, value: float) -> bytes:
    event = Observation(v=1, loop=loop, id=event_id, at=events.now(), kind="reward", nonce="n", value=value)
    return unjoined_lines.encode("late", CUT, events.encode(event))


def keyed(lines: Sequence[bytes], id_of: Callable[[bytes], str | None]) -> Iterator[Keyed]:
    """The lines with the keys of their ids, which they all have."""
    return ((events.key_of(id_of(one) or ""), one) for one in lines)


async def write(
    service: Service, loop: str, folder: Path, joined: Sequence[bytes], kept: Sequence[bytes] = (), cut: int = CUT
) -> None:
    """The log of one run and its index, and the checkpoint that commits runs up to CUT."""
    files = [folder / kind for kind in ("joined", "late")]
    logs = LogFile(files[0]), LogFile(files[1])
    logs[0].write(keyed(joined, dsjson.id_of))
    logs[1].write(keyed(kept, unjoined_lines.id_of))
    for log in logs:
        log.close()
    await service.storage.create(log_name(loop, cut, "joined"), files[0])
    await service.storage.create(log_name(loop, cut, "late"), files[1])
    await event_index.publish(service.storage, loop, cut, logs[0].entries, logs[1].entries, folder)
    await service.storage.put(checkpoint.name(loop), checkpoint.encode(Checkpoint(cut=CUT)))


async def test_a_run_tells_whether_its_model_has_learned_the_event(service: Service, tmp_path: Path) -> None:
    await write(service, "runs", tmp_path, [line("learned")])
    await write(service, "runs", tmp_path, [line("rejected")], cut=CUT - 1)
    await write(service, "runs", tmp_path, [line("under way")], cut=CUT + 1)
    await service.storage.put(log_name("runs", CUT - 1, "refusal"), b"not a distribution")
    learned = await find(service, "runs", "learned")
    assert (learned.status, learned.learned_by, learned.reward) == ("learned", run_name(CUT), 1.0)
    rejected = await find(service, "runs", "rejected")
    assert (rejected.status, rejected.learned_by, rejected.refusal) == ("rejected", None, "not a distribution")
    assert (await find(service, "runs", "under way")).status == "closing"


async def test_a_model_is_called_as_everywhere_after_an_administrator_replaced_one(
    service: Service, tmp_path: Path
) -> None:
    """A run that was repeated then has made another model."""
    home, state, run = Home("epochs"), Checkpoint(cut=CUT, epoch=2), run_name(CUT)
    await write(service, "epochs", tmp_path, [line("e")])
    await service.storage.put(checkpoint.name(home), checkpoint.encode(state))
    assert (await find(service, "epochs", "e")).learned_by == run
    for version in (run, f"{run}-000001", state.model_version(run), f"{run}-000003-0a1b2c3d", f"{run}_{run}"):
        for kind in (".vw", ".predict.vw"):
            await service.storage.put(blob_name(home, "models", version + kind), b"x")
    assert (await find(service, "epochs", "e")).learned_by == state.model_version(run)


async def test_of_an_id_that_was_used_again_the_newest_event_is_told(service: Service, tmp_path: Path) -> None:
    for cut in (CUT - 2, CUT, CUT - 1):
        await write(service, "again", tmp_path, [line("e")], cut=cut)
    assert (await find(service, "again", "e")).learned_by == run_name(CUT)


async def test_many_late_rewards_hide_nothing_and_another_loop_is_not_told(service: Service, tmp_path: Path) -> None:
    await write(service, "spam", tmp_path, [line("e")], cut=CUT - 100)
    for number in range(search.MOST_LATE + 2):
        unreadable = unjoined_lines.encode("unreadable", 0, b'{"id":"e","value":"x"}')
        kept = [late("e", "spam", number / 100), late("e", "default", 1.0), unreadable]
        await write(service, "spam", tmp_path, [], kept, cut=CUT - number)
    told = await find(service, "spam", "e")
    assert told.status == "learned"
    told_late = sorted(one.value for one in told.observations if one.fate != "joined")
    assert told_late == [number / 100 for number in range(search.MOST_LATE)]


async def test_an_index_that_is_not_of_this_file_still_finds_the_line(service: Service, tmp_path: Path) -> None:
    await write(service, "other", tmp_path, [line("e")])
    lines = [line(f"g{number}") for number in range(200)]
    log = LogFile(tmp_path / "other")
    log.write(keyed([*lines, line("e")], dsjson.id_of))
    log.close()
    await service.storage.put(log_name("other", CUT, "joined"), (tmp_path / "other").read_bytes())
    assert (await find(service, "other", "e")).event_id == "e"


async def test_a_line_of_another_shape_is_found_and_said_to_be_so(service: Service, tmp_path: Path) -> None:
    await write(service, "imported", tmp_path, [b'{"EventId":"e","c":{"_multi":7}}\n'])
    told = await find(service, "imported", "e")
    assert (told.event_id, told.status) == ("e", "learned")
    assert told.note is not None
    assert "could not be understood" in told.note


async def test_what_could_not_be_searched_to_the_end_is_not_said_to_be_missing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_events, "SEARCH_SECONDS", 0)
    with pytest.raises(ApiError, match="not all read") as unknown:
        await find(service, "default", "nobody knows")
    assert unknown.value.code == "OperationNotAllowed"
    assert unknown.value.retry_after


async def test_hubs_that_are_away_are_said_to_be(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    shorten_pauses(monkeypatch)
    port = re.compile(r"127\.0\.0\.1:\d+")
    hubs = port.sub(f"127.0.0.1:{free_port()}", environment["EVENT_HUBS_CONNECTION_STRING"])
    service = Service(load(environment | {"EVENT_HUBS_CONNECTION_STRING": hubs}))
    with pytest.raises(ApiError, match="cannot be read") as away:
        await find(service, "default", "e")
    assert away.value.code == "OperationNotAllowed"
    await service.close()


async def test_two_searches_at_most_have_links_to_the_hubs(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, counts = set[HubReader](), list[int]()
    search_one, close = recent_events._Tail.search, HubReader.close

    async def opening(tail: Any, *where: Any, **how: Any) -> None:
        opened.add(tail.reader)
        counts.append(len(opened))
        await search_one(tail, *where, **how)

    async def closing(reader: HubReader) -> None:
        await asyncio.sleep(0.3)
        await close(reader)
        opened.discard(reader)

    monkeypatch.setattr(recent_events._Tail, "search", opening)
    monkeypatch.setattr(HubReader, "close", closing)
    searches = (recent_events.find(service.settings, "default", "e", Checkpoint()) for _ in range(5))
    assert all(found.whole for found in await asyncio.gather(*searches))
    assert max(counts) == 4  # two of each hub


def test_the_newest_of_a_tail_are_read_first() -> None:
    assert list(stretches(5, 5)) == []
    assert list(stretches(-1, 150)) == [(-1, 150)]
    looks = list(stretches(-1, 5_000))
    assert looks == [(4_800, 5_000), (2_800, 4_800), (-1, 2_800)]


async def test_what_an_index_or_a_log_that_is_damaged_may_have_is_not_said_to_be_missing(
    service: Service, tmp_path: Path
) -> None:
    loop = "damaged"
    for number in range(3):
        await write(service, loop, tmp_path, [line(f"e{number}")], cut=CUT - number)
    indexes = {index.last: index.name for index in await event_index.listed(service.storage, Home(loop))}
    index, log = indexes[run_name(CUT)], log_name(Home(loop), CUT - 1, "joined")
    await service.storage.put(index, b"damage")
    await service.storage.put(log, b"damage")
    told = await find(service, loop, "e2")
    assert told.status == "learned"
    assert told.note is not None
    assert index in told.note
    for event_id, name in (("e0", index), ("e1", log), ("nobody knows", index)):
        with pytest.raises(ApiError, match=re.escape(name)) as unknown:
            await find(service, loop, event_id)
        assert (unknown.value.code, unknown.value.status) == ("OperationNotAllowed", 503)


async def test_an_index_that_points_behind_the_log_is_read_over(service: Service, tmp_path: Path) -> None:
    await write(service, "behind", tmp_path, [line("e")])
    (index,) = await event_index.listed(service.storage, Home("behind"))
    places = event_index.ENTRY.pack(events.key_of("e"), 2 * CUT, 1 << 60 | 7)
    await service.storage.put(index.name, places)
    assert (await find(service, "behind", "e")).status == "learned"
