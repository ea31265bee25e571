"""Logs that can be read from any line on."""

import gzip
from pathlib import Path

import pytest
import vowpalwabbit
from harness.learning import PLAIN, decide, rewarded

from shared.hubs.events import key_of
from shared.joined_log import log_file, unjoined_lines
from shared.joined_log.log_file import LENGTH_BITS, Entries, LogFile, log_name
from shared.vw import dsjson

LINES = [rewarded(decide(body | {"eventId": f"e{number}"})) for number, body in enumerate(PLAIN)]


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LogFile:
    """The lines in members of about four, taken in calls that do not fit the members."""
    monkeypatch.setattr(log_file, "MEMBER_BYTES", 4 * len(LINES[0]) - 10)
    log = LogFile(tmp_path / "log.dsjson.gz")
    for start in range(0, len(LINES), 7):
        log.write((key_of(f"e{start + number}"), line) for number, line in enumerate(LINES[start : start + 7]))
    log.close()
    return log


def test_a_line_is_in_the_member_at_its_place(log: LogFile, tmp_path: Path) -> None:
    data = (tmp_path / "log.dsjson.gz").read_bytes()
    assert gzip.decompress(data) == b"".join(LINES)
    places = dict(log.entries)
    assert len(places) == len(LINES)
    for number, line in enumerate(LINES):
        offset, length = divmod(places[key_of(f"e{number}")], 1 << LENGTH_BITS)
        assert line in gzip.decompress(data[offset : offset + length]).splitlines(keepends=True)
    assert len(set(places.values())) > 10


def test_vw_reads_all_members(log: LogFile, tmp_path: Path) -> None:
    arguments = ["--cb_explore_adf", "--dsjson", "--quiet", "-d", str(tmp_path / "log.dsjson.gz")]
    workspace = vowpalwabbit.Workspace(arg_list=arguments)
    assert workspace.get_weighted_examples() == len(LINES)
    workspace.finish()


def test_a_log_without_lines_is_a_gzip_file(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log")
    log.close()
    assert gzip.decompress((tmp_path / "log").read_bytes()) == b""
    assert list(log.entries) == []


def test_a_line_without_a_key_is_written_and_not_indexed(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log")
    log.write([(None, b"whose?\n"), (7, b"mine\n")])
    log.close()
    assert gzip.decompress((tmp_path / "log").read_bytes()) == b"whose?\nmine\n"
    assert [key for key, _ in log.entries] == [7]


def test_ids_of_lines() -> None:
    assert dsjson.id_of(LINES[3]) == "e3"
    assert unjoined_lines.id_of(unjoined_lines.encode("orphans", 0, b'{"id":"\xc3\xa9\\"","loop":"x"}\n')) == 'é"'
    for line in (
        b"",
        b"no json",
        b"[]",
        b'{"EventId":1}',
        b'{"EventId":"\xff"}',
        unjoined_lines.encode("late", 0, b"\xff{"),
    ):
        assert dsjson.id_of(line) is None
        assert unjoined_lines.id_of(line) is None


@pytest.mark.parametrize("event", [b'{"id":"e","v":7}\n', b'{"id":"\xff"}', b"\xff{", b'{"id":1}', b""])
def test_what_is_unreadable_is_indexed_under_the_id_that_its_line_has(event: bytes) -> None:
    event_id = unjoined_lines.id_of(unjoined_lines.encode("unreadable", 0, event))
    assert unjoined_lines.key_of_unreadable(event) == (None if event_id is None else key_of(event_id))


def test_names_are_by_the_hour_of_the_cut() -> None:
    cut = 1_700_000_000_123
    folder, run = "2023/11/14/22", "20231114T221320123Z"
    assert log_name("one", cut, "joined") == f"loops/one/logs/{folder}/{run}.dsjson.gz"
    assert log_name("one", cut, "late") == f"loops/one/logs/late/{folder}/{run}.jsonl.gz"
    assert log_name("one", cut, "refusal") == f"loops/one/logs/{folder}/{run}.refusal.txt"


def test_very_many_entries_are_kept_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "_HELD", 20)
    entries, given = Entries(tmp_path / "entries"), [(2**64 - number, number) for number in range(1, 46)]
    for count, pair in enumerate(given):
        assert (len(entries), list(entries)) == (count, given[:count])
        entries.add(*pair)
    assert (tmp_path / "entries").stat().st_size == 16 * 40
