"""Summaries of days by hours that a process need not read again: most of what a page about a month is made of."""

from collections.abc import Mapping

from shared.loops.summary import Summary


class RememberedDays:
    """The `most` that were asked for last, each as it was in storage: by name and ETag."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[tuple[str, str], Summary] = {}

    def of(self, listed: Mapping[str, str]) -> "Known":
        """Those of the blobs in a list, their ETags by name."""
        return Known(self, listed)

    def get(self, name: str, etag: str) -> Summary | None:
        found = self._known.pop((name, etag), None)
        if found is not None:
            self._known[name, etag] = found
        return found

    def keep(self, name: str, etag: str, read: Summary) -> None:
        self._known[name, etag] = read
        if len(self._known) > self._most:
            del self._known[next(iter(self._known))]


class Known:
    """Remembered days as a list of blobs has them: one that was replaced since is not known. None is to be changed."""

    def __init__(self, days: RememberedDays, listed: Mapping[str, str]) -> None:
        self._days, self._listed = days, listed

    def get(self, name: str) -> Summary | None:
        return self._days.get(name, self._listed[name])

    def keep(self, name: str, read: Summary) -> None:
        """What was read after the list was: if that is another one already, the next list tells."""
        self._days.keep(name, self._listed[name], read)
