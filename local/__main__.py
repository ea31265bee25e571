"""The whole service on this machine, on loopback only: `python -m local`.

Starts Azurite, the Event Hubs server and the function app (HTTP and timers each in a process of their own, HTTP in as
many as --workers says), and keeps them running. STORAGE_CONNECTION_STRING or EVENT_HUBS_CONNECTION_STRING in the
environment replaces the local server of that kind.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import signal
import sys
import time
from io import TextIOWrapper
from pathlib import Path

from local import arguments, releasing
from local.azurite import PROJECT
from local.host.ncrontab import Schedule
from local.listening import HOST, Listening
from local.packages import InstallError
from local.services import APP, OWN_SERVERS, free_port, function_app, own_servers, released
from local.supervisor import Service, StartError, Supervisor
from shared import settings
from shared.dashboard import sessions
from shared.settings import SettingsError

SCHEDULES = {"TRAINER_SCHEDULE": "* * * * * *", "EVALUATOR_SCHEDULE": "*/5 * * * * *"}
DEFAULTS = {"APP_KEYS": "local-app-key", "ADMIN_KEYS": "local-admin-key", "DEMO": "true", **SCHEDULES}
# A second run needs both a port and a folder of its own.
ANOTHER = "choose a port and a folder of its own: make run PORT=7072 DATA=.data-2"
# The children of a run that was killed need a moment to be gone.
LOCK_SECONDS = 2


def lock(data: Path) -> TextIOWrapper:
    """Hold the data folder until this process and its children are gone. StartError if it cannot be had."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        data.chmod(0o700)  # decisions and keys are the user's alone
        file = (data / "lock").open("a+")
    except OSError as error:
        raise StartError(f"{data} cannot be used ({error.strerror}); {ANOTHER}") from None
    patience = time.monotonic() + LOCK_SECONDS
    while not _is_locked_by_us(file):
        if time.monotonic() > patience:
            file.seek(0)
            holder = file.read().strip()
            file.close()
            raise StartError(f"{data} is in use by process {holder}; stop it, or {ANOTHER}")
        time.sleep(0.1)
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def _is_locked_by_us(file: TextIOWrapper) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def run(supervisor: Supervisor, servers: list[Service], app: Path, listening: Listening, released: Path) -> None:
    """Run until SIGINT or SIGTERM. StartError if a process does not start.

    released: see `releasing`; it is written where both servers are local ones.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    values = _values(servers)
    starting = asyncio.create_task(_start(supervisor, servers, app, listening, values, released.parent))
    stopping = asyncio.create_task(stop.wait())
    done_with: asyncio.Task[None] | None = None
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            if app == APP and len(servers) == len(OWN_SERVERS):
                done_with = asyncio.create_task(releasing.keep(settings.load(os.environ | values), released))
            await stopping
        _say("stopping")
    finally:
        background = [task for task in (starting, done_with) if task is not None]
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        listening.close()
        await supervisor.stop()


def _values(servers: list[Service]) -> dict[str, str]:
    """The settings that the function app gets from here."""
    values = {name: os.environ.get(name) or value for name, value in DEFAULTS.items()}
    for server in servers:
        values |= server.settings
    # What starts a timer by hand takes the admin keys, in the header x-functions-key.
    values["FUNCTIONS_MASTER_KEYS"] = os.environ.get("FUNCTIONS_MASTER_KEYS") or values["ADMIN_KEYS"]
    return values


async def _start(
    supervisor: Supervisor, servers: list[Service], app: Path, listening: Listening, values: dict[str, str], data: Path
) -> None:
    await supervisor.start(*servers)
    await supervisor.start(*function_app(app, listening.port, values, listening.places))
    for role, name in (("app", "APP_KEYS"), ("admin", "ADMIN_KEYS")):
        _say(f"{role} key: {DEFAULTS[name] if values[name] == DEFAULTS[name] else f'as set in {name}'}")
    url = f"http://{HOST}:{listening.port}"
    if app == APP:
        link = sessions.link([key for key in map(str.strip, values["ADMIN_KEYS"].split(",")) if key])
        _say(f"dashboard: {url}/dashboard/enter?link={link} (good once, within an hour)")
        _say(f"documentation: {url}/docs")
        _say(f"data: {data} (Ctrl-C stops the service, and keeps it)")
    _say(f"ready: {url}")


def _check_settings() -> None:
    """Raises SettingsError for what the function app would not start with: before anything else is started."""
    own = dict.fromkeys(OWN_SERVERS, "its own")
    given = own | DEFAULTS | {name: value for name, value in os.environ.items() if value}
    settings.load(given)
    for name in SCHEDULES:
        try:
            Schedule.parse(given[name])
        except ValueError as error:
            raise SettingsError(f"{name} is malformed: {error}.") from None


def _say(line: str) -> None:
    print(line, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--port", type=arguments.port, default=7071, help="port on 127.0.0.1, 0 for a free one (default: 7071)"
    )
    parser.add_argument(
        "--workers",
        type=arguments.workers,
        default=os.environ.get("WORKERS") or "1",
        help="processes that answer HTTP on that port, at most one for each core (default: WORKERS, or 1)",
    )
    parser.add_argument(
        "--data", type=arguments.folder, default=Path(".data"), help="folder of all data (default: .data)"
    )
    parser.add_argument("--app", type=Path, default=APP, help="script with the FunctionApp")
    return parser.parse_args()


def _listening(port: int, workers: int) -> Listening:
    try:
        return Listening(port, workers)
    except OSError:
        raise StartError(f"port {port} is taken; stop what listens there, or {ANOTHER}") from None


def main() -> None:
    """Entry point of the command."""
    given = _arguments()
    port = given.port or free_port()
    data = given.data.resolve()
    try:
        if given.app == APP:
            _check_settings()
        listening = _listening(port, given.workers)
        with lock(data) as held:
            supervisor = Supervisor(PROJECT, data / "logs", held.fileno(), _say)
            asyncio.run(run(supervisor, own_servers(data), given.app.resolve(), listening, released(data)))
    except (StartError, InstallError, SettingsError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
