"""The command `erase`: takes events out of files of old logs, as an erasure takes them out of a loop's log."""

import argparse
import gzip
import os
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from migration import files
from migration.files import GZIP_MAGIC, UnreadableFile
from shared.admin import selection_body
from shared.admin.selection_body import SelectionBody
from shared.errors import ApiError

Goes = Callable[[bytes], bool]


class EraseError(Exception):
    """Nothing more was erased; the text says what to do."""


async def run(given: argparse.Namespace) -> int:
    """Erases, and says how many lines of which files; raises EraseError."""
    body = _body(given.selection)
    named, others = files.found(given.logs)
    logs = list(dict.fromkeys(file.resolve() for file in named))  # what a link names, not the link
    if not logs:
        raise EraseError(f"There is no log here: name files or folders of {', '.join(files.SUFFIXES)} (also .gz).")
    alone, all_of_them = selection_body.selected(body), selection_body.selected(body)
    unread, lines, found = set[Path](), Counter[Path](), Counter[Path]()

    def by_itself(line: bytes) -> bool:
        return alone.line(line) is not None

    def by_its_event(line: bytes) -> bool:
        return all_of_them.line(line) is not None and not by_itself(line)

    for file in logs:  # what a later line means, an earlier one may be of
        try:
            for _, line in files.as_they_are(file):
                if event := all_of_them.line(line):
                    all_of_them.learn(event)
                lines[file] += bool(line)
        except UnreadableFile as error:
            unread.add(file)
            print(f"{file}: {error}: it was not looked at")
    logs = [file for file in logs if file not in unread]
    for file in logs:
        found[file] = sum(all_of_them.line(line) is not None for _, line in files.as_they_are(file))
    if found.total() and found.total() == sum(lines[file] for file in logs) and not body.all:
        raise EraseError('The selection means every event of these files: say "all": true in it if that is meant.')
    linked = [file for file in logs if found[file] and file.stat().st_nlink > 1]
    if not given.dry_run:
        # Lines that only others of their event give away go first: after a kill, those others are still there.
        for goes in (by_its_event, by_itself):
            for file in filter(found.__getitem__, logs):
                _rewrite(file, goes)
    told = "would be erased" if given.dry_run else "erased"
    print(f"{told}: {found.total():,} lines of {len(logs) + len(unread):,} files")
    _tell_others(given.logs, others, linked)
    return 1 if unread or linked else 0


def _body(file: Path) -> SelectionBody:
    try:
        return selection_body.erasure(file.read_bytes())
    except OSError as error:
        raise EraseError(f"{file} cannot be read: {error.strerror}") from None
    except ApiError as error:
        raise EraseError(f"{file} is no selection of events: {error.message}") from None


def _rewrite(file: Path, goes: Goes) -> None:
    """Puts a file without the lines that go in place of it, with all others as they were, if there are any."""
    if not any(goes(line) for _, line in files.as_they_are(file)):
        return
    made = file.with_name(f".{file.name}.without")
    try:
        before = file.stat()
        made.unlink(missing_ok=True)
        with open(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
            with file.open("rb") as old:
                is_zipped = old.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            with gzip.open(out, "wb") if is_zipped else open(os.dup(out.fileno()), "wb") as packed:
                packed.writelines(raw for raw, line in files.as_they_are(file) if not goes(line))
            os.fsync(out.fileno())
        shutil.copymode(file, made)
        with suppress(PermissionError):
            os.chown(made, before.st_uid, before.st_gid)
        os.replace(made, file)
    except (OSError, UnreadableFile) as error:
        with suppress(OSError):
            made.unlink(missing_ok=True)
        said = getattr(error, "strerror", None) or error
        raise EraseError(f"{file}: {said}: it is as it was. The same command goes on from there.") from None


def _tell_others(paths: list[Path], others: list[Path], linked: list[Path]) -> None:
    for file in others:
        print(f"not looked at, for it is no log by its name: {file}")
    for folder in filter(Path.is_dir, paths):
        for one in sorted(folder.rglob("*")):
            if one.is_symlink() and one.is_dir():
                print(f"not looked at, for it is a link to a folder: {one}")
    for file in linked:
        print(f"its lines are still there under the other names (hard links) that it has: {file}")
