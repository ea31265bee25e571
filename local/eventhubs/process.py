"""The server as a child process, for tests and tools."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Self


class EventHubsProcess:
    def __init__(self, data: Path, *hubs: str, port: int = 0, options: tuple[str, ...] = ()) -> None:
        """Start a server with `hubs` (NAME:PARTITIONS) and wait until it serves; its log is `log` in `data`."""
        data = data.resolve()
        data.mkdir(parents=True, exist_ok=True)
        self.log = data / "log"
        command = [sys.executable, "-m", "local.eventhubs", "--port", str(port), "--data", str(data), *options]
        for hub in hubs:
            command += ["--hub", hub]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=_ROOT)
        assert self.process.stdout
        ready = self.process.stdout.readline()
        if not ready.startswith("ready: "):
            self.stop()
            raise RuntimeError(f"the Event Hubs server did not start: {self.log.read_text()}")
        self.port = int(ready.rpartition(":")[2])

    @property
    def connection_string(self) -> str:
        return (
            f"Endpoint=sb://127.0.0.1:{self.port};SharedAccessKeyName=RootManageSharedAccessKey;"
            "SharedAccessKey=local;UseDevelopmentEmulator=true"
        )

    def kill(self) -> None:
        """End it without warning, as a crash does."""
        self.process.kill()
        self._wait()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self._wait()

    def _wait(self) -> None:
        with self.process:
            self.process.wait(timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.stop()


_ROOT = Path(__file__).parents[2]
