"""The ends of a log are found in blobs that are read in several chunks."""

import gzip

import pytest

from shared.admin import logs
from shared.joined_log import unzipping
from shared.joined_log.log_file import log_name
from shared.loops.blob_names import Home
from shared.loops.config import LoopConfig
from shared.serving.loop import Serving
from shared.storage import Storage

CUT = 1_700_000_000_000


def line(number: int) -> bytes:
    return b'{"EventId":"e%d","Timestamp":"2026-01-01T00:00:%02d.000Z"}\n' % (number, number)


@pytest.mark.parametrize("chunk", [1, 200, 1 << 20])
async def test_the_first_and_the_last_events_are_found(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(unzipping, "CHUNK_BYTES", chunk)
    home = Home(f"ends-{chunk}")
    loop = Serving("ends", home, storage, LoopConfig())
    for run in (0, 1):
        lines = b"".join(map(line, range(run * 20, run * 20 + 20)))
        await storage.put(log_name(home, CUT + run, "joined"), gzip.compress(lines))
    assert await logs.properties(loop) == {"dateRange": {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:39Z"}}
    assert await logs.recent(loop, 7) == [line(number) for number in range(33, 40)]
    assert await logs.recent(loop, 50) == [line(number) for number in range(20, 40)]


async def test_damage_at_an_end_moves_it_to_what_can_be_read(storage: Storage) -> None:
    home = Home("damaged-ends")
    loop = Serving("ends", home, storage, LoopConfig())
    for run in range(4):
        lines = [line(run * 10 + number) for number in range(10)]
        data = gzip.compress(b"".join(lines[:5])) + gzip.compress(b"".join(lines[5:]))
        await storage.put(log_name(home, CUT + run, "joined"), data if run in (1, 2) else data[:-6])
    assert await logs.properties(loop) == {"dateRange": {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:34Z"}}
    await storage.put(log_name(home, CUT, "joined"), b"damage")
    await storage.put(log_name(home, CUT + 3, "joined"), gzip.compress(b"no line of ours\n"))
    assert await logs.properties(loop) == {"dateRange": {"from": "2026-01-01T00:00:10Z", "to": "2026-01-01T00:00:29Z"}}
