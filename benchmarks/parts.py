"""The real servers for a benchmark, on free ports and in a folder that is deleted afterwards."""

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from local import azurite
from local.eventhubs.process import EventHubsProcess
from local.services import PARTITIONS, free_port
from shared.loops.config import LoopConfig, Policy
from shared.settings import Settings, load
from shared.vw.policy import EARLIER_ARGUMENTS

# What times are compared with is Vowpal Wabbit under the default policy until 0.2, which is all its own.
EARLIER = LoopConfig(policy=Policy("earlier", EARLIER_ARGUMENTS))
KEYS = {"APP_KEYS": "local-app-key", "ADMIN_KEYS": "local-admin-key"}


@contextlib.contextmanager
def servers(partitions: int = PARTITIONS) -> Iterator[dict[str, str]]:
    """Azurite and the Event Hubs server; yields the environment that points the function app at them."""
    with tempfile.TemporaryDirectory(prefix="open-personalizer-") as folder, contextlib.ExitStack() as stack:
        hubs = [f"interactions:{partitions}", f"observations:{partitions}"]
        hub = stack.enter_context(EventHubsProcess(Path(folder, "eventhubs"), *hubs))
        port = free_port()
        blobs = subprocess.Popen(azurite.command(port, Path(folder, "azurite")), stdout=subprocess.DEVNULL)
        stack.callback(_stop, blobs)
        _await(f"http://127.0.0.1:{port}/")
        yield {
            **KEYS,
            "STORAGE_CONNECTION_STRING": azurite.connection_string(port),
            "EVENT_HUBS_CONNECTION_STRING": hub.connection_string,
            "EVENT_HUBS_PARTITIONS": str(partitions),
        }


def settings(environment: dict[str, str]) -> Settings:
    return load(environment)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()


def _await(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            urlopen(url, timeout=1)  # noqa: S310
        except URLError as error:
            if hasattr(error, "code"):
                return
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
