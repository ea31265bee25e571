"""From a request to a page, its JSON twin, a file or the answer of an action."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import azure.functions as func

from shared import telemetry
from shared.auth import Permission
from shared.dashboard import answers, assets, entering, figures, forms, frame, links, visitors, zipping
from shared.dashboard.actions import ACTIONS
from shared.dashboard.actions.action import Action
from shared.dashboard.downloads import DOWNLOADS, Download
from shared.dashboard.markup import Html, span
from shared.dashboard.page import Call, Page, encoded
from shared.dashboard.pages import DEMO, LOOPS, PAGES
from shared.dashboard.visitors import Visitor
from shared.errors import ApiError, shown
from shared.hubs.event_log import LogUnavailable
from shared.loops.unreadable import Unreadable
from shared.serving.service import Service
from shared.storage import StorageUnavailable

TWIN = ".json"
READING = ("GET", "HEAD")

_log = logging.getLogger(__name__)


async def answer(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """Never raises: what goes wrong is told on a page, or in JSON where the twin was asked for."""
    return await zipping.zipped(req, await _made(req, service))


async def _made(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    path = [part for part in (req.route_params.get("path") or "").split("/") if part]
    as_json = bool(path) and path[-1].endswith(TWIN) and req.method in READING
    if as_json:
        path[-1] = path[-1].removesuffix(TWIN)
    try:
        return await _answered(service, req, path, as_json=as_json)
    except ApiError as refused:
        error = refused
    except Unreadable as unreadable:
        error = ApiError("OperationNotAllowed", str(unreadable), retry_after=30)
    except StorageUnavailable:
        error = ApiError("OperationNotAllowed", "The storage is away, so that nothing can be read.", retry_after=5)
    except LogUnavailable:
        error = ApiError("OperationNotAllowed", "The event log is away.", retry_after=5)
    except Exception as failure:
        telemetry.error(_log, f"the dashboard failed at /{'/'.join(path)}: {failure}", cause=failure)
        error = ApiError("InternalServerError", "The log of the service says what; trying again may help.")
    return answers.problem(error, as_json=as_json, back=_path(req) if error.status == 503 else links.ROOT)


async def _answered(service: Service, req: func.HttpRequest, path: list[str], *, as_json: bool) -> func.HttpResponse:
    match path:
        case ["assets", digest, name]:
            found = assets.find(digest, name)
            if found is None:
                raise _nothing(path)
            return answers.asset(found)
        case ["enter"] if req.method == "GET":
            return await entering.follow_link(service, req)
        case ["login"] if req.method in READING:
            return entering.form_page()
    if (req.method not in READING and req.headers.get("cookie") is not None) or path in (["login"], ["logout"]):
        _check_own(req)
    match path:
        case ["login"]:
            return await entering.log_in(service, req)
        case ["logout"]:
            return entering.log_out(req)
    visitor = await visitors.visitor(service, req)
    if visitor is None:
        return _unknown(req, path, as_json=as_json)
    if req.method in READING:
        return await _page(service, visitor, req, path, as_json=as_json)
    return await _action(service, visitor, req, path)


def _check_own(req: func.HttpRequest) -> None:
    """Raises InvalidApiAccess for what a page of another site may have sent."""
    if not visitors.is_own(req):
        raise ApiError("InvalidApiAccess", "This request came from another site, so that it was not carried out.")


def _unknown(req: func.HttpRequest, path: list[str], *, as_json: bool) -> func.HttpResponse:
    if as_json or req.method not in READING:
        raise ApiError("Unauthorized", "Sign in, or send a reader, admin or owner key in Ocp-Apim-Subscription-Key.")
    return entering.form_page(_path(req))


async def _page(
    service: Service, visitor: Visitor, req: func.HttpRequest, path: list[str], *, as_json: bool
) -> func.HttpResponse:
    if not as_json and len(path) == 3 and path[2] in DOWNLOADS:
        return await _downloaded(DOWNLOADS[path[2]], await _call(service, visitor, path[1], req.params))
    page, call = await _found(service, visitor, path, req.params)
    if not call.may(page.needs):
        raise ApiError("InvalidApiAccess", f"A {visitor.called}'s key does not show this page.")
    data = await page.load(call)
    if as_json:
        return answers.json(await asyncio.to_thread(encoded, data))
    loop = call.loop.loop if call.loop is not None else None
    bar = frame.bar(visitor, loop, page.tab) if loop is not None else frame.bar(visitor)
    content = await asyncio.to_thread(page.view, data, call)
    return answers.html(frame.document(_title(page, loop), content, bar, _end(req, path, data)))


async def _downloaded(download: Download, call: Call) -> func.HttpResponse:
    if not call.may(download.needs):
        raise ApiError("InvalidApiAccess", f"A {call.visitor.called}'s key does not give this file.")
    return await download.make(call)


async def _found(
    service: Service, visitor: Visitor, path: list[str], given: Mapping[str, str]
) -> tuple[Page[Any], Call]:
    match path:
        case [] | ["loops"]:
            if visitor.loop is None:
                return LOOPS, Call(service, visitor, given=given)
            return PAGES[""], await _call(service, visitor, visitor.loop, given)
        case ["demo"] if service.settings.demo:
            return DEMO, Call(service, visitor, given=given)
        case ["loops", loop]:
            return PAGES[""], await _call(service, visitor, loop, given)
        case ["loops", loop, name] if name in PAGES:
            return PAGES[name], await _call(service, visitor, loop, given)
    raise _nothing(path)


async def _call(service: Service, visitor: Visitor, loop: str, given: Mapping[str, str], **more: Any) -> Call:
    """Raises ResourceNotFound, also for a loop that exists and that this visitor may not see."""
    if not visitor.may(Permission.READ, loop) or not await service.registry.has(loop):
        raise ApiError("ResourceNotFound", f"There is no loop '{shown(loop)}'. It may have been deleted.")
    return Call(service, visitor, service.loop(loop), given, **more)


async def _action(service: Service, visitor: Visitor, req: func.HttpRequest, path: list[str]) -> func.HttpResponse:
    if len(req.get_body()) > service.settings.max_model_bytes + forms.MOST_FIELDS:
        raise ApiError("PayloadSizeExceeded")
    sent = forms.read(req)
    match path:
        case ["loops", name] if name in ACTIONS and ACTIONS[name].of_deployment:
            call, action = Call(service, visitor, None, sent.fields, sent.files), ACTIONS[name]
        case ["loops", loop, name] if name in ACTIONS and not ACTIONS[name].of_deployment:
            call, action = await _call(service, visitor, loop, sent.fields, files=sent.files), ACTIONS[name]
        case _:
            raise _nothing(path)
    return await _done(call, action)


async def _done(call: Call, action: Action) -> func.HttpResponse:
    loop = call.loop.loop if call.loop is not None else None
    bar = frame.bar(call.visitor, loop, action.tab) if loop is not None else frame.bar(call.visitor)
    if not call.may(action.needs):
        error = ApiError("InvalidApiAccess", f"A {call.visitor.called}'s key may look, and not change this.")
        return answers.problem(error, as_json=False, bar=bar)
    back = links.of_loop(loop, action.tab) if loop is not None else links.ROOT
    try:
        done = await action.do(call)
    except ApiError as error:
        return answers.problem(error, as_json=False, bar=bar, back=back)
    if isinstance(done, Html):
        return answers.html(frame.document(action.title, done, bar, frame.end(None)))
    return done if isinstance(done, func.HttpResponse) else answers.see(done)


def _nothing(path: list[str]) -> ApiError:
    return ApiError("ResourceNotFound", f"There is no page /{shown('/'.join(path))}.")


def _title(page: Page[Any], loop: str | None) -> str:
    return f"{loop}: {page.title}" if loop is not None else page.title


def _path(req: func.HttpRequest) -> str:
    """The address of a request, with its query, as a link to it."""
    path = quote(f"{links.ROOT}/{req.route_params.get('path') or ''}".rstrip("/"))
    _, _, query = req.url.partition("?")
    return f"{path}?{query}" if query else path


def _end(req: func.HttpRequest, path: list[str], data: Any) -> Html:
    _, _, query = req.url.partition("?")
    twin = f"{links.ROOT}/{'/'.join(map(quote, path)) or 'loops'}{TWIN}" + (f"?{query}" if query else "")
    through = getattr(data, "through", 0)
    return frame.end(twin, span("Joined up to ", figures.moment(through, "%H:%M"), " UTC") if through else None)
