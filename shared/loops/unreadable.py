"""What is stored and cannot be used as it is: nobody writes over it until somebody has looked at it."""

import msgspec


class Unreadable(Exception):
    """Something stored is left as it is, for a person or a later version. The text names it and is fit for answers."""


class LaterVersion(Unreadable):
    """A later version has written it. what: a blob's name, or what it is where that is not known."""

    def __init__(self, what: str, version: int, known: int) -> None:
        super().__init__(
            f"{what} is of format {version}, and this version of the service knows up to {known}: it was written by a "
            "later one, which must answer. Nothing was changed."
        )
        self.version, self.known = version, known


class _Versioned(msgspec.Struct):
    v: int = 1


_versioned = msgspec.json.Decoder(_Versioned)


def check(what: str, data: bytes, known: int) -> None:
    """Raises LaterVersion if the member `v` of a JSON object is above `known`, and DecodeError if it is no object."""
    version = _versioned.decode(data).v
    if version > known:
        raise LaterVersion(what, version, known)
