"""The OpenAPI 3.1 document of what this service answers, made of the table of operations when it is first asked for."""

import functools
import re
from typing import Any, Literal

import msgspec

from shared.auth import Permission
from shared.errors import ERRORS
from shared.openapi import schemas
from shared.openapi.contract import CONFIGURE, DECIDE, EVALUATIONS, LOCAL_INFERENCE, MODEL, STATUS
from shared.openapi.deployment import LOOPS, SERVICE
from shared.openapi.operation import Operation
from shared.openapi.parameters import PARAMETERS
from shared.openapi.schemas import Binary, ErrorResponse, Lines, Metrics, Page
from shared.serving.http import JSON
from shared.serving.versions import IN_QUERY, PARAMETER, Api, code
from shared.version import VERSION

# Every operation that the service answers.
OPERATIONS = [*DECIDE, *CONFIGURE, *MODEL, *LOCAL_INFERENCE, *LOOPS, *STATUS, *SERVICE, *EVALUATIONS]
TITLE = "Open Personalizer"
ABOUT = (
    "Chooses for an application which of its actions to show, and learns from how well that went. "
    "Every loop has its own path, `/loops/{loop}/personalizer/...`, and its own keys; "
    "the loop `default` is also at `/personalizer/...`. "
    f"Versions 1.x of the API are in the path; without one the query has `{PARAMETER}={IN_QUERY}`. "
    "Unknown members of a body and unknown query parameters are ignored. As Azure Personalizer did, this service also "
    "takes members and enumerations in any case, and text where a number or a boolean is due; a member that is there "
    "twice, in two cases, is refused."
)
KEYS = {
    Permission.DECIDE: (
        "appKey",
        "A key that may rank, reward and activate; an admin's or owner's key may, too.",
    ),
    Permission.READ: ("readerKey", "A key that may see and change nothing; an admin's or owner's key may, too."),
    Permission.READ_ALL: ("overseerKey", "A reader key of the deployment (READER_KEYS), or an owner's key."),
    Permission.ADMINISTER: (
        "adminKey",
        "A key that may use every operation of its loop; an owner's key may, too.",
    ),
    Permission.OWN: ("ownerKey", "An admin key of the loop default: it administers all loops."),
}
_MEDIA = {
    Binary: ("application/octet-stream", {}),
    Page: ("text/html", {"type": "string"}),
    Metrics: ("text/plain", {"type": "string"}),
    Lines: ("application/jsonl", {"type": "string"}),
}
_NO_KEY = ("PayloadSizeExceeded", "InternalServerError")
_KEY = ("Unauthorized", "InvalidApiAccess", "ResourceNotFound", "OperationNotAllowed")


@functools.cache
def encoded() -> bytes:
    """The document as JSON."""
    return msgspec.json.encode(document())


@functools.cache
def document() -> dict[str, Any]:
    """The document; callers must not change it."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        for path, api in operation.paths.items():
            paths.setdefault(path, {})[operation.method.lower()] = _described(operation, path, api)
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": VERSION, "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in OPERATIONS)],
        "paths": paths,
        "components": {
            "securitySchemes": {
                name: {"type": "apiKey", "in": "header", "name": "Ocp-Apim-Subscription-Key", "description": what}
                for name, what in KEYS.values()
            },
            "parameters": dict(_used(paths)),
            "schemas": schemas.components([*_named("answer"), ErrorResponse], _named("body")),
        },
    }


def _described(operation: Operation, path: str, api: Api | None) -> dict[str, Any]:
    names = [*re.findall(r"{(\w+)}", path), *([PARAMETER] if api is Api.V2022 else []), *operation.query]
    described: dict[str, Any] = {
        "operationId": _name(operation.method, path),
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in names],
        "responses": _responses(operation, api),
        "security": [{KEYS[operation.needs][0]: []}] if operation.needs else [],
    }
    if operation.body:
        described["requestBody"] = {"required": True, "content": _content(operation.body, operation.example)}
    return described


def _name(method: str, path: str) -> str:
    """For instance `postLoopRank` for the Rank of any loop, `post2022LoopRank` for that of 2022-09-01-preview."""
    words = path.replace("/loops/{loop}/personalizer/{version}", "/loop").replace("/personalizer/{version}", "")
    words = words.replace("/loops/{loop}/personalizer", "/2022/loop").replace("/personalizer", "/2022")
    return method.lower() + "".join(word[0].upper() + word[1:] for word in re.findall(r"\w+", words))


def _responses(operation: Operation, api: Api | None) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    if operation.status < 400:
        responses[str(operation.status)] = _success(operation)
    refused: dict[int, list[str]] = {}
    for name in dict.fromkeys(_codes(operation, api)):
        refused.setdefault(ERRORS[name][0], []).append(name)
    for status, codes in sorted(refused.items()):
        responses[str(status)] = {
            "description": ", ".join(codes),
            "headers": {"x-ms-error-code": {"schema": {"enum": codes}}},
            "content": _content(ErrorResponse),
        }
    return responses


def _success(operation: Operation) -> dict[str, Any]:
    if operation.method == "HEAD":
        headers = {name: {"schema": {"type": "string"}} for name in ("Last-Modified", "Content-Length")}
        return {"description": "Found.", "headers": headers}
    if operation.answer is None:
        return {"description": "Done."}
    return {"description": "Done.", "content": _content(operation.answer)}


def _codes(operation: Operation, api: Api | None) -> list[str]:
    codes = [*(code(one, api) for one in operation.errors), *_NO_KEY]
    codes += ["InvalidRequest"] if api is Api.V2022 else []
    if operation.needs is not None:
        codes += _KEY
    return codes


def _content(body: Any, example: Any = None) -> dict[str, Any]:
    media, schema = _MEDIA.get(body) or (JSON, schemas.reference(body))
    return {media: {"schema": schema} | ({"example": example} if example is not None else {})}


def _named(part: Literal["answer", "body"]) -> list[Any]:
    types = (getattr(operation, part) for operation in OPERATIONS)
    return [one for one in types if one is not None and one not in _MEDIA]


def _used(paths: dict[str, dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    text = msgspec.json.encode(paths).decode()
    return [(name, rest) for name, rest in PARAMETERS.items() if f'/parameters/{name}"' in text]
