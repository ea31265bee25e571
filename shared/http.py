"""What every HTTP function does around its work: check the key and the body's size, turn errors into answers."""

import functools
import logging
from collections.abc import Awaitable, Callable

import azure.functions as func
import msgspec

from shared import service
from shared.auth import Role, authorize
from shared.errors import ApiError
from shared.service import Service

JSON = "application/json"

Work = Callable[[func.HttpRequest, Service], Awaitable[func.HttpResponse]]
Handler = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]

_log = logging.getLogger(__name__)


def endpoint(role: Role | None) -> Callable[[Work], Handler]:
    """Makes a handler of `work(request, service)` that needs `role`; None needs no key."""

    def wrap(work: Work) -> Handler:
        async def handle(req: func.HttpRequest) -> func.HttpResponse:
            try:
                parts = service.current()
                if role is not None:
                    authorize(parts.keys, req.headers, role)
                if len(req.get_body()) > parts.settings.max_body_bytes:
                    limit = f"Exceeds maximum allowed payload size: at most {parts.settings.max_body_bytes} bytes."
                    raise ApiError("PayloadSizeExceeded", limit)
                return await work(req, parts)
            except ApiError as error:
                return refusal(error)
            except Exception:
                _log.exception("%s failed", work.__name__)
                return refusal(ApiError("InternalServerError"))

        functools.update_wrapper(handle, work, assigned=("__name__", "__qualname__", "__module__", "__doc__"))
        del handle.__wrapped__  # type: ignore[attr-defined]  # the Functions worker reads the signature
        return handle

    return wrap


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
    return func.HttpResponse(status_code=204)
