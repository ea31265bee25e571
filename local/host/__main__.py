"""Run a Functions app (v2 programming model) without Azure: `python -m local.host`.

Serves `app.get_functions()` of a `function_app.py` over uvicorn, with the routing, keys, timers and errors of
the Functions host. Timers and HTTP functions never share an instance on Flex Consumption: start one process with
`--http-only` and one with `--timers-only` to have the same here.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from local import pulse
from local.arguments import port
from local.host import courtesy
from local.host.accepting import Acceptor
from local.host.functions import Functions, load_app, route_prefix
from local.host.http_trigger import HttpTriggers, Keys
from local.host.invocation import thread_pool
from local.host.log_lines import JsonLines
from local.listening import BACKLOG, HOST, Counts, Place

GRACE_SECONDS = 5
log = logging.getLogger("local.host")


class _Server(uvicorn.Server):
    """uvicorn that says when it serves, and ends with status 0 on SIGTERM.

    counts: of the processes that serve the same socket; None where there is no other.
    """

    ready: Callable[[], None]

    def __init__(self, config: uvicorn.Config, counts: Counts | None) -> None:
        super().__init__(config)
        self._counts = counts
        self._acceptors: list[Acceptor] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._counts is None:
            for listener in sockets or ():
                _listen(listener)
            await super().startup(sockets)
        else:
            await super().startup([])
            self._acceptors = [Acceptor(one, self._counts, self._counted) for one in sockets or ()]
        self.ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for acceptor in self._acceptors:
            acceptor.close()
        await super().shutdown(sockets)

    def _counted(self) -> asyncio.Protocol:
        assert self._counts is not None
        return _Counted(self.config, self.server_state, self._counts)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


class _Counted(HttpToolsProtocol):
    """A connection that is counted until it ends."""

    def __init__(self, config: uvicorn.Config, state: uvicorn.server.ServerState, counts: Counts) -> None:
        super().__init__(config, state, {})
        self._counts = counts

    def connection_lost(self, exc: Exception | None) -> None:
        self._counts.add(-1)
        super().connection_lost(exc)


async def serve(
    listener: socket.socket,
    app: Path,
    http: bool = True,
    timers: bool = True,
    named: Sequence[str] = (),
    counts: Counts | None = None,
) -> None:
    """Serve the app of a script on a bound socket until SIGTERM or SIGINT.

    named: the timers, none for all; counts: see `_Server`.
    """
    functions = Functions(load_app(app), route_prefix(app.parent), thread_pool())
    if not timers:
        functions.timers.clear()
    functions.keep_timers(named)
    keys = Keys(_keys("FUNCTIONS_HOST_KEYS"), _keys("FUNCTIONS_MASTER_KEYS"))
    names, key_headers = _keys("FUNCTIONS_HOST_NAMES"), _keys("FUNCTIONS_HOST_KEY_HEADERS")
    triggers = HttpTriggers(functions.routes if http else (), keys, functions.start, names, key_headers)
    config = uvicorn.Config(
        triggers,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server, signs = _Server(config, counts), list[asyncio.Task[None]]()

    def ready() -> None:
        _announce(listener, functions)
        if (beat := pulse.start()) is not None:  # from now on, so that the first sign says that it serves
            signs.append(beat)

    server.ready = ready
    await server.serve([listener])
    for beat in signs:
        beat.cancel()


def _listen(listener: socket.socket) -> None:
    """Raises ValueError if others have begun to listen on its port; uvloop would close it and tell nobody."""
    try:
        listener.listen(BACKLOG)
    except OSError as error:
        raise ValueError(f"its port: {error.strerror}; choose another with --port") from None


def _announce(listener: socket.socket, functions: Functions) -> None:
    functions.run_timers()
    address, port = listener.getsockname()[:2]
    print(f"ready: http://{address}:{port}", flush=True)


def _keys(name: str) -> tuple[str, ...]:
    return tuple(key for key in os.environ.get(name, "").split(",") if key)


def _listener(port: int, place: Place | None) -> socket.socket:
    if place is not None:
        listener = socket.socket(fileno=place.listener)
        listener.setblocking(False)
        return listener
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    return listener


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.host", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--port", type=port, default=7071, help="port on 127.0.0.1, 0 for a free one (default: 7071)")
    parser.add_argument("--app", type=Path, default=Path("function_app.py"), help="script that holds the FunctionApp")
    parser.add_argument("--shared", type=Place.parse, help=argparse.SUPPRESS)  # a socket that others serve, too
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--http-only", action="store_true", help="serve HTTP functions, run no timers")
    only.add_argument("--timers-only", action="store_true", help="run timers; over HTTP only /admin is served")
    parser.add_argument("--timer", metavar="NAME", action="append", default=[], help="run this timer alone, or these")
    parser.add_argument("--nice", action="store_true", help="let other processes go first, and leave them a core")
    parser.epilog = (
        "FUNCTIONS_HOST_KEYS and FUNCTIONS_MASTER_KEYS hold the keys (comma separated) of functions with the auth "
        "levels function and admin; the latter also start timers, by POST /admin/functions/NAME. FUNCTIONS_HOST_NAMES "
        "holds the names of this machine in a Host header beside those of loopback, as of a tunnel that leads to it. "
        "FUNCTIONS_HOST_KEY_HEADERS names the headers in which an app looks for keys of its own: of requests "
        "without one the body is not read. "
        "PYTHON_THREADPOOL_THREAD_COUNT is the number of threads for sync functions."
    )
    return parser.parse_args()


def main() -> None:
    """Entry point of the command."""
    arguments = _arguments()
    if arguments.nice:
        courtesy.give_way()
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for noisy in ("azure", "uvicorn"):  # an app of its own may not have set them
        logging.getLogger(noisy).setLevel(logging.WARNING)
    os.environ.setdefault("FUNCTIONS_WORKER_RUNTIME", "python")
    try:
        listener = _listener(arguments.port, arguments.shared)
    except OSError as error:
        sys.exit(f"cannot listen on port {arguments.port}: {error.strerror}; choose another with --port")
    try:
        http, timers = not arguments.timers_only, not arguments.http_only
        counts = Counts(arguments.shared) if arguments.shared is not None else None
        others = counts if counts is not None and not counts.is_alone else None
        uvloop.run(serve(listener, arguments.app, http, timers, arguments.timer, others))
    except ValueError as error:
        sys.exit(f"cannot start: {error}")
    logging.shutdown()
    os._exit(0)  # A sync function that is still running must not hold up the end: Azure kills the process, too.


if __name__ == "__main__":
    main()
