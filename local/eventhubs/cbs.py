"""$cbs: claims-based security. A client puts a token here before it attaches links."""

import time
from collections.abc import Callable

from .codec.errors import AmqpError
from .requests import Reply, Request
from .sas import Grant, SasKey


def put_token(key: SasKey | None, granted: Callable[[Grant], None], request: Request, reply: Reply) -> None:
    """Answer a put-token request; `granted` is called with what a valid token allows. Without a key all are valid."""
    try:
        operation = request.text("operation")
    except AmqpError as error:
        return reply(request.reply(400, error.description))
    if operation != "put-token":
        return reply(request.reply(400, f"operation {operation!r}: only put-token is known"))
    if key is not None:
        token = request.value if isinstance(request.value, str) else ""
        grant = key.verify(token, time.time())
        if grant is None:
            text = f"the token is expired or not signed with the key of {key.name}: check the connection string"
            return reply(request.reply(401, text))
        granted(grant)
    return reply(request.reply(202, "Accepted"))
