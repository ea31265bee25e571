"""An ASGI app that answers HTTP triggers as the Functions host and the Python worker together do."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import azure.functions as func

from local.host.invocation import Function
from local.host.request_body import ClientGoneError, Receive, RequestBody
from local.host.routes import Route, Router

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# FUNCTIONS_REQUEST_BODY_SIZE_LIMIT of the Functions host, in bytes.
BODY_LIMIT = 104_857_600
HOME_PAGE = b"<!DOCTYPE html><title>Functions</title><h1>The local Functions host is running</h1>\n"
# What a request without a key may have: a form in which somebody gives one.
KEYLESS_LIMIT = 8192
LENGTH = b"content-length"  # of the body; in an answer to HEAD the app may say what GET would have
_HTML = [(b"content-type", b"text/html; charset=utf-8")]
_JSON = [(b"content-type", b"application/json; charset=utf-8")]

log = logging.getLogger("local.host")


@dataclass(frozen=True)
class Answer:
    """Status, headers (lower-case names) and body of a response."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""


NOT_FOUND = Answer(404, [])
UNAUTHORIZED = Answer(401, [])
TOO_SLOW = Answer(408, [])
TOO_LARGE = Answer(413, [])
# For a page that has its own name lead to this machine: whoever visits it would have it call here.
MISDIRECTED = Answer(
    421,
    [(b"content-type", b"text/plain")],
    b"Call this host as localhost or 127.0.0.1, or add its name to FUNCTIONS_HOST_NAMES.\n",
)
FAILED = Answer(500, [])

OWN_NAMES = frozenset(("localhost", "127.0.0.1", "[::1]"))


@dataclass(frozen=True)
class Keys:
    """Keys of the auth levels *function* and *admin*; a master key opens both."""

    function: tuple[str, ...] = ()
    master: tuple[str, ...] = ()

    def allow(self, level: str, headers: Mapping[str, str], query: Mapping[str, str]) -> bool:
        if level == "anonymous":
            return True
        presented = (headers.get("x-functions-key") or query.get("code") or "").encode()
        accepted = self.master if level == "admin" else self.master + self.function
        return any(hmac.compare_digest(presented, key.encode()) for key in accepted)


@dataclass(frozen=True)
class HttpFunction:
    """An HTTP-triggered function and the auth level it asks for."""

    function: Function
    level: str


class HttpTriggers:
    """The ASGI app. `start` runs any function by name in the background and is False for an unknown one.

    names: what a Host header may call this machine, beside its loopback names. key_headers: where the app looks for a
    key, if it takes no large body from requests that have none of these headers; such a body is left unread.
    """

    def __init__(
        self,
        routes: Iterable[Route[HttpFunction]],
        keys: Keys | None = None,
        start: Callable[[str], bool] = lambda name: False,
        names: Iterable[str] = (),
        key_headers: Iterable[str] = (),
    ) -> None:
        self._router = Router(routes)
        self._keys = keys or Keys()
        self._start = start
        self._names = OWN_NAMES | {name.lower() for name in names}
        self._key_headers = tuple(name.lower() for name in key_headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        given = _headers(scope["headers"])
        body = RequestBody(receive, int(given.get("content-length") or 0))
        try:
            answer = await self._answer(scope, given, body)
        except ClientGoneError:
            return
        headers = answer.headers
        if answer.status not in {204, 304} and not (scope["method"] == "HEAD" and LENGTH in dict(headers)):
            headers = [one for one in headers if one[0] != LENGTH] + [(LENGTH, str(len(answer.body)).encode())]
        if not body.is_complete:
            headers = [*headers, (b"connection", b"close")]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": not body.is_complete})
        if not body.is_complete:
            await body.discard()
            await send({"type": "http.response.body", "body": b""})

    async def _answer(self, scope: Scope, headers: Mapping[str, str], body: RequestBody) -> Answer:
        method, path = scope["method"], scope["raw_path"].decode("latin-1")
        query = _query(scope["query_string"])
        if _name(headers.get("host", "localhost")) not in self._names:
            return MISDIRECTED
        if path.lower().startswith("/admin/"):
            return self._administer(method, path.lower(), headers, query)
        matched = self._router.match(method, path)
        if matched is None:
            return Answer(200, _HTML, HOME_PAGE) if (method, path) == ("GET", "/") else NOT_FOUND
        target, values = matched
        if not self._keys.allow(target.level, headers, query):
            return UNAUTHORIZED
        if body.length > BODY_LIMIT:
            return TOO_LARGE
        try:
            content = await body.read() if self._takes_body(headers) else b""
        except TimeoutError:
            return TOO_SLOW
        url = f"{scope['scheme']}://{headers.get('host', '')}{path}"
        if scope["query_string"]:
            url += "?" + scope["query_string"].decode("latin-1")
        request = func.HttpRequest(method, url, headers=headers, params=query, route_params=values, body=content)
        return await _invoke(target.function, request)

    def _takes_body(self, headers: Mapping[str, str]) -> bool:
        if not self._key_headers or any(headers.get(name) for name in self._key_headers):
            return True
        return 0 < int(headers.get("content-length") or 0) <= KEYLESS_LIMIT

    def _administer(self, method: str, path: str, headers: Mapping[str, str], query: Mapping[str, str]) -> Answer:
        is_status = (method, path) == ("GET", "/admin/host/status")
        if not self._keys.allow("admin", headers, query) and (self._keys.master or not is_status):
            return UNAUTHORIZED
        if is_status:
            return Answer(200, _JSON, json.dumps({"id": "local", "state": "Running"}).encode())
        name = path.removeprefix("/admin/functions/")
        return Answer(202, []) if method == "POST" and self._start(name) else NOT_FOUND


def _name(host: str) -> str:
    """The name in a Host header, without its port."""
    name, _, port = host.rpartition(":")
    return (name if name and port.isdigit() else host).lower()


async def _invoke(function: Function, request: func.HttpRequest) -> Answer:
    try:
        return _encode(await function(request, request.headers))
    except Exception:
        log.exception("function %s failed", function.name)
        return FAILED


def _encode(result: Any) -> Answer:
    """The answer a handler's result stands for; TypeError for what the worker cannot send."""
    match result:
        case func.HttpResponse():
            return Answer(result.status_code, _response_headers(result), result.get_body())
        case None:
            return Answer(200, [])
        case str():
            return Answer(200, [(b"content-type", b"text/plain; charset=utf-8")], result.encode())
        case bytes() | bytearray():
            return Answer(200, [(b"content-type", b"application/octet-stream")], bytes(result))
    raise TypeError(f"a function must return an HttpResponse, not {type(result).__name__}")


def _response_headers(response: func.HttpResponse) -> list[tuple[bytes, bytes]]:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers.items()]
    if not any(name == b"content-type" for name, _ in headers) and response.mimetype:
        kind = response.mimetype
        charset = f"; charset={response.charset}" if kind.startswith("text/") else ""
        headers.append((b"content-type", f"{kind}{charset}".encode("latin-1")))
    return headers


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def _query(raw: bytes) -> dict[str, str]:
    """Empty values never arrive, repeated ones arrive joined by a comma."""
    query: dict[str, str] = {}
    for name, value in parse_qsl(raw.decode("latin-1")) if raw else ():
        query[name] = f"{query[name]},{value}" if name in query else value
    return query
