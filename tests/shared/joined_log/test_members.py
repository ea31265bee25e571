"""The members of a log: what they unzip to, where they are, and where a log is damaged."""

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.joined_log import members
from shared.joined_log.unzipping import DAMAGE


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text("ab\n", max_size=40)), st.integers(0, 2), st.integers(0, 9))
def test_members_are_the_log(tmp_path: Path, texts: list[str], padding: int, before: int) -> None:
    packed = b"".join(gzip.compress(text.encode()) + bytes(padding) for text in texts)
    file = tmp_path / "log"
    file.write_bytes(b"x" * before + packed + b"behind")
    found = list(members.read(file, before, len(packed)))
    assert b"".join(one.lines for one in found) == "".join(texts).encode()
    assert all(one.lines.endswith(b"\n") or not one.lines for one in found[:-1])
    data = file.read_bytes()
    for one in found:
        assert gzip.decompress(data[one.offset : one.offset + one.length]) == one.lines


@given(st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r", b"\r\n", b"\v", b"\x1e"])))
def test_lines_are_split_as_everywhere(pieces: list[bytes]) -> None:
    lines = b"".join(pieces)
    assert members.split(lines) == lines.splitlines(keepends=True)
    assert members.count(lines) == lines.count(b"\n")


def test_what_is_sound_comes_before_the_damage(tmp_path: Path) -> None:
    first, second = gzip.compress(b"one\n"), gzip.compress(b"two\n" * 50)
    for damaged in (second[:-1], second[:-6] + b"\0" * 6, b"nothing"):
        (tmp_path / "log").write_bytes(first + damaged)
        found = members.read(tmp_path / "log")
        assert next(found).lines == b"one\n"
        with pytest.raises(DAMAGE):
            next(found)
    with pytest.raises(EOFError):
        list(members.read(tmp_path / "log", 0, 10_000))
