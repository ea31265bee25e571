"""Request bodies: decoding JSON, with the contract's words for what msgspec refuses."""

import re
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from shared import charsets
from shared.errors import ERRORS, ApiError

T = TypeVar("T")
# A pattern, looked for in what msgspec says, and what it means in the contract's words. The first match counts.
Hints = Iterable[tuple[str, str]]


def decode(decoder: msgspec.json.Decoder[T], body: bytes, code: str, hints: Hints = ()) -> T:
    """The decoded body. Raises BadRequest if it is not JSON, `code` if it is JSON of the wrong shape."""
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise refusal(error, body, code, hints) from None


def refusal(error: Exception, body: bytes, code: str, hints: Hints = ()) -> ApiError:
    """What msgspec raised for a body, as the answer that says what to change."""
    detail = str(error)
    if isinstance(error, msgspec.ValidationError):
        hint = next((text for pattern, text in hints if re.search(pattern, detail)), ERRORS[code][1])
        return ApiError(code, f"{hint} ({detail})")
    if not body:
        detail = "the body is empty; send JSON with a Content-Length"
    elif isinstance(error, UnicodeError):
        detail = f"{charsets.offence(body)}; {charsets.ADVICE}"
    return ApiError("BadRequest", f"Request could not be understood by the server: {detail}.")
