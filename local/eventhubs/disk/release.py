"""What the readers of a hub no longer need, as a file says that they write: events leave by that, not by their age."""

import json
from pathlib import Path
from typing import NamedTuple, Self


class Release(NamedTuple):
    """Events that are enqueued before a time (ms since 1970), up to a sequence number of each partition of a hub."""

    before: int
    through: dict[str, list[int]]

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """None if there is no such file, or nothing that can be believed in it."""
        try:
            told = json.loads(path.read_text())
            through = {str(hub): [int(one) for one in numbers] for hub, numbers in told["through"].items()}
            return cls(int(told["before"]), through)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def write(self, path: Path) -> None:
        unfinished = path.with_suffix(".new")
        unfinished.write_text(json.dumps(self._asdict()))
        unfinished.replace(path)
