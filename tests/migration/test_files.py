"""Files of old logs: found in folders, in the order in which they were written, read in bounded memory."""

import gzip
import zipfile
from pathlib import Path

import pytest

from migration import files


def test_a_folder_is_searched_and_10_follows_9(tmp_path: Path) -> None:
    names = ["2026/01/04_1.json", "2026/01/04_2.json.gz", "2026/01/04_10.json", "2026/02/01_0.dsjson"]
    for name in [*reversed(names), "2026/notes.md"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    logs, others = files.found([tmp_path])
    assert [str(path.relative_to(tmp_path)) for path in logs] == names
    assert [path.name for path in others] == ["notes.md"]
    assert files.found([tmp_path / "2026/notes.md"]) == ([tmp_path / "2026/notes.md"], [])


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_lines_come_without_their_ends_and_one_too_long_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: type[bytes]
) -> None:
    monkeypatch.setattr(files, "LONGEST_LINE", 10)
    file = tmp_path / "log"
    file.write_bytes(pack(b"one\r\n\n" + b"x" * 35 + b"\ntwo\n" + b"y" * 9 + b"\nlast"))
    assert list(files.lines(file)) == [b"one", b"", b"x" * 10, b"two", b"y" * 9, b"last"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path, pack: type[bytes]) -> None:
    file = tmp_path / "log"
    file.write_bytes(pack("\ufeff{}\r\n\ufeff".encode()))
    assert list(files.lines(file)) == [b"{}", "\ufeff".encode()]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings_that_show_themselves_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: type[bytes], encoding: str
) -> None:
    monkeypatch.setattr(files, "LONGEST_LINE", 10)
    file = tmp_path / "log"
    file.write_bytes(pack(('{"a":"é😀"}\r\n\n' + "x" * 35 + "\nlast").encode(encoding)))
    assert list(files.lines(file)) == ['{"a":"é😀"}'.encode(), b"", b"x" * 10, b"last"]


def test_a_zip_archive_says_what_it_is(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "log.zip", "w") as archive:
        archive.writestr("log.json", "{}\n")
    with pytest.raises(files.UnreadableFile, match="a zip archive; unpack it first"):
        list(files.lines(tmp_path / "log.zip"))
