"""The files of the app: those in its places that neither .gitignore nor .funcignore names."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

# .gitignore too: what is not the project's, such as data or secrets, must not ship because a line was forgotten.
IGNORE_FILES = (".gitignore", ".funcignore")
# A deny-list alone would ship whatever lies about in a working copy, such as keys.
FILES = ("function_app.py", "host.json", "requirements.txt", "LICENSE")
FOLDERS = (
    "shared",
    "rank_function",
    "reward_function",
    "trainer_function",
    "evaluator_function",
    "admin_function",
    "dashboard_function",
)
# Beside what runs, what the dashboard sends to browsers, and the licence of what is not ours in it.
SUFFIXES = (".py", ".css", ".js", ".svg", ".LICENSE.txt")


def copy(project: Path, folder: Path) -> None:
    """Copies the app's files into a folder. RuntimeError if the project has no function app."""
    for path in app_files(project):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(project / path, target)
    if not (folder / "function_app.py").is_file():
        raise RuntimeError(f"{project} has no function_app.py that ships: see its {' and '.join(IGNORE_FILES)}")


def app_files(project: Path) -> Iterator[Path]:
    """The files that ship, relative to the project, in no order. What a symbolic link leads to does not."""
    lines = [line for name in IGNORE_FILES if (project / name).exists() for line in _lines(project / name)]
    return (path for path in kept(project, lines) if _ships(path) and not (project / path).is_symlink())


def _ships(path: Path) -> bool:
    return str(path) in FILES or (path.parts[0] in FOLDERS and path.name.endswith(SUFFIXES))


def kept(folder: Path, ignored: Iterable[str]) -> Iterator[Path]:
    """The files in a folder that patterns in the syntax of .gitignore do not match, relative to it."""
    spec = GitIgnoreSpec.from_lines(ignored)
    yield from _walk(folder, Path(), spec)


def _walk(folder: Path, inside: Path, spec: GitIgnoreSpec) -> Iterator[Path]:
    for entry in (folder / inside).iterdir():
        path = inside / entry.name
        if entry.is_dir():
            # As git does: nothing in an ignored folder is looked at.
            if not spec.match_file(f"{path.as_posix()}/"):
                yield from _walk(folder, path, spec)
        elif not spec.match_file(path.as_posix()):
            yield path


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()
