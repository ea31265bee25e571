"""Folders of processes that were killed are swept, and no others; what is small is held in memory."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from shared import scratch


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_ends_with_its_block_and_others_see_whose_it_is(temporary: Path) -> None:
    with scratch.folder() as folder:
        (Path(folder) / "file").touch()
        assert scratch.sweep() == 0
    assert list(temporary.iterdir()) == []


def test_what_killed_processes_left_is_swept(temporary: Path) -> None:
    script = "import os; from shared import scratch; folder = scratch.folder(); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", script], env=os.environ | {"TMPDIR": str(temporary)}, check=False)
    (left,) = temporary.iterdir()
    (temporary / "open-personalizer-demo-1").mkdir()
    (temporary / "others").mkdir()
    assert scratch.sweep() == 1
    assert not left.exists()
    assert len(list(temporary.iterdir())) == 2


def test_what_is_small_is_held_in_memory_and_what_is_larger_is_in_a_file(tmp_path: Path) -> None:
    small, large = (scratch.Spool(tmp_path / name, 5) for name in ("small", "large"))
    for data in (b"123", b"45"):
        small.write(data)
    for data in (b"123", b"456", b"7"):
        large.write(data)
    for spool in (small, large):
        spool.close()
    assert (small.content, large.content) == (b"12345", tmp_path / "large")
    assert [file.name for file in tmp_path.iterdir()] == ["large"]
    assert (tmp_path / "large").read_bytes() == b"1234567"
