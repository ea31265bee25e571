"""Events are taken out of files of old logs."""

import gzip
import json
from pathlib import Path

import pytest
from harness import migration
from harness.exports import line, write


def ids(file: Path) -> set[str]:
    data = file.read_bytes()
    plain = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    return {json.loads(one)["EventId"] for one in plain.splitlines()}


@pytest.mark.parametrize("dry", [False, True])
def test_events_go_from_plain_and_gzipped_files(tmp_path: Path, dry: bool) -> None:
    plain = write(tmp_path / "logs" / "1.json", [line(number) for number in range(20)])
    zipped = tmp_path / "logs" / "2.json.gz"
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    before = ids(plain)
    gone = {sorted(before)[3], sorted(before)[7]}
    selection = tmp_path / "selection.json"
    selection.write_text(json.dumps([{"eventId": one} for one in gone]))
    done = migration.run("erase", "--logs", tmp_path / "logs", "--selection", selection, *["--dry-run"] * dry)
    assert done.status == 0, done.stderr
    assert "4 lines of 2 files" in done.stdout
    for file in (plain, zipped):
        assert ids(file) == (before if dry else before - gone)
    assert [one.name for one in (tmp_path / "logs").iterdir() if one.name.startswith(".")] == []


def test_what_is_wrong_gets_a_sentence(tmp_path: Path) -> None:
    logs = write(tmp_path / "1.json", [line(1)])
    empty = tmp_path / "selection.json"
    empty.write_text("[]")
    for arguments, said in {
        ("--logs", logs, "--selection", empty): "is no selection of events",
        ("--logs", logs, "--selection", tmp_path / "none"): "cannot be read",
        ("--logs", tmp_path / "nowhere", "--selection", empty): "is no selection",
    }.items():
        done = migration.run("erase", *arguments)
        assert (done.status, said in done.stderr, "Traceback" in done.stderr) == (1, True, False), done.stderr
