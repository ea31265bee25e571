"""What every HTTP function does around its work: check the key and the body's size, turn errors into answers."""

import functools
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import azure.functions as func
import msgspec

from shared import charsets, telemetry
from shared.auth import Permission, require
from shared.errors import ApiError, shown
from shared.hubs.event_log import LogUnavailable
from shared.loops.config import DEFAULT_LOOP
from shared.loops.unreadable import Unreadable
from shared.serving import cors, service
from shared.serving.service import Service
from shared.serving.versions import Version
from shared.storage import StorageUnavailable

JSON = "application/json"
# After which what is stored may have been mended, or a rolling update be over.
UNREADABLE_SECONDS = 30

# What is said of bodies that are not compressed in this header, such as utf-8, is ignored.
_CODINGS = frozenset(("gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress"))

Limit = Literal["max_body_bytes", "max_model_bytes"]
Work = Callable[[func.HttpRequest, Service], Awaitable[func.HttpResponse]]
Handler = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]

_log = logging.getLogger(__name__)


def endpoint(
    work: Work, needs: Permission | None, limit: Limit = "max_body_bytes", version: Version | None = None
) -> Handler:
    """Makes a handler of `work(request, service)` that needs a permission for the loop in the path; None needs no key.

    limit: the setting that bounds its body. version: that of its requests, if its path has one.
    """

    async def handle(req: func.HttpRequest) -> func.HttpResponse:
        return marked(req, await answered(req))

    async def answered(req: func.HttpRequest) -> func.HttpResponse:
        parts: Service | None = None
        try:
            parts = service.current()
            if needs is not None:
                # A loop that does not exist knows only the owner's keys: nobody else can tell which ones exist.
                require(await parts.caller(loop_of(req), req.headers), needs)
            if version is not None:
                version.check(req)
                parts.loop(loop_of(req))
            most: int = getattr(parts.settings, limit)
            if len(req.get_body()) > most:
                raise ApiError("PayloadSizeExceeded", f"Exceeds maximum allowed payload size: at most {most} bytes.")
            _check_uncompressed(req)
            return await work(req, parts)
        except ApiError as refused:
            error = refused
        except Unreadable as unreadable:
            error = ApiError("OperationNotAllowed", str(unreadable), retry_after=UNREADABLE_SECONDS)
        except (StorageUnavailable, LogUnavailable) as outage:
            error = _away(outage)
        except Exception as failure:
            telemetry.error(_log, f"{work.__name__} failed: {failure}", cause=failure)
            error = ApiError("InternalServerError")
        if parts is not None:
            parts.refused(loop_of(req), error)
        return refusal(version.error(error) if version is not None else error)

    functools.update_wrapper(handle, work, assigned=("__name__", "__qualname__", "__module__", "__doc__"))
    del handle.__wrapped__  # type: ignore[attr-defined]  # the Functions worker reads the signature
    return handle


def origins() -> Sequence[str]:
    """Of the pages that may call; none under settings that cannot be read, which an answer tells."""
    try:
        return service.current().settings.allowed_origins
    except ValueError:
        return ()


def marked(req: func.HttpRequest, answer: func.HttpResponse) -> func.HttpResponse:
    """The answer, which the page that asked sees if it may."""
    if allowed := origins():
        cors.mark(answer, req, allowed)
    return answer


def loop_of(req: func.HttpRequest) -> str:
    """The name of the loop in a request's path."""
    loop: str = req.route_params.get("loop", DEFAULT_LOOP)
    return loop


def text_of(req: func.HttpRequest) -> bytes:
    """A request's body in UTF-8, from the charset that its Content-Type declares; raises BadRequest."""
    try:
        return charsets.utf8(req.get_body(), req.headers.get("content-type", ""))
    except charsets.Undecodable as error:
        raise ApiError("BadRequest", f"Request could not be understood by the server: {error}.") from None


def _check_uncompressed(req: func.HttpRequest) -> None:
    """Raises BadRequest for a body that says that it is compressed."""
    coding = req.headers.get("content-encoding")
    if coding and req.get_body() and not _CODINGS.isdisjoint(coding.lower().replace(",", " ").split()):
        reason = f"compression is not taken; send the body without Content-Encoding: {shown(coding)}"
        raise ApiError("BadRequest", f"Request could not be understood by the server: {reason}.")


def _away(outage: StorageUnavailable | LogUnavailable) -> ApiError:
    what = "storage" if isinstance(outage, StorageUnavailable) else "event log"
    return ApiError("OperationNotAllowed", f"The {what} is away; try again.", retry_after=1)


def refusal(error: ApiError) -> func.HttpResponse:
    """The contract's error answer."""
    headers = {"x-ms-error-code": error.code}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return func.HttpResponse(error.body(), status_code=error.status, mimetype=JSON, headers=headers)


def answer(body: bytes, status: int = 200) -> func.HttpResponse:
    """A JSON answer that is encoded already."""
    return func.HttpResponse(body, status_code=status, mimetype=JSON)


def json_answer(value: object, status: int = 200) -> func.HttpResponse:
    return answer(msgspec.json.encode(value), status)


def no_content() -> func.HttpResponse:
    """The answer without a body. The library adds a content type to every answer; an empty one is the least."""
    return func.HttpResponse(status_code=204, mimetype="")
