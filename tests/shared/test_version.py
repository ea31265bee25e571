"""The version is the same wherever somebody looks for it."""

import re
import tomllib
from pathlib import Path

from shared.version import VERSION

PROJECT = Path(__file__).parents[2]


def test_changelog_and_project_have_it() -> None:
    newest = re.search(r"^## (\S+)$", (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == VERSION == tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
