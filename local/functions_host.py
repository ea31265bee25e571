"""Run a Functions app (v2 programming model) without Azure: `python -m local.functions_host`.

Serves `app.get_functions()` of a `function_app.py` over uvicorn, with the routing, keys, timers and errors of
the Functions host. Timers and HTTP functions never share an instance on Flex Consumption: start one process with
`--http-only` and one with `--timers-only` to have the same here.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import azure.functions as func
import uvicorn
import uvloop

from local.http_trigger import HttpFunction, HttpTriggers, Keys
from local.invocation import Function, thread_pool
from local.routes import Route
from local.timers import Timer

GRACE_SECONDS = 5
log = logging.getLogger("local.functions_host")


def load_app(path: Path) -> func.FunctionApp:
    """The one FunctionApp of a script. ValueError if there is none or more than one."""
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location("function_app", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ValueError(f"{path} is not a Python file; name the script with --app")
    module = importlib.util.module_from_spec(spec)
    sys.modules["function_app"] = module
    spec.loader.exec_module(module)
    apps = [value for value in vars(module).values() if isinstance(value, func.FunctionApp)]
    if len(apps) != 1:
        raise ValueError(f"{path} must hold exactly one FunctionApp, it holds {len(apps)}")
    return apps[0]


def route_prefix(folder: Path) -> str:
    """`extensions.http.routePrefix` of host.json, by default `api`."""
    path = folder / "host.json"
    settings: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    prefix: str = settings.get("extensions", {}).get("http", {}).get("routePrefix", "api")
    return prefix.strip("/")


def _is_disabled(name: str) -> bool:
    setting = os.environ.get(f"AzureWebJobs.{name}.Disabled") or os.environ.get(f"AzureWebJobs_{name}_Disabled")
    return (setting or "").lower() in {"1", "true"}


class Host:
    """The functions of an app, by trigger."""

    def __init__(self, app: func.FunctionApp, prefix: str, pool: ThreadPoolExecutor) -> None:
        self.routes: list[Route[HttpFunction]] = []
        self.timers: dict[str, Timer] = {}
        self._pool = pool
        self._running: set[asyncio.Task[None]] = set()
        for declared in app.get_functions():
            self._add(declared, prefix)

    def _add(self, declared: Any, prefix: str) -> None:
        name, trigger = declared.get_function_name(), declared.get_trigger().get_dict_repr()
        if _is_disabled(name):
            return
        function = Function(name, declared.get_user_function(), trigger["name"], self._pool)
        if trigger["type"] == "httpTrigger":
            template = "/".join(part for part in (prefix, (trigger.get("route") or name).strip("/")) if part)
            methods = [getattr(method, "value", method) for method in trigger.get("methods") or ()]
            level = str(getattr(trigger.get("authLevel"), "value", "function"))
            self.routes.append(Route(template, methods or None, HttpFunction(function, level.lower())))
        elif trigger["type"] == "timerTrigger":
            self.timers[name.lower()] = Timer(function, trigger["schedule"], bool(trigger.get("runOnStartup")))
        else:
            log.warning("function %s is not served: its trigger %s is not known here", name, trigger["type"])

    def run_timers(self) -> None:
        for timer in self.timers.values():
            self._spawn(timer.run_forever())

    def start(self, name: str) -> bool:
        """Run a timer's function now, in the background; False if there is none of that name."""
        timer = self.timers.get(name.lower())
        if timer is not None:
            self._spawn(timer.run_once())
        return timer is not None

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)


class _Server(uvicorn.Server):
    """uvicorn that says when it serves, and ends with status 0 on SIGTERM."""

    ready: Callable[[], None]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


async def serve(listener: socket.socket, app: Path, http: bool = True, timers: bool = True) -> None:
    """Serve the app of a script on a bound socket until SIGTERM or SIGINT."""
    host = Host(load_app(app), route_prefix(app.parent), thread_pool())
    if not timers:
        host.timers.clear()
    keys = Keys(_keys("FUNCTIONS_HOST_KEYS"), _keys("FUNCTIONS_MASTER_KEYS"))
    triggers = HttpTriggers(host.routes if http else (), keys, host.start)
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
    server = _Server(config)
    server.ready = lambda: _announce(listener, host)
    await server.serve([listener])


def _announce(listener: socket.socket, host: Host) -> None:
    host.run_timers()
    address, port = listener.getsockname()[:2]
    print(f"ready: http://{address}:{port}", flush=True)


def _keys(name: str) -> tuple[str, ...]:
    return tuple(key for key in os.environ.get(name, "").split(",") if key)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.functions_host", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--port", type=int, default=7071, help="port on 127.0.0.1, 0 for a free one (default: 7071)")
    parser.add_argument("--app", type=Path, default=Path("function_app.py"), help="script that holds the FunctionApp")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--http-only", action="store_true", help="serve HTTP functions, run no timers")
    only.add_argument("--timers-only", action="store_true", help="run timers; over HTTP only /admin is served")
    parser.epilog = (
        "FUNCTIONS_HOST_KEYS and FUNCTIONS_MASTER_KEYS hold the keys (comma separated) of functions with the auth "
        "levels function and admin; PYTHON_THREADPOOL_THREAD_COUNT is the number of threads for sync functions."
    )
    return parser.parse_args()


def main() -> None:
    """Entry point of the command."""
    arguments = _arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for noisy in ("azure", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    os.environ.setdefault("FUNCTIONS_WORKER_RUNTIME", "python")
    try:
        listener = _listen(arguments.port)
    except OSError as error:
        sys.exit(f"cannot listen on port {arguments.port}: {error.strerror}; choose another with --port")
    try:
        uvloop.run(serve(listener, arguments.app, not arguments.timers_only, not arguments.http_only))
    except ValueError as error:
        sys.exit(f"cannot start: {error}")
    logging.shutdown()
    os._exit(0)  # A sync function that is still running must not hold up the end: Azure kills the process, too.


if __name__ == "__main__":
    main()
