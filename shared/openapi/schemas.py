"""The bodies that the OpenAPI document names: the structs that decode and encode them, and those made by hand."""

from collections.abc import Iterable
from typing import Any, Literal, get_args

import msgspec

from shared.admin.loops import LoopInfo
from shared.errors import ERRORS
from shared.loops.config import Aggregation
from shared.openapi.leniency import widened
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


class PersonalizerError(msgspec.Struct, omit_defaults=True):
    """What went wrong, by its code, and what to change."""

    code: str
    message: str
    details: list["PersonalizerError"]
    target: str | None = None


class ErrorResponse(msgspec.Struct):
    """The answer of every refused request; the header `x-ms-error-code` has the code, too."""

    error: PersonalizerError


class LoopList(msgspec.Struct):
    """The loops of the deployment, the default one first."""

    loops: list[LoopInfo]


class NewKey(msgspec.Struct):
    """A key that was made just now, and is told only here."""

    key: str


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
_DURATION = {"format": "duration", "examples": ["PT10M"]}
_DETAILS: dict[tuple[str, str], Schema] = {
    ("RankRequest", "eventId"): {"description": "Names the decision and seeds its draw; made if it is missing."},
    ("RankRequest", "excludedActions"): {"description": "Ids of actions that must not be chosen."},
    ("RankRequest", "deferActivation"): {"description": "true: learn from it only once it is activated."},
    ("RankedAction", "probability"): {"minimum": 0, "maximum": 1},
    ("PersonalizerError", "code"): {"enum": sorted(ERRORS)},
    ("ServiceConfiguration", "rewardWaitTime"): _DURATION | {"description": "How long a reward may take, up to P2D."},
    ("ServiceConfiguration", "modelExportFrequency"): _DURATION | {"description": "How often a model is published."},
    ("ServiceConfiguration", "defaultReward"): {"description": "What counts when no reward comes."},
    ("ServiceConfiguration", "rewardAggregation"): {
        "description": "How several rewards of an event become one. Capitals are taken for small letters.",
        "enum": list(get_args(Aggregation)),
    },
    ("ServiceConfiguration", "explorationPercentage"): {"description": "The largest share of exploration, 0 to 1."},
    ("ServiceConfiguration", "logRetentionDays"): {"description": "-1: for ever."},
    ("ServiceConfiguration", "modelRetrainDays"): {"minimum": 0},
    ("LoopInfo", "path"): {"description": "Goes between the endpoint and /personalizer."},
}


def components(bodies: Iterable[Any]) -> dict[str, Schema]:
    """The schemas of these types and of all that they name, by name."""
    made = msgspec.json.schema_components(bodies, schema_hook=_by_hand, ref_template=REFERENCE)[1]
    # A type that is generic in its features is one type here.
    text = msgspec.json.encode(made).replace(b"_Features_", b"").replace(b"[Features]", b"")
    schemas: dict[str, Schema] = {name: widened(one) for name, one in msgspec.json.decode(text).items()}
    schemas["Features"] = _FEATURES
    for (name, member), details in _DETAILS.items():
        schemas[name]["properties"][member].update(details)
    return dict(sorted(schemas.items()))


def reference(body: Any) -> Schema:
    """The place of a type's schema among the components, or the schema of a list of it."""
    text = msgspec.json.encode(msgspec.json.schema_components([body], schema_hook=_by_hand, ref_template=REFERENCE)[0])
    schema: Schema = msgspec.json.decode(text.replace(b"_Features_", b""))[0]
    return schema


def _by_hand(body: Any) -> Schema:
    if body is Features:
        return {"$ref": REFERENCE.format(name="Features")}
    raise NotImplementedError(body)
