"""The whole service on this machine, on loopback only: `python -m local`.

Starts Azurite, the Event Hubs server and the function app (HTTP and timers each in a process of their own), and
keeps them running. STORAGE_CONNECTION_STRING or EVENT_HUBS_CONNECTION_STRING in the environment replaces the local
server of that kind.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import random
import secrets
import signal
import socket
import sys
import time
from io import TextIOWrapper
from pathlib import Path

from local import azurite
from local.supervisor import Service, StartError, Supervisor, is_healthy, listens

PROJECT = azurite.PROJECT
KEY_NAME = "local"
DEFAULTS = {"APP_KEYS": "local-app-key", "ADMIN_KEYS": "local-admin-key", "TRAINER_SCHEDULE": "* * * * * *"}
# Below the ports that outgoing connections take, so that a server finds its port free again when it is restarted.
PORTS = range(20_000, 32_000)


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    return next(port for port in random.sample(PORTS, 1000) if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def lock(data: Path) -> TextIOWrapper:
    """Hold the data folder until this process and its children are gone. StartError if another run holds it."""
    data.mkdir(parents=True, exist_ok=True)
    file = (data / "lock").open("a+")
    patience = time.monotonic() + 2
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > patience:
                file.seek(0)
                holder = file.read().strip()
                message = f"{data} is in use by process {holder}; stop it, or choose another folder: make run DATA=..."
                raise StartError(message) from None
            time.sleep(0.1)
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def event_hubs_key(data: Path) -> str:
    """The shared access key of this data folder, made on first use."""
    path = data / "eventhubs.key"
    if not path.exists():
        path.touch(0o600)
        path.write_text(secrets.token_hex(32))
    return path.read_text()


def storage(data: Path) -> Service:
    """Azurite, on a free port."""
    port = free_port()
    settings = {"STORAGE_CONNECTION_STRING": azurite.connection_string(port)}
    return Service("azurite", azurite.command(port, data / "azurite"), lambda: listens(port), settings)


def event_hubs(data: Path) -> Service:
    """The Event Hubs server, on a free port."""
    port, key = free_port(), event_hubs_key(data)
    command = [sys.executable, "-m", "local.eventhubs", "--port", str(port), "--data", str(data / "eventhubs")]
    command += ["--hub", "interactions:2", "--hub", "observations:2", "--key-name", KEY_NAME, "--key", key]
    endpoint = f"Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName={KEY_NAME};SharedAccessKey={key}"
    settings = {"EVENT_HUBS_CONNECTION_STRING": f"{endpoint};UseDevelopmentEmulator=true"}
    return Service("eventhubs", command, lambda: listens(port), settings)


def function_app(app: Path, port: int, settings: dict[str, str]) -> list[Service]:
    """The app twice: its HTTP functions on `port`, its timers beside them."""
    host, timers_port = [sys.executable, "-m", "local.functions_host", "--app", str(app)], free_port()
    return [
        Service("http", [*host, "--http-only", "--port", str(port)], lambda: is_healthy(port), settings),
        Service("timers", [*host, "--timers-only", "--port", str(timers_port)], lambda: listens(timers_port), settings),
    ]


def own_servers(data: Path) -> list[Service]:
    """The servers the environment does not name a replacement for. Installs Azurite if it has to."""
    makers = {"STORAGE_CONNECTION_STRING": storage, "EVENT_HUBS_CONNECTION_STRING": event_hubs}
    return [maker(data) for setting, maker in makers.items() if not os.environ.get(setting)]


async def run(supervisor: Supervisor, servers: list[Service], app: Path, port: int) -> None:
    """Run until SIGINT or SIGTERM. StartError if a process does not start."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    starting = asyncio.create_task(_start(supervisor, servers, app, port))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await stopping
        _say("stopping")
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await supervisor.stop()


async def _start(supervisor: Supervisor, servers: list[Service], app: Path, port: int) -> None:
    settings = {name: os.environ.get(name) or value for name, value in DEFAULTS.items()}
    for server in servers:
        settings |= server.settings
    await supervisor.start(*servers)
    await supervisor.start(*function_app(app, port, settings))
    for role, name in (("app", "APP_KEYS"), ("admin", "ADMIN_KEYS")):
        _say(f"{role} key: {DEFAULTS[name] if settings[name] == DEFAULTS[name] else f'as set in {name}'}")
    _say(f"ready: http://127.0.0.1:{port}")


def _say(line: str) -> None:
    print(line, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--port", type=int, default=7071, help="port on 127.0.0.1, 0 for a free one (default: 7071)")
    parser.add_argument("--data", type=Path, default=Path(".data"), help="folder of all data (default: .data)")
    parser.add_argument("--app", type=Path, default=PROJECT / "function_app.py", help="script with the FunctionApp")
    return parser.parse_args()


def main() -> None:
    """Entry point of the command."""
    arguments = _arguments()
    port = arguments.port or free_port()
    data = arguments.data.resolve()
    try:
        if not _is_free(port):
            raise StartError(f"port {port} is taken; stop what listens there, or choose another: make run PORT=7072")
        with lock(data) as held:
            supervisor = Supervisor(PROJECT, data / "logs", held.fileno(), _say)
            asyncio.run(run(supervisor, own_servers(data), arguments.app.resolve(), port))
    except (StartError, RuntimeError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
