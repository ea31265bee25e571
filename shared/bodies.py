"""Request bodies: decoding JSON, with the contract's words for what msgspec refuses."""

import re
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from shared.errors import ERRORS, ApiError

T = TypeVar("T")
# A pattern, looked for in what msgspec says, and what it means in the contract's words. The first match counts.
Hints = Iterable[tuple[str, str]]


def decode(decoder: msgspec.json.Decoder[T], body: bytes, code: str, hints: Hints = ()) -> T:
    """The decoded body. Raises BadRequest if it is not JSON, `code` if it is JSON of the wrong shape."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        detail = str(error)
        hint = next((text for pattern, text in hints if re.search(pattern, detail)), ERRORS[code][1])
        raise ApiError(code, f"{hint} ({detail})") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        reason = "the body is empty; send JSON with a Content-Length" if not body else str(error)
        raise ApiError("BadRequest", f"Request could not be understood by the server: {reason}.") from None
