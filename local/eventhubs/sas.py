"""Shared access signatures: HMAC-SHA256 over resource and expiry, keyed with the UTF-8 bytes of the key."""

import base64
import hashlib
import hmac
from typing import NamedTuple
from urllib.parse import unquote_plus

from . import addresses


class Grant(NamedTuple):
    """What a verified token allows: everything below `path` until `expires` (seconds since 1970)."""

    path: str
    expires: float

    def covers(self, path: str, now: float) -> bool:
        mine, other = self.path.lower(), path.lower()
        return now < self.expires and (not mine or other == mine or other.startswith(mine + "/"))


class SasKey(NamedTuple):
    name: str
    key: str

    def verify(self, token: str, now: float) -> Grant | None:
        """The grant of a token `SharedAccessSignature sr=...&sig=...&se=...&skn=...`, None if it is not valid."""
        scheme, _, parameters = token.partition(" ")
        raw = dict(part.partition("=")[::2] for part in parameters.split("&"))
        try:
            signed = hmac.compare_digest(unquote_plus(raw["sig"]).encode(), self._signature(raw["sr"], raw["se"]))
            expires = float(raw["se"])
            mine = unquote_plus(raw["skn"]) == self.name
        except (KeyError, ValueError):
            return None
        if scheme != "SharedAccessSignature" or not signed or not mine or not now < expires:
            return None
        return Grant(addresses.path(unquote_plus(raw["sr"])), expires)

    def _signature(self, resource: str, expiry: str) -> bytes:
        """Of the resource as the token writes it: clients differ in how they quote."""
        signed = f"{resource}\n{expiry}".encode()
        return base64.b64encode(hmac.new(self.key.encode(), signed, hashlib.sha256).digest())
