"""Folders of processes that were killed are swept, and no others."""

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
