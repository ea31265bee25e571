"""What set-up says where there is no network: one sentence, at once. The indexes named here refuse every connection."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local import azurite, packages
from local.packages import InstallError

PROJECT = Path(__file__).parents[2]
NOWHERE = "http://127.0.0.1:9"
AT_ONCE = 20  # seconds, on a busy machine; pip and npm by themselves take up to 70


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.upper().startswith(("PIP_", "NPM_CONFIG_"))]:
        monkeypatch.delenv(name)
    for name, value in (
        ("PIP_CONFIG_FILE", os.devnull),
        ("PIP_INDEX_URL", f"{NOWHERE}/simple"),
        ("PIP_NO_CACHE_DIR", "1"),
        ("npm_config_registry", NOWHERE),
        ("npm_config_cache", str(tmp_path / "cache")),
        ("npm_config_userconfig", os.devnull),
    ):
        monkeypatch.setenv(name, value)


def test_python_packages_are_missed_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("open-personalizer-has-no-such-package==1.0\n")
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "local.packages", str(tmp_path / "requirements.txt")],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert time.monotonic() - began < AT_ONCE
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "No network: PyPI cannot be reached. Connect, or set PIP_INDEX_URL to a mirror, and give the same command "
        "again.\n"
    )


def test_azurite_is_missed_in_one_sentence_and_nothing_is_left(tmp_path: Path) -> None:
    """From npm, or where the machine has no Node of its own, the wheel with one from PyPI."""
    began = time.monotonic()
    with pytest.raises(InstallError, match=r"^No network: (the npm registry|PyPI) cannot be reached\..*again\.$"):
        azurite.install(tmp_path)
    assert time.monotonic() - began < AT_ONCE
    assert not (tmp_path / f"azurite-{azurite.VERSION}").exists()


def test_another_failure_is_told_in_the_programs_last_words(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("this is no requirement\n")
    with pytest.raises(InstallError, match=r"(?s)failed:.*[Ii]nvalid requirement"):
        packages.pip_install("-r", str(tmp_path / "requirements.txt"))
