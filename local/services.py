"""What the embedded run consists of: each process, its port, and the settings it gives the function app."""

from __future__ import annotations

import itertools
import os
import random
import secrets
import socket
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from local import azurite
from local.listening import HOST, Place
from local.supervisor import Service, is_healthy, listens
from shared.auth import KEY_HEADERS, PRINCIPAL_HEADER

APP = azurite.PROJECT / "function_app.py"
KEY_NAME, KEY_CHARACTERS = "local", 64
# One machine has nothing to spread over more, and what waits for one partition makes the largest messages.
PARTITIONS = 1
# What each server of its own is known to the function app by.
OWN_SERVERS = ("STORAGE_CONNECTION_STRING", "EVENT_HUBS_CONNECTION_STRING")
# Events leave when every loop is done with them, see `releasing`. A run may be stopped for as long as one likes.
RETENTION_HOURS = 876_000
# Below the ports that outgoing connections take, so that a server finds its port free again when it is restarted.
PORTS = range(20_000, 32_000)


def in_any_order(ports: Sequence[int]) -> Iterator[int]:
    """Each port once before any of them comes again: who was given one may not have opened it yet."""
    return itertools.cycle(random.sample(ports, len(ports)))


unused = in_any_order(PORTS)


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    return next(port for port in unused if is_free(port))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def event_hubs_key(data: Path) -> str:
    """The shared access key of this data folder, made on first use, and anew if it was not written to its end."""
    path = data / "eventhubs.key"
    key = path.read_text().strip() if path.exists() else ""
    if len(key) < KEY_CHARACTERS:
        unfinished = path.with_suffix(".new")
        unfinished.touch(0o600)
        key = secrets.token_hex(KEY_CHARACTERS // 2)
        unfinished.write_text(key)
        unfinished.replace(path)
    return key


def storage(data: Path) -> Service:
    """Azurite, on a free port, which is written down for other commands: see `storage_port`."""
    port = free_port()
    _port_file(data).write_text(str(port))
    settings = {"STORAGE_CONNECTION_STRING": azurite.connection_string(port)}
    return Service("azurite", azurite.command(port, data / "azurite"), lambda: listens(port), settings)


def storage_port(data: Path) -> int | None:
    """The port that Azurite was last given for this data folder."""
    try:
        return int(_port_file(data).read_text())
    except (OSError, ValueError):
        return None


def _port_file(data: Path) -> Path:
    return data / "azurite.port"


def event_hubs(data: Path, partitions: int | None = None) -> Service:
    """The Event Hubs server, on a free port."""
    port, key = free_port(), event_hubs_key(data)
    command = [sys.executable, "-m", "local.eventhubs", "--port", str(port), "--data", str(data / "eventhubs")]
    count = str(partitions or os.environ.get("EVENT_HUBS_PARTITIONS") or _kept(data) or PARTITIONS)
    for hub in ("interactions", "observations"):
        command += ["--hub", f"{hub}:{count}"]
    command += ["--key-name", KEY_NAME, "--key-file", str(data / "eventhubs.key")]  # not where `ps` shows it
    command += ["--retention-hours", str(RETENTION_HOURS), "--released", str(released(data))]
    endpoint = f"Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName={KEY_NAME};SharedAccessKey={key}"
    connection_string = f"{endpoint};UseDevelopmentEmulator=true"
    settings = {"EVENT_HUBS_CONNECTION_STRING": connection_string, "EVENT_HUBS_PARTITIONS": count}
    settings["EVENT_HUBS_CONSUMER_GROUP"] = "trainer"  # traces are read with $Default, as on Azure
    return Service("eventhubs", command, lambda: listens(port), settings)


def released(data: Path) -> Path:
    """The file that tells the Event Hubs server what it may delete."""
    return data / "released.json"


def _kept(data: Path) -> int:
    """How many partitions a data folder has; 0 for a new one."""
    return sum(folder.name.isdigit() for folder in (data / "eventhubs" / "interactions").glob("*"))


def function_app(app: Path, port: int, settings: dict[str, str], places: Sequence[Place] = ()) -> list[Service]:
    """The app several times: its HTTP functions on `port`, its timers beside them; evaluations wait for no trainer,
    and everything else goes before them.

    places: of the processes that answer HTTP on a socket that they inherit; without any, one opens its own.
    """
    if app.resolve() == APP.resolve():  # whatever of it takes a body needs a key
        settings = {"FUNCTIONS_HOST_KEY_HEADERS": ",".join((*KEY_HEADERS, PRINCIPAL_HEADER, "cookie"))} | settings
    host = [sys.executable, "-m", "local.host", "--app", str(app)]
    http = Service("http", [*host, "--http-only", "--port", str(port)], lambda: is_healthy(port), settings)
    workers = [_worker(http, place, len(places)) for place in places] or [http]
    if app.resolve() != APP.resolve():
        return [*workers, _timers("timers", [*host, "--timers-only"], settings)]
    return [
        *workers,
        _timers("timers", [*host, "--timers-only", "--timer", "train"], settings),
        _timers("evaluator", [*host, "--timers-only", "--timer", "evaluate", "--nice"], settings),
    ]


def _worker(http: Service, place: Place, count: int) -> Service:
    """One of `count` processes on one socket."""
    name = http.name if count == 1 else f"{http.name}-{place.number + 1}"
    inherited = (place.listener, place.counts)
    return replace(http, name=name, command=[*http.command, "--shared", str(place)], inherited=inherited)


def _timers(name: str, command: list[str], settings: dict[str, str]) -> Service:
    port = free_port()
    return Service(name, [*command, "--port", str(port)], lambda: listens(port), settings)


def own_servers(data: Path) -> list[Service]:
    """The servers the environment does not name a replacement for. Installs Azurite if it has to."""
    makers = dict(zip(OWN_SERVERS, (storage, event_hubs), strict=True))
    return [maker(data) for setting, maker in makers.items() if not os.environ.get(setting)]
