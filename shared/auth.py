"""Which role a request has, by its API key or by the token that the platform has validated.

Only digests of keys are compared, each in constant time.
"""

import base64
import binascii
import enum
import hashlib
import hmac
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from shared.errors import ApiError

KEY_HEADERS = ("ocp-apim-subscription-key", "x-functions-key")


class Permission(enum.Enum):
    """What an operation asks for."""

    DECIDE = "rank, reward and activate"
    READ = "see a loop's pages, metrics and evaluations"
    ADMINISTER = "use every operation of a loop"
    READ_ALL = "see what all loops have in common: their list, their metrics"
    OWN = "make and delete loops"


class Role(enum.Enum):
    """What a key or a token stands for: a set of permissions, none of which implies another."""

    APP = frozenset((Permission.DECIDE,))
    READER = frozenset((Permission.READ,))
    OVERSEER = frozenset((Permission.READ, Permission.READ_ALL))  # a reader of the deployment
    ADMIN = frozenset((Permission.DECIDE, Permission.READ, Permission.ADMINISTER))
    OWNER = frozenset(Permission)  # of the deployment: makes and deletes loops, administers all of them


# Whom the platform found a token to be of: App Service sets this header itself, and lets none of it in from outside.
PRINCIPAL_HEADER = "x-ms-client-principal"
APP_ROLES = {
    "Personalizer.App": Role.APP,
    "Personalizer.Reader": Role.OVERSEER,
    "Personalizer.Admin": Role.ADMIN,
    "Personalizer.Owner": Role.OWNER,
}
_NEEDS = {
    Permission.DECIDE: ("an app key or an admin key", "Personalizer.App"),
    Permission.READ: ("a reader key or an admin key", "Personalizer.Reader"),
    Permission.ADMINISTER: ("an admin key", "Personalizer.Admin"),
    Permission.READ_ALL: ("a reader key of the deployment or an owner's key", "Personalizer.Reader"),
    Permission.OWN: ("an owner's key, which is an admin key of the loop default", "Personalizer.Owner"),
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
    reader: tuple[bytes, ...] = ()
    overseer: tuple[bytes, ...] = ()

    def role(self, key: str) -> Role | None:
        """The role of a key, None if it is unknown. Compares with every key, whichever matches."""
        offered = digest(key)
        matches = [role for role, known in self.by_role() if hmac.compare_digest(offered, known)]
        return matches[0] if matches else None

    def by_role(self) -> Iterator[tuple[Role, bytes]]:
        """Each key's digest with its role, the greatest one first."""
        for role, known in (
            (Role.OWNER, self.owner),
            (Role.ADMIN, self.admin),
            (Role.APP, self.app),
            (Role.OVERSEER, self.overseer),
            (Role.READER, self.reader),
        ):
            yield from ((role, one) for one in known)


def digest(key: str) -> bytes:
    """What stands for a key wherever it is stored or compared: SHA-256. Keys are random, so it needs no salt."""
    return hashlib.sha256(key.encode()).digest()


def digests(keys: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(digest(key) for key in keys)


def new_key() -> str:
    """A random key: 32 bytes in hex."""
    return os.urandom(32).hex()


class Caller(NamedTuple):
    """Who sent a request. by_token: what it may do, or that it may do nothing, it owes to a validated token."""

    permissions: frozenset[Permission] = frozenset()
    by_token: bool = False


def caller(by_key: Role | None, token: Sequence[Role] | None) -> Caller:
    """Whoever has a key with this role and a token with these app roles, None without one: both count."""
    own: frozenset[Permission] = by_key.value if by_key is not None else frozenset()
    granted = own.union(*(role.value for role in token or ()))
    return Caller(granted, by_token=granted != own or (by_key is None and token is not None))


def require(caller: Caller, needed: Permission) -> None:
    """Raises Unauthorized (401) for whoever may do nothing, InvalidApiAccess (403) for whoever may not do this."""
    key, app_role = _NEEDS[needed]
    if not caller.permissions:
        key = f"{key} in the header Ocp-Apim-Subscription-Key"
        if caller.by_token:
            *names, last = APP_ROLES
            roles = f"{', '.join(names)} or {last}"
            raise ApiError(
                "Unauthorized", f"Access denied: the token has no app role {roles}. Give it one, or send {key}."
            )
        raise ApiError("Unauthorized", f"Access denied: send {key}.")
    if needed not in caller.permissions:
        who, lacks = ("token", f"the app role {app_role}") if caller.by_token else ("key", key)
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
