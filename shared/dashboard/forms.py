"""What a form of the dashboard sends: fields, and files where it has any."""

import re
from typing import NamedTuple
from urllib.parse import parse_qsl

import azure.functions as func

from shared.errors import ApiError

# Bytes of a form beside its files.
MOST_FIELDS = 1 << 17
_BOUNDARY = re.compile(r'multipart/form-data;.*boundary="?([^";]+)"?', re.IGNORECASE)
_DISPOSITION = re.compile(rb'name="([^"]*)"(?:;\s*filename="([^"]*)")?')


class Sent(NamedTuple):
    """Fields by name, the last of several; files by the name of their field."""

    fields: dict[str, str]
    files: dict[str, bytes]


def read(req: func.HttpRequest) -> Sent:
    """The form in a request's body; raises BadRequest for what no browser sends."""
    body, kind = req.get_body(), req.headers.get("content-type", "")
    boundary = _BOUNDARY.match(kind)
    if boundary is not None:
        return _parts(body, boundary[1].encode())
    if body and not kind.lower().startswith("application/x-www-form-urlencoded"):
        raise ApiError("BadRequest", "A form is expected.")
    if len(body) > MOST_FIELDS:
        raise ApiError("PayloadSizeExceeded", f"A form may have {MOST_FIELDS} bytes.")
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    return Sent({name: value.replace("\r\n", "\n") for name, value in pairs}, {})


def _parts(body: bytes, boundary: bytes) -> Sent:
    """RFC 7578: each part is a head, an empty line and its content, between lines with the boundary."""
    sent = Sent({}, {})
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:]:
        head, found, content = part.partition(b"\r\n\r\n")
        named = _DISPOSITION.search(head)
        if not found or named is None:
            continue
        name = named[1].decode("utf-8", "replace")
        if named[2] is not None:
            sent.files[name] = content
        else:
            sent.fields[name] = content.decode("utf-8", "replace")
    return sent
