"""What says which events are meant: a JSON list in a body, never in a path, for paths get into telemetry."""

from typing import Annotated, Any, TypeVar

import msgspec
from pydantic import BeforeValidator, Field, model_validator

from shared.admin.documents import Document, decoded, fault, named, parse
from shared.errors import shown
from shared.joined_log.selection import Selection
from shared.loops.erasures import Wanted

MOST, LONGEST = 10_000, 1_024
CODE = "InvalidSelection"
# From here on not every whole number is a float.
_EXACT = 2**53


def _as_text(value: Any) -> Any:
    """A number, true and false by their digits and letters; 7.0 and 7e0 are the number 7."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        value = int(value)
    return msgspec.json.encode(value).decode() if isinstance(value, bool | int | float) else value


Text = Annotated[str, Field(min_length=1, max_length=LONGEST)]
Value = Annotated[str, Field(max_length=LONGEST), BeforeValidator(_as_text)]


class _Exact(Document):
    """A document of known members only: what is left out of it, such as a narrower condition, would erase more."""

    @model_validator(mode="before")
    @classmethod
    def _without_others(cls, given: Any) -> Any:
        if isinstance(given, dict):
            names = [str(field.alias) for field in cls.model_fields.values()]
            unknown = [name for name in named(names, given) if name not in names]
            if unknown:
                raise fault(CODE, f"{{path}} is not known; send only {', '.join(names)}.", at=(shown(unknown[0]),))
        return given


class Condition(_Exact):
    """An event's id, or a feature with its value. Dots part the names of nested objects."""

    event_id: Text | None = Field(default=None, description="The id of an event.")
    feature: Text | None = Field(default=None, description="A feature of the context, an action or a slot: user.id.")
    value: Value | None = Field(default=None, description="The feature's value; a number and its digits are the same.")

    @model_validator(mode="after")
    def _is_one(self) -> "Condition":
        if self.event_id is not None and self.feature is None and self.value is None:
            return self
        if self.event_id is None and self.feature is not None and self.value is not None:
            return self
        raise ValueError("must have either eventId, or feature and value")


class SelectionBody(_Exact):
    """Events that match any of the conditions."""

    selection: list[Condition] = Field(min_length=1, max_length=MOST, description="At least one condition.")
    all: bool = Field(default=False, description="true: it may mean every event of the log.")


class SearchBody(SelectionBody):
    """The same, and where to go on."""

    token: str | None = Field(default=None, max_length=LONGEST, description="Of an answer that was not the last one.")


Body = TypeVar("Body", bound=SelectionBody)


def search(body: bytes) -> SearchBody:
    """The body of a search: a list of conditions, or an object with them; raises BadRequest, InvalidSelection."""
    return _read(SearchBody, body)


def erasure(body: bytes) -> SelectionBody:
    """The body of an erasure; raises as `search` does."""
    return _read(SelectionBody, body)


def selected(body: SelectionBody) -> Selection:
    """What the conditions mean."""
    return Selection(Wanted(one.event_id, one.feature, one.value) for one in body.selection)


def _read(model: type[Body], body: bytes) -> Body:
    """A list alone is the selection."""
    given = decoded(body, CODE)
    return parse(model, {"selection": given} if isinstance(given, list) else given, CODE)
