"""What every HTTP function does around its work: check the key and the body's size, turn errors into answers."""

import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Literal

import azure.functions as func
import msgspec

from shared import charsets, telemetry
from shared.auth import Role, key_in, require
from shared.errors import ApiError
from shared.hubs.event_log import LogUnavailable
from shared.loops.config import DEFAULT_LOOP
from shared.serving import service
from shared.serving.service import Service
from shared.storage import StorageUnavailable

JSON = "application/json"
# The versions whose paths carry them; their common operations are the same.
VERSIONS = frozenset(("v1.0", "v1.1-preview.1", "v1.1-preview.2", "v1.1-preview.3"))

Limit = Literal["max_body_bytes", "max_model_bytes"]
Work = Callable[[func.HttpRequest, Service], Awaitable[func.HttpResponse]]
Handler = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]

_log = logging.getLogger(__name__)


def operation(
    bp: func.Blueprint, method: str, path: str, role: Role = Role.ADMIN, limit: Limit = "max_body_bytes"
) -> Callable[[Work], Handler]:
    """Makes a function of `work(request, service)` for an operation of the contract, for instance `rank`.

    limit: the setting that bounds its body.

    The loop default has it under `/personalizer/VERSION/`, any loop under `/loops/LOOP/personalizer/VERSION/`.
    """

    def wrap(work: Work) -> Handler:
        handler = endpoint(role, limit)(work)
        for prefix, name in (("", work.__name__), ("loops/{loop}/", f"loop_{work.__name__}")):
            route = bp.route(f"{prefix}personalizer/{{version}}/{path}", methods=[method])
            bp.function_name(name)(route(handler))
        return handler

    return wrap


def endpoint(role: Role | None, limit: Limit = "max_body_bytes") -> Callable[[Work], Handler]:
    """Makes a handler of `work(request, service)` that needs `role` for the loop in the path; None needs no key."""

    def wrap(work: Work) -> Handler:
        async def handle(req: func.HttpRequest) -> func.HttpResponse:
            try:
                parts = service.current()
                if role is not None:
                    # A loop that does not exist knows only the owner's keys: nobody else can tell which ones exist.
                    require(await parts.registry.authorize(loop_of(req), key_in(req.headers)), role)
                    _check_version(req)
                most: int = getattr(parts.settings, limit)
                if len(req.get_body()) > most:
                    raise ApiError(
                        "PayloadSizeExceeded", f"Exceeds maximum allowed payload size: at most {most} bytes."
                    )
                return await work(req, parts)
            except ApiError as error:
                return refusal(error)
            except (StorageUnavailable, LogUnavailable) as outage:
                return refusal(_away(outage))
            except Exception as error:
                telemetry.error(_log, f"{work.__name__} failed: {error}", cause=error)
                return refusal(ApiError("InternalServerError"))

        functools.update_wrapper(handle, work, assigned=("__name__", "__qualname__", "__module__", "__doc__"))
        del handle.__wrapped__  # type: ignore[attr-defined]  # the Functions worker reads the signature
        return handle

    return wrap


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


def _check_version(req: func.HttpRequest) -> None:
    version = req.route_params.get("version")
    if version is not None and version.lower() not in VERSIONS:
        raise ApiError(
            "ResourceNotFound", f"There is no API version '{version}'; use one of {', '.join(sorted(VERSIONS))}."
        )


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
