"""Reading logs back from storage: whole lines in order, in bounded memory, and damage is told."""

import base64
import gzip
import hashlib
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from harness.learning import PLAIN, decide, rewarded

from shared.hubs.events import key_of
from shared.joined_log import damaged_logs, log_reading, part_reading
from shared.joined_log.log_file import LogFile, log_name
from shared.joined_log.log_parts import Part
from shared.joined_log.unzipping import CHUNK_BYTES
from shared.loops.blob_names import Home, run_name
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
    assert [
        lines async for lines in part_reading.chunks(storage, Part("x.dsjson.gz", "loops/none/logs/x.dsjson.gz"))
    ] == []


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
    async for lines in part_reading.chunks(storage, Part("log", name)):
        read.update(lines)
        largest = max(largest, len(lines))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert read.hexdigest() == written.hexdigest()
    assert largest <= 2 * CHUNK_BYTES
    assert peak < 6 * PIECE_BYTES
    assert {len(piece) for piece in [one async for one in storage.stream(name)][:-1]} == {PIECE_BYTES}


@pytest.fixture
def unmet() -> Iterator[None]:
    """This process has met no damage yet."""
    damaged_logs._readings.clear()
    damaged_logs._reported.clear()
    yield
    damaged_logs._readings.clear()


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


ONE, TWO = gzip.compress(b"a\n" * 9), gzip.compress(b"b\n" * 9)


@pytest.mark.usefixtures("unmet")
@pytest.mark.parametrize(
    ("damage", "left"),
    [
        (b"damage", b""),
        (ONE[:-3], b""),
        (flipped(ONE, len(ONE) - 6), b""),
        (ONE + b"tail", b"a\n" * 9),
        (ONE + flipped(TWO, len(TWO) - 6), b"a\n" * 9),
        (ONE + flipped(TWO, 12) + TWO, b"a\n" * 9),
        (gzip.compress(b"a\n" * 9 + b"half a") + TWO[:-3], b"a\n" * 9),
    ],
    ids=["no gzip", "cut short", "a byte", "something behind it", "second member", "in the middle", "half a line"],
)
async def test_a_damaged_log_is_read_up_to_its_damage_and_reported_once(
    storage: Storage, damage: bytes, left: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    home = Home("damaged")
    await storage.put(log_name(home, CUT - 1, "joined"), ONE)
    await storage.put(log_name(home, CUT, "joined"), damage)
    await storage.put(log_name(home, CUT + 1, "joined"), TWO)
    for _ in range(2):
        assert await committed(storage, home, CUT + 1) == b"a\n" * 9 + left + b"b\n" * 9
    assert caplog.text.count(f"The log {log_name(home, CUT, 'joined')} is damaged") == 1
    assert damaged_logs.merged(home, []) == [f"{run_name(CUT)}.dsjson.gz"]


@pytest.mark.usefixtures("unmet")
async def test_a_changed_byte_in_a_large_member_lets_no_line_pass_for_what_was_written(storage: Storage) -> None:
    """Its checksum comes behind several chunks."""
    random, home = Random(2), Home("large-member")
    data = gzip.compress(b"".join(base64.b64encode(random.randbytes(90)) + b"\n" for _ in range(10_000)))
    await storage.put(log_name(home, CUT, "joined"), flipped(data, len(data) - 900))
    assert await committed(storage, home) == b""


@pytest.mark.usefixtures("unmet")
async def test_what_was_mended_counts_no_longer_when_it_is_read_again(storage: Storage) -> None:
    home = Home("mended")
    names = [log_name(home, CUT + run, "joined") for run in range(3)]
    for name in names:
        await storage.put(name, b"damage")
    files = [name.rpartition("/")[2] for name in names]
    await committed(storage, home, CUT + 2)
    before = damaged_logs.merged(home, ["20200101T000000000Z.dsjson.gz"])
    assert before == files
    damaged_logs.forget(home)
    assert damaged_logs.merged(home, before) == before
    await storage.put(names[2], ONE)
    _ = [lines async for lines in log_reading.committed(storage, home, CUT + 2, since=CUT + 1)]
    assert damaged_logs.merged(home, before) == files[:2]


@pytest.mark.usefixtures("unmet")
async def test_the_memory_of_a_joiner_is_made_of_what_can_be_read(storage: Storage) -> None:
    line = rewarded(decide(PLAIN[0] | {"eventId": "e"}))
    home = Home("remembered")
    await storage.put(log_name(home, 1, "joined"), gzip.compress(line) + b"damage")
    await storage.put(log_name(home, 2, "joined"), gzip.compress(b"no line of ours\n"))
    windows = await log_reading.recollect(storage, home, 2, 60_000)
    assert dict(windows.items()) == {key_of("e"): 60_000}
    assert damaged_logs.merged(home, []) == [f"{run_name(1)}.dsjson.gz"]


async def test_the_memory_of_a_joiner_is_made_again_from_the_log(storage: Storage, tmp_path: Path) -> None:
    lines = [rewarded(decide(PLAIN[0] | {"eventId": f"e{number}"})) for number in range(3)]
    await put(storage, "memory", 1, lines, tmp_path)
    windows = await log_reading.recollect(storage, Home("memory"), 1, 60_000)
    assert dict(windows.items()) == {key_of(f"e{number}"): 60_000 for number in range(3)}
