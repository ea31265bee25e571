"""Reading logs back from storage: whole lines in order, in bounded memory, and damage is told."""

import base64
import gzip
import hashlib
import tracemalloc
from pathlib import Path
from random import Random

import pytest
from harness.learning import PLAIN, decide, rewarded

from shared.hubs.events import key_of
from shared.joined_log import log_reading
from shared.joined_log.log_file import LogFile, log_name
from shared.joined_log.unzipping import CHUNK_BYTES, DAMAGE
from shared.loops.blob_names import Home
from shared.storage import PIECE_BYTES, Storage

CUT = 1_700_000_000_000
LARGE = 9 * PIECE_BYTES


async def put(storage: Storage, home: str, cut: int, lines: list[bytes], folder: Path) -> None:
    log = LogFile(folder / "log")
    log.write((None, line) for line in lines)
    log.close()
    await storage.create(log_name(Home(home), cut, "joined"), folder / "log")


async def committed(storage: Storage, home: str, through: int = CUT) -> bytes:
    return b"".join([lines async for lines in log_reading.committed(storage, Home(home), through)])


async def test_the_lines_of_all_runs_come_in_order(storage: Storage, tmp_path: Path) -> None:
    lines = [b'{"EventId":"%d"}\n' % number for number in range(9_000)]
    for run in (1, 0, 2, 3):
        await put(storage, "runs", CUT + run, lines[run * 3_000 : (run + 1) * 3_000], tmp_path)
    assert await committed(storage, "runs", CUT + 2) == b"".join(lines)


async def test_a_blob_that_is_gone_has_no_lines(storage: Storage) -> None:
    assert [lines async for lines in log_reading.chunks(storage, "loops/none/logs/x.dsjson.gz")] == []


@pytest.mark.filterwarnings("ignore:Sending a large body")
async def test_a_large_log_is_read_in_bounded_memory(storage: Storage, tmp_path: Path) -> None:
    """Of zipped lines that hardly compress, more than the SDK would take at once."""
    log, random, written = LogFile(tmp_path / "large"), Random(1), hashlib.sha256()
    while (tmp_path / "large").stat().st_size < LARGE:
        line = base64.b64encode(random.randbytes(12_000)) + b"\n"
        written.update(line)
        log.write([(None, line)])
    log.close()
    name = log_name(Home("large"), CUT, "joined")
    await storage.create(name, tmp_path / "large")
    tracemalloc.start()
    read, largest = hashlib.sha256(), 0
    async for lines in log_reading.chunks(storage, name):
        read.update(lines)
        largest = max(largest, len(lines))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert read.hexdigest() == written.hexdigest()
    assert largest <= 2 * CHUNK_BYTES
    assert peak < 6 * PIECE_BYTES
    assert {len(piece) for piece in [one async for one in storage.stream(name)][:-1]} == {PIECE_BYTES}


@pytest.mark.parametrize(
    "damage",
    [b"damage", gzip.compress(b"a\n" * 9)[:-3], gzip.compress(b"a\n") + b"tail"],
    ids=["no gzip", "cut short", "something behind it"],
)
async def test_a_damaged_log_is_told(storage: Storage, damage: bytes) -> None:
    home = f"damaged-{len(damage)}"
    await storage.put(log_name(Home(home), CUT, "joined"), damage)
    with pytest.raises(DAMAGE):
        await committed(storage, home)


async def test_the_memory_of_a_joiner_is_made_again_from_the_log(storage: Storage, tmp_path: Path) -> None:
    lines = [rewarded(decide(PLAIN[0] | {"eventId": f"e{number}"})) for number in range(3)]
    await put(storage, "memory", 1, lines, tmp_path)
    seen = await log_reading.recollect(storage, Home("memory"), 1, 60_000)
    assert seen == {key_of(f"e{number}"): 60_000 for number in range(3)}
