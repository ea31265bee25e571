"""The schemas of the bodies that the OpenAPI document names: of pydantic models, of msgspec structs, made by hand."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from shared.admin.configuration_body import ServiceConfiguration
from shared.openapi import descriptions
from shared.openapi.leniency import widened, widened_document
from shared.rank.wire import MAX_NESTING

REFERENCE = "#/components/schemas/{name}"
Schema = dict[str, Any]


class Features:
    """One object of features; what the decoder takes is described by `_FEATURES`."""


class Binary:
    """A body of bytes."""


class Page:
    """A page to be read."""


class Metrics:
    """Metrics as Prometheus reads them."""


class Lines:
    """Lines of the log, a JSON object each."""


class ServiceConfigurationRequest(ServiceConfiguration):
    """A ServiceConfiguration that is put: more is taken than is answered."""


class InternalError(msgspec.Struct):
    """What went wrong, more finely than the contract's codes tell it."""

    code: str


class PersonalizerError(msgspec.Struct, rename="camel"):
    """What went wrong, by its code, and what to change. A document with several faults is told all of them."""

    code: str
    message: str
    target: str | msgspec.UnsetType = msgspec.UNSET
    details: list["PersonalizerError"] | msgspec.UnsetType = msgspec.UNSET
    inner_error: InternalError | msgspec.UnsetType = msgspec.UNSET


class ErrorResponse(msgspec.Struct):
    """The answer of every refused request; the header `x-ms-error-code` has the code, too."""

    error: PersonalizerError


class ModelHealth(msgspec.Struct, rename="camel"):
    """The model of the loop default: whether it has learned, its age, and whether it could be refreshed."""

    trained: bool
    age_seconds: int | None
    refreshed: bool


class LogHealth(msgspec.Struct):
    """The event log: whether it answers, and how many events this process had to give up."""

    reachable: bool
    dropped: int


class ServiceStatus(msgspec.Struct, rename="camel"):
    """That the service answers and the key is valid."""

    service: str
    api_status: str
    api_status_message: str


class Health(msgspec.Struct):
    """The health of one process."""

    status: Literal["ok", "degraded"]
    version: str
    model: ModelHealth
    log: LogHealth


_FEATURES: Schema = {
    "description": f"Features by name. An object groups features; objects may be nested {MAX_NESTING} levels deep.",
    "type": "object",
    "propertyNames": {"minLength": 1},
    "additionalProperties": {
        "anyOf": [
            {"type": ["string", "number", "boolean", "null"]},
            {"type": "array", "items": {"type": "number"}},
            {"$ref": REFERENCE.format(name="Features")},
        ]
    },
}


class _Untitled(GenerateJsonSchema):
    """Without a title for every member: it would repeat the member's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def components(answers: Sequence[Any], bodies: Sequence[Any]) -> dict[str, Schema]:
    """The schemas of these types and of all that they name, by name; of what is only asked for, as it is taken."""
    named = [*answers, *bodies]
    models, structs = ([one for one in named if _is_model(one) is kind] for kind in (True, False))
    asked = {one.__name__ for one in models if one not in answers}
    documents = _of_models(models)
    schemas = (
        {name: widened(one) for name, one in _of_structs(structs).items()}
        | {name: widened_document(one) if name in asked else one for name, one in documents.items()}
        | {"Features": _FEATURES}
    )
    descriptions.add(schemas)
    return dict(sorted(schemas.items()))


def reference(body: Any) -> Schema:
    """The place of a type's schema among the components, or the schema of a list of it."""
    if _is_model(body):
        return {"$ref": REFERENCE.format(name=body.__name__)}
    text = msgspec.json.encode(msgspec.json.schema_components([body], schema_hook=_by_hand, ref_template=REFERENCE)[0])
    schema: Schema = msgspec.json.decode(text.replace(b"_Features_", b""))[0]
    return schema


def _is_model(body: Any) -> bool:
    return isinstance(body, type) and issubclass(body, BaseModel)


def _of_structs(structs: list[Any]) -> dict[str, Schema]:
    made = msgspec.json.schema_components(structs, schema_hook=_by_hand, ref_template=REFERENCE)[1]
    # A type that is generic in its features is one type here.
    text = msgspec.json.encode(made).replace(b"_Features_", b"").replace(b"[Features]", b"")
    schemas: dict[str, Schema] = msgspec.json.decode(text)
    return schemas


def _of_models(models: list[type[BaseModel]]) -> dict[str, Schema]:
    made = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(models)],
        ref_template=REFERENCE.format(name="{model}"),
        schema_generator=_Untitled,
    )
    schemas: dict[str, Schema] = made[1]["$defs"]
    return schemas


def _by_hand(body: Any) -> Schema:
    """The hook of msgspec for types that it does not know, which takes this error for one that nobody knows."""
    if body is Features:
        return {"$ref": REFERENCE.format(name="Features")}
    raise NotImplementedError(body)
