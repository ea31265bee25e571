"""API keys: which role a request has. Every key is compared in constant time."""

import enum
import hmac
from collections.abc import Mapping
from typing import NamedTuple

from shared.errors import ApiError
from shared.settings import Settings

KEY_HEADERS = ("ocp-apim-subscription-key", "x-functions-key")


class Role(enum.IntEnum):
    """What a key may do; an admin may do everything an app may."""

    APP = 1
    ADMIN = 2


class Keys(NamedTuple):
    """The accepted keys of each role."""

    app: tuple[bytes, ...]
    admin: tuple[bytes, ...]

    @classmethod
    def of(cls, settings: Settings) -> "Keys":
        return cls(tuple(key.encode() for key in settings.app_keys), tuple(key.encode() for key in settings.admin_keys))

    def role(self, key: str) -> Role | None:
        """The role of a key, None if it is unknown. Compares with every key, whichever matches."""
        offered = key.encode()
        app = [hmac.compare_digest(offered, known) for known in self.app]
        admin = [hmac.compare_digest(offered, known) for known in self.admin]
        if any(admin):
            return Role.ADMIN
        return Role.APP if any(app) else None


def authorize(keys: Keys, headers: Mapping[str, str], needed: Role) -> None:
    """Raises Unauthorized (401) without a valid key, InvalidApiAccess (403) with one of too low a role."""
    key = next((headers[name] for name in KEY_HEADERS if name in headers), "")
    role = keys.role(key)
    if role is None:
        raise ApiError("Unauthorized")
    if role < needed:
        raise ApiError("InvalidApiAccess")
