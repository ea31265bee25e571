"""Documents that people write, as pydantic models: reading one, and saying all that is wrong with it at once.

What ASP.NET took is taken: the contract's names in any case. Unknown members are ignored. Imported only when an
operation with such a document is called: processes that rank and learn do without pydantic.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, PydanticCustomError

from shared import charsets
from shared.bodies import decode
from shared.errors import ERRORS, ApiError, Fault

Model = TypeVar("Model", bound="Document")
# Some messages repeat what was given.
LONGEST_MESSAGE = 2_000

_json = msgspec.json.Decoder()
# What follows a member's path in the message of a fault, by pydantic's type of it.
_SAYS = {
    "missing": "is missing",
    "string_type": "must be text",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be an array",
    "model_type": "must be an object",
    "finite_number": "must be a finite number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} character",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entry",
    "too_long": "must have at most {max_length} entries",
    "value_error": "{error}",
}


class Document(BaseModel):
    """A document of the contract. Its names are camel case, and read without regard to case."""

    model_config = ConfigDict(alias_generator=to_camel, serialize_by_alias=True, strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, given: Any) -> Any:
        """Its members by the contract's names; one that is there twice, in two cases, fits no type."""
        if not isinstance(given, dict):
            return given
        names = [str(field.alias) for field in cls.model_fields.values()]
        found = named(names, given)
        return {name: found[name] for name in names if name in found}

    def wire(self) -> dict[str, Any]:
        """The document as it travels, without the members that say nothing."""
        return self.model_dump(mode="json", exclude_none=True)


class Twice(NamedTuple):
    """In place of the value of a member that is given more than once."""

    name: str

    def __str__(self) -> str:
        return f"is given more than once, in different cases; send only '{self.name}'"


def named(names: Iterable[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given, by these names where it is spelled like them in any case, else as it is spelled.

    A member that is there in two cases has `Twice` for its value.
    """
    known = {name.lower(): name for name in names}
    found: dict[str, Any] = {}
    for spelled, value in given.items():
        name = known.get(spelled.lower(), spelled)
        found[name] = Twice(name) if name in found else value
    return found


def fault(
    code: str, message: str = "", inner: str | None = None, at: tuple[str | int, ...] = ()
) -> PydanticCustomError:
    """To be raised by a validator for a fault with a code of its own; a ValueError gets the document's code.

    message: with {path} for the member's path; by default, the one declared for the code. at: where the fault is in
    what the validator was given.
    """
    return PydanticCustomError(code, "{message}", {"message": message or ERRORS[code][1], "inner": inner, "at": at})


def read(model: type[Model], body: bytes, code: str, context: object = None) -> Model:
    """The document in a request's body.

    code: that of a fault which has none of its own, and of several faults. context: what validators compare with.
    Raises BadRequest for a body that is not JSON, else ApiError with one fault for all that is wrong.
    """
    return parse(model, decoded(body, code), code, context)


def decoded(body: bytes, code: str) -> Any:
    """The JSON of a request's body, in whatever encoding; raises BadRequest, or `code` for a number out of range."""
    return decode(_json, charsets.mended(charsets.detected(body)), code)


def parse(model: type[Model], given: object, code: str, context: object = None) -> Model:
    """The document that decoded JSON holds; raises ApiError as `read` does."""
    try:
        return model.model_validate(given, context=context)
    except ValidationError as error:
        raise ApiError.of(tuple(_fault(one, code) for one in error.errors()), code) from None


def _fault(error: ErrorDetails, code: str) -> Fault:
    context = error.get("ctx", {})
    path = _path((*error["loc"], *context.get("at", ())))
    if error["type"] in ERRORS and not isinstance(error["input"], Twice):
        message = context["message"].replace("{path}", path)[:LONGEST_MESSAGE]
        return Fault(error["type"], message, path or None, context["inner"])
    return Fault(code, f"{path or 'The body'} {_says(error)}.", path or None)


def _says(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if isinstance(error["input"], Twice):
        return str(error["input"])
    if error["type"] == "literal_error":
        return "must be one of " + ", ".join(re.findall(r"'([^']*)'", context["expected"]))
    words = _SAYS.get(error["type"])
    if words is None:
        return f"is not valid: {error['msg']}"
    return words.format_map({name: _short(value) for name, value in context.items()})


def _short(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _path(places: Iterable[str | int]) -> str:
    """For instance `policies[2].arguments`."""
    return "".join(f"[{place}]" if isinstance(place, int) else f".{place}" for place in places).removeprefix(".")
