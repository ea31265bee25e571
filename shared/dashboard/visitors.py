"""Who looks at a page: by the cookie of a session, or as for any operation by a key or a token."""

import http.cookies
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import azure.functions as func

from shared import auth
from shared.auth import Permission, Role
from shared.dashboard import sessions
from shared.loops.config import DEFAULT_LOOP
from shared.serving.service import Service

_WORDS = {
    Role.OWNER: "owner",
    Role.ADMIN: "administrator",
    Role.OVERSEER: "reader",
    Role.READER: "reader",
}


class Visitor(NamedTuple):
    """loop: the only one that they see, None if they see all. by_cookie: another site could have sent the request."""

    permissions: frozenset[Permission]
    loop: str | None
    called: str
    by_cookie: bool = False

    def may(self, needed: Permission, loop: str | None = None) -> bool:
        """Whether they may do something with a loop, or with what all loops have in common."""
        return needed in self.permissions and (self.loop is None or loop is None or loop == self.loop)


def of(role: Role, loop: str, *, by_cookie: bool = False) -> Visitor | None:
    """Whoever has a key of a loop; None for whoever may not see pages."""
    if Permission.READ not in role.value:
        return None
    return Visitor(role.value, None if Permission.READ_ALL in role.value else loop, _WORDS[role], by_cookie)


async def visitor(service: Service, req: func.HttpRequest) -> Visitor | None:
    """None if nothing in the request lets them see pages."""
    return await _by_cookie(service, req) or await _by_headers(service, req.headers)


async def _by_cookie(service: Service, req: func.HttpRequest) -> Visitor | None:
    value = cookies(req.headers).get(cookie_of(req).name)
    session = sessions.read(value, service.settings.admin_keys) if value else None
    if session is None:
        return None
    role = await service.registry.holds(session.loop, bytes.fromhex(session.key))
    return of(role, session.loop, by_cookie=True) if role is not None and role.name == session.role else None


async def _by_headers(service: Service, headers: Mapping[str, str]) -> Visitor | None:
    key = auth.key_in(headers)
    if key:
        found = await service.registry.find(key)
        return of(found[1], found[0]) if found is not None else None
    granted = (await service.caller(DEFAULT_LOOP, headers)).permissions
    return Visitor(granted, None, "signed in") if Permission.READ in granted else None


def cookies(headers: Mapping[str, str]) -> dict[str, str]:
    """By name; none of a header that cannot be read."""
    found: http.cookies.SimpleCookie = http.cookies.SimpleCookie()
    try:
        found.load(headers.get("cookie", ""))
    except http.cookies.CookieError:
        return {}
    return {name: one.value for name, one in found.items()}


def cookie_of(req: func.HttpRequest) -> sessions.Cookie:
    """How the cookie is called where this request came to."""
    parts = urlsplit(req.url)
    return sessions.cookie(parts.scheme, req.headers.get("host", parts.netloc))


def is_own(req: func.HttpRequest) -> bool:
    """Whether a request that changes something came from a page of this service.

    A browser says it in Sec-Fetch-Site; one that does not know this header still names the origin of the page.
    """
    site = req.headers.get("sec-fetch-site")
    if site is not None:
        return bool(site == "same-origin")
    origin: str = req.headers.get("origin", "")
    return urlsplit(origin).netloc == str(req.headers.get("host", "-"))
