"""API keys: which role a request has. Only digests of keys are compared, each in constant time."""

import enum
import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.errors import ApiError

KEY_HEADERS = ("ocp-apim-subscription-key", "x-functions-key")


class Role(enum.IntEnum):
    """What a key may do; each role may do everything that those before it may."""

    APP = 1
    ADMIN = 2
    OWNER = 3  # of the deployment: makes and deletes loops, administers all of them


class Keys(NamedTuple):
    """The digests of the accepted keys of each role."""

    app: tuple[bytes, ...] = ()
    admin: tuple[bytes, ...] = ()
    owner: tuple[bytes, ...] = ()

    def role(self, key: str) -> Role | None:
        """The role of a key, None if it is unknown. Compares with every key, whichever matches."""
        offered = digest(key)
        matches = [
            role
            for role, known in ((Role.OWNER, self.owner), (Role.ADMIN, self.admin), (Role.APP, self.app))
            for one in known
            if hmac.compare_digest(offered, one)
        ]
        return matches[0] if matches else None


def digest(key: str) -> bytes:
    """What stands for a key wherever it is stored or compared: SHA-256. Keys are random, so it needs no salt."""
    return hashlib.sha256(key.encode()).digest()


def digests(keys: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(digest(key) for key in keys)


def new_key() -> str:
    """A random key: 32 bytes in hex."""
    return os.urandom(32).hex()


def require(role: Role | None, needed: Role) -> None:
    """Raises Unauthorized (401) without a role, InvalidApiAccess (403) with too low a one."""
    if role is None:
        raise ApiError("Unauthorized")
    if role < needed:
        raise ApiError("InvalidApiAccess")


def key_in(headers: Mapping[str, str]) -> str:
    """The key a request brings, empty if it brings none. Blanks around it are no part of it, on any host."""
    return next((headers[name].strip() for name in KEY_HEADERS if name in headers), "")
