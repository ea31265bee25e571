"""VW's predictions, read while VW goes on writing them."""

from pathlib import Path


class Predictions:
    """A file with a line for each event and an empty one behind it."""

    def __init__(self, file: Path) -> None:
        file.write_bytes(b"")
        self._file, self._unread = file.open("rb"), b""

    def new(self) -> list[bytes]:
        """Those that were written since the last call, in order."""
        data = self._file.read()
        if not data:
            return []
        *lines, self._unread = (self._unread + data).split(b"\n")
        return [line for line in lines if line]

    def close(self) -> None:
        self._file.close()
