"""The parameters that the OpenAPI document names, of paths and of queries."""

from typing import Any

from shared.admin import evaluation_queries
from shared.admin.evaluation_queries import INTERVALS, LARGEST, PAGE
from shared.rank.wire import LONGEST_ID
from shared.serving.versions import IN_PATH, IN_QUERY, PARAMETER

_KEPT_ID = {"type": "string", "minLength": 1, "maxLength": evaluation_queries.LONGEST_ID}
_TIME = {"type": "string", "format": "date-time"}


def _whole(default: int, least: int) -> dict[str, Any]:
    return {"schema": {"type": "integer", "minimum": least, "maximum": LARGEST, "default": default}, "example": default}


_PATH: dict[str, dict[str, Any]] = {
    "version": {"schema": {"enum": list(IN_PATH)}, "example": "v1.0"},
    "loop": {"schema": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"}, "example": "shop"},
    "eventId": {"schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_ID}, "example": "visit-1"},
    "evaluationId": {"schema": _KEPT_ID, "example": "last-week"},
    "erasureId": {"schema": _KEPT_ID, "example": "request-7"},
    "featureImportanceId": {"schema": _KEPT_ID, "example": "last-week"},
    "role": {"schema": {"enum": ["app", "admin"]}, "example": "app"},
    "number": {"schema": {"enum": ["1", "2"]}, "example": "2"},
}
_REQUIRED: dict[str, dict[str, Any]] = {
    PARAMETER: {"schema": {"enum": [IN_QUERY]}, "example": IN_QUERY},
    "startTime": {"schema": _TIME, "example": "2026-01-01T00:00:00Z"},
    "endTime": {"schema": _TIME, "example": "2026-01-02T00:00:00Z"},
}
_OPTIONAL: dict[str, dict[str, Any]] = {
    "signed": {"schema": {"type": "boolean", "default": False}, "example": False},
    "dryRun": {"schema": {"type": "boolean", "default": False}, "example": True},
    "percentage": {
        "schema": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "default": 0.05},
        "example": 0.05,
    },
    "difference": {"schema": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 2}, "example": 0.01},
    "filter": {"schema": {"type": "string"}, "example": "metadata=evaluationType eq 'Manual'"},
    "top": _whole(LARGEST, 0),
    "skip": _whole(0, 0),
    "maxpagesize": _whole(PAGE, 1),
    "intervalInMinutes": {
        "schema": {"enum": [minutes for allowed in INTERVALS.values() for minutes in allowed], "default": 5},
        "example": 5,
    },
    "window": {"schema": {"enum": list(INTERVALS), "default": "Expanding"}, "example": "Expanding"},
}
PARAMETERS = {
    name: {"name": name, "in": place, "required": required} | described
    for place, required, group in (("path", True, _PATH), ("query", True, _REQUIRED), ("query", False, _OPTIONAL))
    for name, described in group.items()
}
