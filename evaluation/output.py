"""The files that a command writes beside what it prints."""

from pathlib import Path

import msgspec

from evaluation import page
from evaluation.errors import EvaluationError
from shared.evaluation.result import Result


def check(*files: Path | None) -> None:
    """Raises EvaluationError for a file that could not be written after all the work."""
    for file in files:
        if file is not None and (file.is_dir() or not file.absolute().parent.is_dir()):
            raise EvaluationError(f"{file} cannot be written: name a file in a folder that is there.")


def write(found: Result, json: Path | None, html: Path | None) -> None:
    """Writes the files that were asked for; EvaluationError if one cannot be written."""
    if json is not None:
        write_data(json, msgspec.json.encode(found))
    if html is not None:
        write_data(html, page.made(found).encode())


def write_data(file: Path, data: bytes) -> None:
    """Writes a file; EvaluationError if it cannot be written."""
    try:
        file.write_bytes(data)
    except OSError as error:
        raise EvaluationError(f"{file} cannot be written: {error.strerror}") from None
