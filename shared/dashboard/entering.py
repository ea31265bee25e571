"""Logging in and out: the form that takes a key, the link that `make run` prints, and the cookie they both give."""

import asyncio
import contextlib
import secrets
import time
from urllib.parse import parse_qs

import azure.functions as func
import msgspec

from shared import auth
from shared.auth import Permission, Role
from shared.dashboard import answers, frame, links, sessions, visitors
from shared.dashboard.markup import button, div, field, form, h1, label, p, section
from shared.dashboard.sessions import Link, Session
from shared.errors import ApiError
from shared.loops.config import DEFAULT_LOOP
from shared.serving.service import Service
from shared.storage import Conflict, Storage

# A wrong key is answered after so long, one at a time; while so many wait, no more are taken.
WRONG_SECONDS, MOST_WAITING = 1.0, 8
LONGEST_KEY = 1024
WRONG = "This key does not open the dashboard."
USED = "This link has been used, or is too old. Paste a key instead."

_turn, _waiting = asyncio.Lock(), 0
USED_LINKS = "dashboard/links.json"


class Used(msgspec.Struct, frozen=True):
    """The nonces of links that were used, with when they expire (s since 1970). by: whose write it was, never twice."""

    links: dict[str, int]
    by: str


_used = msgspec.json.Decoder(Used)


def form_page(to: str = links.ROOT, fault: str | None = None, status: int = 200) -> func.HttpResponse:
    """Asks for a key."""
    content = section(
        h1("Open the dashboard"),
        p("Paste a reader, admin or owner key of this service.", cls="muted"),
        p(fault, cls="fault", role="alert", id="fault") if fault else None,
        form(
            field(type="hidden", name="to", value=to),
            label("Key", for_="key"),
            field(
                type="password",
                name="key",
                id="key",
                required=True,
                autofocus=True,
                autocomplete="current-password",
                spellcheck="false",
                maxlength=LONGEST_KEY,
                aria_describedby="fault" if fault else None,
            ),
            button("Sign in", cls="button primary"),
            method="post",
            action=f"{links.ROOT}/login",
            cls="fields",
        ),
        p(
            "The key is sent once, and not kept in your browser: a cookie takes its place, for eight hours or until "
            "the key is replaced.",
            cls="muted small gap",
        ),
        cls="card login",
    )
    return answers.html(frame.document("Sign in", div(content, cls="w12")), status)


async def log_in(service: Service, req: func.HttpRequest) -> func.HttpResponse:
    """Takes the form. A wrong key costs time, and nothing tells what is wrong with it."""
    given = {name: values[0] for name, values in parse_qs(req.get_body().decode("utf-8", "replace")).items()}
    to, key = _local(given.get("to", "")), given.get("key", "").strip()
    found = await service.registry.find(key) if key and len(key) <= LONGEST_KEY else None
    if found is None or Permission.READ not in found[1].value:
        await _slow()
        return form_page(to, WRONG, 401)
    loop, role = found
    target = to if Permission.READ_ALL in role.value or to != links.ROOT else links.of_loop(loop)
    return _entered(service, req, sessions.begun(loop, role, key), target)


async def follow_link(service: Service, req: func.HttpRequest) -> func.HttpResponse:
    """Takes the link that `make run` prints: once, and only for a while."""
    keys = service.settings.admin_keys
    found = sessions.read_link(req.params.get("link", ""), keys)
    if found is None or not await _use(service.storage, found):
        await _slow()
        return form_page(links.ROOT, USED, 401)
    key = next((one for one in keys if sessions.prefix(auth.digest(one)) == found.key), None)
    if key is None:
        return form_page(links.ROOT, USED, 401)
    return _entered(service, req, sessions.begun(DEFAULT_LOOP, Role.OWNER, key), links.ROOT)


def log_out(req: func.HttpRequest) -> func.HttpResponse:
    """Takes the cookie away."""
    name, attributes = visitors.cookie_of(req)
    return answers.see(f"{links.ROOT}/login", {"Set-Cookie": f"{name}=; {attributes}; Max-Age=0"})


def _entered(service: Service, req: func.HttpRequest, session: Session, to: str) -> func.HttpResponse:
    name, attributes = visitors.cookie_of(req)
    value = sessions.signed(session, service.settings.admin_keys)
    return answers.see(to, {"Set-Cookie": f"{name}={value}; {attributes}; Max-Age={sessions.LASTS_SECONDS}"})


def _local(to: str) -> str:
    """Where to go behind the form: a page of the dashboard, never another site."""
    good = to == links.ROOT or to.startswith((f"{links.ROOT}/", f"{links.ROOT}?"))
    return to if good and "\\" not in to and to.isprintable() and to.isascii() else links.ROOT


async def _slow() -> None:
    """Raises TooManyRequests if many wait already: whoever guesses holds up other guesses, and nobody who has a key."""
    global _waiting
    if _waiting >= MOST_WAITING:
        raise ApiError("TooManyRequests", "Too many wrong keys; try again in a minute.", retry_after=60)
    _waiting += 1
    try:
        async with _turn:
            await asyncio.sleep(WRONG_SECONDS)
    finally:
        _waiting -= 1


async def _use(storage: Storage, link: Link) -> bool:
    """Notes in the store, which all processes share, that a link is used; False if it was."""
    while True:
        blob = await storage.read(USED_LINKS)
        try:
            used = _used.decode(blob.data).links if blob is not None else {}
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False  # a key still opens the dashboard
        if link.nonce in used:
            return False
        current = {nonce: until for nonce, until in used.items() if until > time.time()}
        data = msgspec.json.encode(Used(current | {link.nonce: link.until}, secrets.token_hex(8)))
        with contextlib.suppress(Conflict):  # another link is used at this moment
            await storage.replace(USED_LINKS, data, blob.etag if blob is not None else None)
            return True
