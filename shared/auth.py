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
from typing import Any, Literal, NamedTuple

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
_NAMES = {role: name for name, role in APP_ROLES.items()}
_KEYS = {
    Role.APP: "a valid key",
    Role.ADMIN: "an admin key",
    Role.OWNER: "an owner's key, which is an admin key of the loop default",
}
ROLE_CLAIMS = ("roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role")


class _Principal(msgspec.Struct):
    auth_typ: Literal["aad"]  # other identity providers may let people choose what they claim
    claims: list[Any]  # {"typ", "val"}; one that is malformed says nothing, and leaves the others


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


class Caller(NamedTuple):
    """Who sent a request. by_token: the role, or that there is none, is that of a validated token, not of a key."""

    role: Role | None
    by_token: bool = False


def caller(by_key: Role | None, token: Sequence[Role] | None) -> Caller:
    """Whoever has a key with this role and a token with these app roles, None without one: the highest counts."""
    by_token = max(token or (), default=None)
    if by_token is not None and (by_key is None or by_token > by_key):
        return Caller(by_token, by_token=True)
    return Caller(by_key, by_token=by_key is None and token is not None)


def require(caller: Caller, needed: Role) -> None:
    """Raises Unauthorized (401) without a role, InvalidApiAccess (403) with too low a one."""
    role, by_token = caller
    if role is None:
        key = f"{_KEYS[needed]} in the header Ocp-Apim-Subscription-Key"
        if by_token:
            roles = "Personalizer.App, Personalizer.Admin or Personalizer.Owner"
            raise ApiError(
                "Unauthorized", f"Access denied: the token has no app role {roles}. Give it one, or send {key}."
            )
        raise ApiError("Unauthorized", f"Access denied: send {key}.")
    if role < needed:
        who, lacks = ("token", f"the app role {_NAMES[needed]}") if by_token else ("key", _KEYS[needed])
        raise ApiError("InvalidApiAccess", f"This {who} may not use this operation: it needs {lacks}.")


def key_in(headers: Mapping[str, str]) -> str:
    """The key a request brings, empty if it brings none. Blanks around it are no part of it, on any host."""
    return next((headers[name].strip() for name in KEY_HEADERS if name in headers), "")


def token_roles(headers: Mapping[str, str]) -> list[Role] | None:
    """What the app roles of the token that the platform has validated allow, for all loops; others are left out.

    None without a token, and for a header that is malformed.
    """
    try:
        principal = _principal.decode(base64.b64decode(headers.get(PRINCIPAL_HEADER, ""), validate=True))
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        return None
    claims = (claim for claim in principal.claims if isinstance(claim, dict) and claim.get("typ") in ROLE_CLAIMS)
    values = (claim.get("val") for claim in claims)
    return [APP_ROLES[value] for value in values if isinstance(value, str) and value in APP_ROLES]
