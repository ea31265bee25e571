"""An AMQP connection: protocol headers, SASL, frames in and out, back-pressure in both directions."""

import asyncio
import logging
import time
from collections.abc import Callable, Hashable
from typing import Protocol

from .codec import errors, frames
from .codec.errors import AmqpError
from .codec.frames import AMQP_HEADER, EMPTY_FRAME, SASL_HEADER, Fields, Performative
from .hub import Namespace
from .sas import Grant, SasKey
from .session import Session

CONTAINER = "eventhubs"
HANDSHAKE_SECONDS = 15
CLOSE_SECONDS = 5
HIGH_WATER = 512 << 10
"""Bytes waiting for a slow peer above which nothing more is sent to it or read from it."""
MAX_SESSIONS = 64
MAX_GRANTS = 64
_MECHANISMS = ("MSSBCBS", "PLAIN", "ANONYMOUS", "EXTERNAL")
_log = logging.getLogger("eventhubs")


class Server(Protocol):
    namespace: Namespace
    key: SasKey | None

    def admit(self, connection: "Connection") -> bool:
        """False if there are too many connections."""

    def forget(self, connection: "Connection") -> None:
        """The connection is gone."""


class Connection(asyncio.Protocol):
    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        self.namespace = server.namespace
        self.key = server.key
        self.writable = True
        self.payload_size = 512 - frames.TRANSFER_SIZE
        self._server = server
        self._loop = loop
        self._received = bytearray()
        self._needed = len(AMQP_HEADER)
        self._expects_header = True
        self._has_header = False
        self._is_open = False
        self._closing = False
        self._admitted = True
        self._output: list[bytes | memoryview] = []
        self._holds: set[Hashable] = set()
        self._sessions: dict[int, Session] = {}
        self._grants: list[Grant] = []
        self._timers: list[asyncio.TimerHandle] = []

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=HIGH_WATER)
        self._admitted = self._server.admit(self)
        self._timers.append(self._loop.call_later(HANDSHAKE_SECONDS, self._handshake_expired))

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._output.clear()
        for timer in self._timers:
            timer.cancel()
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()
        self._server.forget(self)

    def data_received(self, data: bytes) -> None:
        if self._received:
            self._received += data
            if len(self._received) < self._needed:
                return
            data = bytes(self._received)
        try:
            rest = self._consume(data)
        except AmqpError as error:
            self.shut(error)
        except Exception:
            _log.exception("a connection is closed because of an error in the server")
            self.shut(AmqpError(errors.INTERNAL, "an error in the server; see its log"))
        else:
            self._received = bytearray(data[rest:])
        self.flush()

    def pause_writing(self) -> None:
        self.writable = False
        self.hold("write")

    def resume_writing(self) -> None:
        self.writable = True
        self.release("write")
        for session in tuple(self._sessions.values()):
            session.pump()

    # output

    def send(self, data: bytes | memoryview) -> None:
        """Send `data` with everything else that this turn of the loop brings."""
        if self._closing:
            return
        if not self._output:
            self._loop.call_soon(self.flush)
        self._output.append(data)

    def later(self, callback: Callable[[], None]) -> None:
        """Call `callback` in the next turn of the loop."""
        self._loop.call_soon(callback)

    def flush(self) -> None:
        if self._output:
            output, self._output = self._output, []
            self._transport.write(b"".join(output))

    def shut(self, error: AmqpError | None = None) -> None:
        """Send CLOSE, with the error if there is one, and close when it is sent."""
        if self._closing:
            return
        if error and not self._has_header:
            self.send(AMQP_HEADER)
        if error and not self._is_open:
            self.send(frames.open_frame(CONTAINER))
        self.send(frames.close(error))
        self.flush()
        self._closing, self.writable = True, False
        self._transport.close()
        self._timers.append(self._loop.call_later(CLOSE_SECONDS, self._transport.abort))

    # input

    def held_by(self, reason: Hashable) -> bool:
        return reason in self._holds

    def hold(self, reason: Hashable) -> None:
        """Stop reading from the peer until `release`."""
        self._holds.add(reason)
        self._transport.pause_reading()

    def release(self, reason: Hashable) -> None:
        self._holds.discard(reason)
        if not self._holds and not self._closing:
            self._transport.resume_reading()

    def _consume(self, data: bytes) -> int:
        """Handle all whole frames in `data`; the position behind them."""
        here, view = 0, memoryview(data)
        while not self._closing and here + 8 <= len(data):
            if self._expects_header:
                self._on_header(data[here : here + 8])
                here += 8
                continue
            size = frames.frame_size(view[here : here + 8])
            if here + size > len(data):
                self._needed = size
                break
            self._on_frame(view[here : here + size])
            here += size
        else:
            self._needed = 8
        return here

    def _on_header(self, header: bytes) -> None:
        if header not in (AMQP_HEADER, SASL_HEADER):
            raise AmqpError(errors.FRAMING, "this is an AMQP 1.0 server without TLS")
        self.send(header)
        self._expects_header, self._has_header = False, header == AMQP_HEADER
        if header == SASL_HEADER:
            self.send(frames.sasl_mechanisms(*_MECHANISMS))

    def _on_frame(self, frame: memoryview) -> None:
        body = frame[4 * frame[4] :]
        if not body:
            return
        performative = frames.performative(int.from_bytes(frame[6:8], "big"), body)
        if frame[5] == 1:
            self._on_sasl(performative)
        elif performative.code == frames.OPEN:
            self._on_open(performative.fields)
        elif not self._is_open:
            raise AmqpError(errors.ILLEGAL_STATE, "the first frame must be OPEN")
        elif performative.code == frames.CLOSE:
            self.shut()
        else:
            self._on_session(performative)

    def _on_sasl(self, performative: Performative) -> None:
        if performative.code != frames.SASL_INIT or self._is_open:
            raise AmqpError(errors.ILLEGAL_STATE, "the only SASL frame a client may send is SASL-INIT")
        known = performative.fields[0] in _MECHANISMS
        self.send(frames.sasl_outcome(0 if known else 1))
        self._expects_header = True

    def _on_open(self, fields: Fields) -> None:
        if self._is_open:
            raise AmqpError(errors.ILLEGAL_STATE, "the connection is already open")
        self.send(frames.open_frame(CONTAINER))
        self._is_open = True
        self.payload_size = max(min(fields.number(2, frames.MAX_FRAME), frames.MAX_FRAME), 512) - frames.TRANSFER_SIZE
        if not self._admitted:
            raise AmqpError(errors.LIMIT_EXCEEDED, "too many connections; close some or raise --max-connections")
        if idle := fields.number(4, 0):
            self._keep_alive(max(idle / 2000, 0.05))

    def _on_session(self, performative: Performative) -> None:
        channel = performative.channel
        session = self._sessions.get(channel)
        if performative.code == frames.BEGIN:
            if session or len(self._sessions) >= MAX_SESSIONS:
                raise AmqpError(errors.ILLEGAL_STATE, f"channel {channel} is in use or one too many")
            self._sessions[channel] = Session(self, channel, performative.fields)
        elif session is None:
            return  # azure-eventhub detaches its links after it has ended their session
        elif performative.code == frames.END:
            self._sessions.pop(channel).close()
            self.send(frames.end(channel))
        else:
            session.handle(performative)

    def _keep_alive(self, seconds: float) -> None:
        self.send(EMPTY_FRAME)
        self._timers[1:] = [self._loop.call_later(seconds, self._keep_alive, seconds)]

    def _handshake_expired(self) -> None:
        if not self._is_open:
            self._transport.abort()

    # authorization

    def grant(self, grant: Grant) -> None:
        self._grants = [*self._grants[1 - MAX_GRANTS :], grant]

    def authorize(self, path: str) -> None:
        """Raises AmqpError unless a token for `path` has been put, or the server asks for none."""
        if self.key is not None and not any(grant.covers(path, time.time()) for grant in self._grants):
            raise AmqpError(errors.UNAUTHORIZED, f"no valid token for {path}: put one on $cbs first")
