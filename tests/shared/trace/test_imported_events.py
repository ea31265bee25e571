"""Searching imported logs: newest first, past damage, for as long as one may wait."""

import gzip

import pytest

from shared.joined_log import log_reading
from shared.loops.blob_names import Home
from shared.storage import Storage
from shared.trace import imported_events

AT = 1_700_000_000_000


def line(event_id: str, blob: int = 0) -> bytes:
    return b'{"EventId":"%s","blob":%d}' % (event_id.encode(), blob)


async def put(storage: Storage, home: Home, number: int, data: bytes) -> None:
    await storage.put(log_reading.imported_name(home, AT + number, f"{number:016x}"), data)


async def test_the_newest_line_of_an_event_is_found(storage: Storage) -> None:
    home = Home("imported-newest")
    for number in (1, 0, 2):
        lines = [line("a b", number), line("plain", number)]
        await put(storage, home, number, gzip.compress(b"\n".join([*lines, b""])))
    assert await imported_events.find(storage, home, "plain") == (line("plain", 2), None)
    assert await imported_events.find(storage, home, "a b") == (line("a b", 2), None)
    assert await imported_events.find(storage, home, "plai") == (None, None)


async def test_a_damaged_blob_hides_no_other(storage: Storage) -> None:
    home = Home("imported-damaged")
    await put(storage, home, 0, gzip.compress(line("e") + b"\n"))
    await put(storage, home, 1, gzip.compress(line("lost") + b"\n")[:-9])
    await put(storage, home, 2, b"damage")
    assert await imported_events.find(storage, home, "e") == (line("e"), None)
    found, unread = await imported_events.find(storage, home, "lost")
    assert found is None
    assert unread is not None
    assert all(log_reading.imported_name(home, AT + number, f"{number:016x}") in unread for number in (1, 2))


async def test_what_was_not_all_read_is_said_to_be_so(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home("imported-long")
    await put(storage, home, 0, gzip.compress(line("e") + b"\n"))
    monkeypatch.setattr(imported_events, "LONGEST_SECONDS", -1)
    assert await imported_events.find(storage, home, "e") == (None, "The imported log is long and was not all read.")
