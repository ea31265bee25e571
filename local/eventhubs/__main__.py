"""Run the Event Hubs server: python -m local.eventhubs --data DIR --hub NAME:PARTITIONS ..."""

import argparse
import asyncio
import fcntl
import logging
import os
import resource
import signal
import sys
from pathlib import Path
from typing import TextIO

from .. import pulse
from ..arguments import port
from .disk.partition_log import Retention
from .hub import HubSpec, Misconfigured
from .sas import SasKey
from .server import MAX_CONNECTIONS, Server


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="eventhubs: %(message)s", stream=sys.stderr)
    options = _parser().parse_args()
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    try:
        lock = _lock(options.data)
        asyncio.run(_serve(options))
        lock.close()
    except Misconfigured as error:
        print(f"eventhubs: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"eventhubs: {error}: check --data {options.data}", file=sys.stderr)
        return 1
    return 0


async def _serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    hubs = [HubSpec.parse(text) for text in options.hub]
    retention = Retention(options.retention_hours * 3600, options.retention_bytes)
    secret = options.key_file.read_text().strip() if options.key_file else options.key
    key = SasKey(options.key_name, secret) if secret else None
    server = Server(options.data, hubs, retention, key, options.max_connections, options.released)
    signs = pulse.start()
    try:
        await server.serve(options.host, options.port, stop)
    except OSError as error:
        text = f"cannot listen on {options.host}:{options.port} ({os.strerror(error.errno or 0)})"
        raise Misconfigured(f"{text}: stop what uses the port, or choose another with --port (0: any)") from None
    finally:
        if signs is not None:
            signs.cancel()


def _lock(data: Path) -> TextIO:
    """Two servers must not write to the same files."""
    data.mkdir(parents=True, exist_ok=True)
    lock = (data / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Misconfigured(f"another server uses {data}: stop it, or choose another directory with --data") from None
    return lock


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.eventhubs", description="An embedded Event Hubs server.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=port, default=5672, help="port, 0 for any (default: %(default)s)")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="where the events are kept")
    parser.add_argument(
        "--hub", action="append", required=True, metavar="NAME:PARTITIONS", help="an event hub; may be repeated"
    )
    parser.add_argument(
        "--retention-hours", type=float, default=48, metavar="H", help="how long events are kept (default: %(default)s)"
    )
    parser.add_argument(
        "--retention-bytes", type=int, metavar="N", help="how much is kept per partition (default: no limit)"
    )
    parser.add_argument(
        "--released", type=Path, metavar="FILE", help="says which events nobody needs any more; they are deleted"
    )
    parser.add_argument("--key-name", default="RootManageSharedAccessKey", help="name of --key (default: %(default)s)")
    parser.add_argument("--key", help="shared access key that clients must have (default: every token is accepted)")
    parser.add_argument("--key-file", type=Path, metavar="FILE", help="the same, in a file")
    parser.add_argument(
        "--max-connections", type=int, default=MAX_CONNECTIONS, metavar="N", help="(default: %(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
