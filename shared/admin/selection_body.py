"""What says which events are meant: a JSON list in a body, never in a path, for paths get into telemetry."""

from typing import Annotated, Any

import msgspec
from pydantic import BeforeValidator, Field, model_validator

from shared.admin.documents import Document, read
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
Value = Annotated[str, BeforeValidator(_as_text), Field(max_length=LONGEST)]


class Condition(Document):
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


class SelectionBody(Document):
    """Events that match any of the conditions."""

    selection: list[Condition] = Field(min_length=1, max_length=MOST, description="At least one condition.")
    all: bool = Field(default=False, description="true: it may mean every event of the log.")


class SearchBody(SelectionBody):
    """The same, and where to go on."""

    token: str | None = Field(default=None, max_length=LONGEST, description="Of an answer that was not the last one.")


def search(body: bytes) -> SearchBody:
    """The body of a search: a list of conditions, or an object with them; raises BadRequest, InvalidSelection."""
    return read(SearchBody, _as_object(body), CODE)


def erasure(body: bytes) -> SelectionBody:
    """The body of an erasure; raises as `search` does."""
    return read(SelectionBody, _as_object(body), CODE)


def selected(body: SelectionBody) -> Selection:
    """What the conditions mean."""
    return Selection(Wanted(one.event_id, one.feature, one.value) for one in body.selection)


def _as_object(body: bytes) -> bytes:
    """A list alone is the selection."""
    return b'{"selection":' + body + b"}" if body.lstrip()[:1] == b"[" else body
