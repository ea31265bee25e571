"""Sessions of the dashboard: a signed cookie that says with which key somebody has logged in, and stores nothing.

It holds a part of the key's digest, never the key. It counts as long as its signature fits the secret that all
instances share, it has not expired, and the deployment still has that key: a removed key ends its sessions.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from shared import auth

LASTS_SECONDS = 8 * 3600
LINK_SECONDS = 3600
# Bytes of a digest that tell keys apart.
PREFIX = 16
NAME, PLAIN_NAME = "__Host-personalizer", "personalizer"
_LOOPBACK = frozenset(("127.0.0.1", "localhost", "[::1]"))


class Session(msgspec.Struct, frozen=True, array_like=True):
    """loop: whose key it was. role: what it stood for. key: its digest's beginning, in hex. until: s since 1970."""

    loop: str
    role: str
    key: str
    until: int


class Link(msgspec.Struct, frozen=True, array_like=True):
    """What lets its bearer in once, as whoever has the key. nonce: that no other link has."""

    key: str
    nonce: str
    until: int


class Cookie(NamedTuple):
    """name and attributes of a cookie on one origin. Only loopback may lack TLS, and Secure."""

    name: str
    attributes: str


_session, _link = msgspec.json.Decoder(Session), msgspec.json.Decoder(Link)


def begun(loop: str, role: auth.Role, key: str) -> Session:
    """A session of whoever has this key."""
    return Session(loop, role.name, prefix(auth.digest(key)), int(time.time()) + LASTS_SECONDS)


def prefix(digest: bytes) -> str:
    return digest[:PREFIX].hex()


def signed(session: Session, admin_keys: Sequence[str]) -> str:
    """The cookie's value. admin_keys: of the deployment, which all its instances have."""
    return _signed(msgspec.json.encode(session), "session", admin_keys)


def read(value: str, admin_keys: Sequence[str]) -> Session | None:
    """The session of a cookie's value; None if it is forged, damaged or has expired."""
    body = _checked(value, "session", admin_keys)
    session = _session.decode(body) if body is not None else None
    return session if session is not None and session.until > time.time() else None


def link(admin_keys: Sequence[str]) -> str:
    """What goes behind `/dashboard/enter?link=`: lets its bearer in once, as an owner, within an hour."""
    made = Link(admin_keys[0], secrets.token_hex(8), int(time.time()) + LINK_SECONDS)
    body = msgspec.structs.replace(made, key=prefix(auth.digest(made.key)))
    return _signed(msgspec.json.encode(body), "link", admin_keys)


def read_link(value: str, admin_keys: Sequence[str]) -> Link | None:
    """The link, if it is good; whether it was used already, its reader has to know."""
    body = _checked(value, "link", admin_keys)
    found = _link.decode(body) if body is not None else None
    return found if found is not None and found.until > time.time() else None


def cookie(scheme: str, host: str) -> Cookie:
    """For the origin of a request. host: as in its header Host."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    common = "Path=/; HttpOnly; SameSite=Strict"
    if scheme == "http" and name.lower() in _LOOPBACK:
        return Cookie(PLAIN_NAME, common)
    return Cookie(NAME, f"{common}; Secure")


def _signed(body: bytes, purpose: str, admin_keys: Sequence[str]) -> str:
    return f"{_text(body)}.{_text(_mac(body, purpose, admin_keys[0]))}"


def _checked(value: str, purpose: str, admin_keys: Sequence[str]) -> bytes | None:
    """The body, if any of the keys has signed it."""
    try:
        body, mac = (base64.urlsafe_b64decode(f"{part}{'=' * (-len(part) % 4)}") for part in value.split("."))
    except (ValueError, binascii.Error):
        return None
    matches = [hmac.compare_digest(mac, _mac(body, purpose, key)) for key in admin_keys]
    return body if any(matches) else None


def _mac(body: bytes, purpose: str, key: str) -> bytes:
    """The key of the signature is derived, so that no signature is one of anything else that a key may sign."""
    derived = hmac.digest(key.encode(), f"open-personalizer dashboard {purpose} 1".encode(), hashlib.sha256)
    return hmac.digest(derived, body, hashlib.sha256)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
