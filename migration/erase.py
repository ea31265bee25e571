"""The command `erase`: takes events out of files of old logs, as an erasure takes them out of a loop's log."""

import argparse
import gzip
import os
from pathlib import Path

from migration import files
from migration.files import GZIP_MAGIC, UnreadableFile
from shared.admin import selection_body
from shared.errors import ApiError
from shared.joined_log.selection import Selection


class EraseError(Exception):
    """Nothing was erased; the text says what to do."""


async def run(given: argparse.Namespace) -> int:
    """Erases, and says how many lines of which files; raises EraseError."""
    selection = _selection(given.selection)
    logs, others = files.found(given.logs)
    if not logs:
        raise EraseError(f"There is no log here: name files or folders of {', '.join(files.SUFFIXES)} (also .gz).")
    unread = 0
    for file in logs:  # what a later line means, an earlier one may be of
        try:
            for line in files.lines(file):
                event = selection.line(line)
                if event:
                    selection.learn(event)
        except UnreadableFile as error:
            unread += 1
            print(f"{file}: {error}: it was not looked at")
            continue
    erased = sum(_erase(file, selection, dry=given.dry_run) for file in logs)
    print(f"{'would be erased' if given.dry_run else 'erased'}: {erased:,} lines of {len(logs):,} files")
    for file in others:
        print(f"not looked at, for it is no log by its name: {file}")
    return 1 if unread else 0


def _selection(file: Path) -> Selection:
    try:
        return selection_body.selected(selection_body.erasure(file.read_bytes()))
    except OSError as error:
        raise EraseError(f"{file} cannot be read: {error.strerror}") from None
    except ApiError as error:
        raise EraseError(f"{file} is no selection of events: {error.message}") from None


def _erase(file: Path, selection: Selection, *, dry: bool) -> int:
    """Writes a file anew without the lines that are meant, if there are any; how many there are."""
    kept, gone = list[bytes](), 0
    try:
        for line in files.lines(file):
            is_meant = selection.line(line) is not None
            gone += is_meant
            kept += [] if is_meant else [line]
    except UnreadableFile:
        return 0
    if gone and not dry:
        data = b"".join(line + b"\n" for line in kept)
        with file.open("rb") as old:
            is_zipped = old.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        made = file.with_name(f".{file.name}.without")
        made.write_bytes(gzip.compress(data) if is_zipped else data)
        os.replace(made, file)
    return gone
