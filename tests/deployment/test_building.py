"""The steps of building a package, each on its own."""

import os
import re
from pathlib import Path

import pytest
from harness.system import PROJECT
from pathspec import GitIgnoreSpec

from deployment import archive, files, layout, target, wheels

BICEP = PROJECT / "infra/main.bicep"


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def test_only_the_app_ships_and_nothing_that_is_ignored(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("__pycache__/\nlocal.settings.json\n")
    (tmp_path / ".funcignore").write_text("/shared/old/\n*_draft.py\n!kept_draft.py\n# a comment\n")
    write(tmp_path, "function_app.py", "host.json", "local.settings.json", "docs/page.py", "README.md", "stray.py")
    write(tmp_path, "signing.pem", ".env", "shared/notes.txt", "shared/key.pem", "shared/old/a.py", "shared/deep/a.py")
    write(tmp_path, "shared/others-1.0.LICENSE.txt")
    write(tmp_path, "shared/__pycache__/a.pyc", "shared/a.py", "shared/a_draft.py", "shared/kept_draft.py")
    (tmp_path / "shared" / "link.py").symlink_to(tmp_path / "stray.py")
    shipped = {path.as_posix() for path in files.app_files(tmp_path)}
    code = {"function_app.py", "shared/a.py", "shared/deep/a.py", "shared/kept_draft.py"}
    assert shipped == code | {"host.json", "shared/others-1.0.LICENSE.txt"}


def test_what_owners_export_and_runs_leave_is_ignored_by_git_and_by_deployment() -> None:
    left = ("exported/service.json", "exported/logs/a.json", "logs/a.json", "shop.vw", "run.log", ".data-2/lock")
    for name in files.IGNORE_FILES:
        spec = GitIgnoreSpec.from_lines((PROJECT / name).read_text().splitlines())
        assert [path for path in left if not spec.match_file(path)] == [], name


def test_a_project_without_its_app_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "project", "host.json")
    with pytest.raises(RuntimeError, match=r"no function_app\.py"):
        files.copy(tmp_path / "project", tmp_path / "copy")


def test_an_archive_depends_on_names_and_contents_only(tmp_path: Path) -> None:
    write(tmp_path / "one", "b/2", "a", "b/1")
    write(tmp_path / "two", "b/1", "b/2", "a")
    os.utime(tmp_path / "two/a", (1e9, 1e9))
    (tmp_path / "two/b/1").chmod(0o755)
    for name in ("one", "two"):
        archive.write(tmp_path / name, tmp_path / f"{name}.zip")
    first, second = ((tmp_path / f"{name}.zip").read_bytes() for name in ("one", "two"))
    assert first == second
    write(tmp_path / "two", "c")
    archive.write(tmp_path / "two", tmp_path / "two.zip")
    assert (tmp_path / "two.zip").read_bytes() != first


def test_a_lock_that_is_behind_the_requirements_is_refused() -> None:
    wheels.check_lock("# why\na-b==1.2.0; python_version < '3.13'\n", "a-b==1.2.0 ; x \\\n    --hash=sha256:1\n")
    with pytest.raises(RuntimeError, match=r"does not have a-b==1\.2\.1: run `make lock`"):
        wheels.check_lock("a-b==1.2.1\nc==1\n", "a-b==1.2.0 \\\nc==1 \\\n")


def test_the_lock_is_that_of_the_requirements() -> None:
    wheels.check_lock(wheels.REQUIREMENTS.read_text(), wheels.LOCK.read_text())


def test_a_python_that_is_missing_is_named_with_what_to_do() -> None:
    assert target.find_python("3.99") is None
    with pytest.raises(RuntimeError, match=r"no Python 3\.99 found .*uv python install 3\.99"):
        layout.required_python("3.99")


def test_azure_runs_a_supported_python_and_it_is_the_one_that_the_infrastructure_asks_for() -> None:
    assert target.default_python() in target.supported_pythons()
    asked = re.search(r"^param pythonVersion string = '(.*)'$", BICEP.read_text(), re.MULTILINE)
    assert asked
    assert asked[1] == target.default_python()
