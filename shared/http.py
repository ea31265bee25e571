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
# The versions whose paths carry them; their common operations are the same.
VERSIONS = frozenset(("v1.0", "v1.1-preview.1", "v1.1-preview.2", "v1.1-preview.3"))

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
                    _check_version(req)
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


def _check_version(req: func.HttpRequest) -> None:
    version = req.route_params.get("version", "").lower()
    if version not in VERSIONS:
        raise ApiError(
            "ResourceNotFound", f"There is no API version '{version}'; use one of {', '.join(sorted(VERSIONS))}."
        )


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
