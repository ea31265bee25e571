"""Widens the OpenAPI schemas by what `rank/lenient` accepts in structs and `admin/members` in documents."""

from typing import Any

Schema = dict[str, Any]

_NUMBER = {"type": "string", "pattern": r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"}
_WHOLE = {"type": "string", "pattern": r"^\s*[+-]?[0-9]{1,20}\s*$"}
_TRUTH = {"type": "string", "pattern": r"^\s*([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])\s*$"}


def widened(schema: Schema) -> Schema:
    """The schema of a struct that its decoder takes exactly, as it is taken; any other schema as it is."""
    if schema.get("additionalProperties") is not False:
        return schema
    known = {name: value for name, value in schema.items() if name != "additionalProperties"}
    return known | {"properties": {name: _value(value) for name, value in schema["properties"].items()}}


def widened_document(schema: Schema) -> Schema:
    """The schema of a document as it is taken: text for numbers and booleans, enumerations in any case."""
    return schema | {"properties": {name: _member(value) for name, value in schema["properties"].items()}}


def _member(schema: Schema) -> Schema:
    if options := schema.get("anyOf"):
        return schema | {"anyOf": [taken for option in options for taken in (option, *_instead(option))]}
    others = _instead(schema)
    if not others:
        return schema
    said = {name: value for name, value in schema.items() if name in ("description", "default")}
    exact = {name: value for name, value in schema.items() if name not in said}
    return said | {"anyOf": [exact, *others]}


def _instead(schema: Schema) -> list[Schema]:
    match schema:
        case {"enum": [*choices]}:
            return [{"type": "string", "pattern": f"^({'|'.join(map(_in_any_case, choices))})$"}]
        case {"type": "integer"}:
            return [_WHOLE]
        case {"type": "number"}:
            return [_NUMBER]
        case {"type": "boolean"}:
            return [_TRUTH]
    return []


def _in_any_case(choice: str) -> str:
    return "".join(f"[{letter.upper()}{letter.lower()}]" for letter in choice)


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
