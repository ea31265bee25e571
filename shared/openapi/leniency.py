"""Widens the OpenAPI schemas by what `rank/lenient` accepts."""

from typing import Any

Schema = dict[str, Any]

_NUMBER = {"type": "string", "pattern": r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"}
_TRUTH = {"type": "string", "pattern": r"^\s*([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])\s*$"}


def widened(schema: Schema) -> Schema:
    """The schema of a struct that its decoder takes exactly, as it is taken; any other schema as it is."""
    if schema.get("additionalProperties") is not False:
        return schema
    known = {name: value for name, value in schema.items() if name != "additionalProperties"}
    return known | {"properties": {name: _value(value) for name, value in schema["properties"].items()}}


def _value(schema: Schema) -> Schema:
    match schema:
        case {"anyOf": [*options]}:
            return schema | {"anyOf": [taken for option in options for taken in _taken(option)]}
        case {"type": "array", "items": items}:
            return schema | {"items": _value(items)}
    return {"anyOf": taken} if len(taken := _taken(schema)) > 1 else schema


def _taken(schema: Schema) -> list[Schema]:
    """The schema, and that of what is taken in its place."""
    others = {"string": {"type": "number"}, "number": _NUMBER, "boolean": _TRUTH}
    other = others.get(schema.get("type", ""))
    return [schema, other] if other else [_value(schema) if schema.get("type") == "array" else schema]
