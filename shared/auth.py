"""Which role a request has, by its API key or by the token that the platform has validated.

Only digests of keys are compared, each in constant time.
"""

import base64
import binascii
import enum
import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from shared.errors import ApiError

KEY_HEADERS = ("ocp-apim-subscription-key", "x-functions-key")


class Role(enum.IntEnum):
    """What a key may do; each role may do everything that those before it may."""

    APP = 1
    ADMIN = 2
    OWNER = 3  # of the deployment: makes and deletes loops, administers all of them


# Whom the platform found a token to be of: App Service sets this header itself, and lets none of it in from outside.
PRINCIPAL_HEADER = "x-ms-client-principal"
APP_ROLES = {"Personalizer.App": Role.APP, "Personalizer.Admin": Role.ADMIN, "Personalizer.Owner": Role.OWNER}
ROLE_CLAIMS = ("roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role")


class _Claim(msgspec.Struct):
    typ: str
    val: str


class _Principal(msgspec.Struct):
    auth_typ: Literal["aad"]  # other identity providers may let people choose what they claim
    claims: list[_Claim]


_principal = msgspec.json.Decoder(_Principal)


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


def token_role(headers: Mapping[str, str]) -> Role | None:
    """The highest role among the app roles of the token that the platform has validated, for all loops.

    None without one, and for a header that is malformed.
    """
    try:
        principal = _principal.decode(base64.b64decode(headers.get(PRINCIPAL_HEADER, ""), validate=True))
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        return None
    values = (claim.val for claim in principal.claims if claim.typ in ROLE_CLAIMS)
    return max((APP_ROLES[value] for value in values if value in APP_ROLES), default=None)
