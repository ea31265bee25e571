"""Errors as AMQP 1.0 peers see them: a condition (symbol) and a text that says what to do."""

DECODE = "amqp:decode-error"
FRAMING = "amqp:connection:framing-error"
CONNECTION_FORCED = "amqp:connection:forced"
ILLEGAL_STATE = "amqp:illegal-state"
INTERNAL = "amqp:internal-error"
INVALID_ARGUMENT = "com.microsoft:argument-error"
LIMIT_EXCEEDED = "amqp:resource-limit-exceeded"
MESSAGE_TOO_LARGE = "amqp:link:message-size-exceeded"
NOT_ALLOWED = "amqp:not-allowed"
NOT_FOUND = "amqp:not-found"
STOLEN = "amqp:link:stolen"
UNATTACHED_HANDLE = "amqp:session:unattached-handle"
HANDLE_IN_USE = "amqp:session:handle-in-use"
UNAUTHORIZED = "amqp:unauthorized-access"


class AmqpError(Exception):
    """Something the peer did or asked for that ends in an AMQP error on its delivery, link or connection."""

    def __init__(self, condition: str, description: str) -> None:
        super().__init__(description)
        self.condition = condition
        self.description = description
