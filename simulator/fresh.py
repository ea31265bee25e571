"""A whole service of its own for one run: new data, free ports, and a look into what it learned."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from local import services
from local.__main__ import DEFAULTS, lock
from local.azurite import PROJECT
from local.supervisor import Supervisor
from shared import settings
from shared.loops import checkpoint
from shared.loops.blob_names import DEFAULT_HOME
from shared.loops.counts import Counts
from shared.storage import Storage


@dataclass(slots=True)
class FreshService:
    """A running service. Its data is deleted when it stops, unless `keep` was set."""

    url: str
    app_key: str
    admin_key: str
    data: Path
    storage: Storage
    keep: bool = False

    async def counts(self) -> Counts:
        """What became of the events so far; raises StorageUnavailable."""
        blob = await self.storage.read(checkpoint.name(DEFAULT_HOME))
        return checkpoint.decode(blob.data).counts if blob else Counts()


@asynccontextmanager
async def fresh_service(say: Callable[[str], None]) -> AsyncIterator[FreshService]:
    """Starts a service, and stops all of it at the end; StartError if a process does not start."""
    data = Path(tempfile.mkdtemp(prefix="open-personalizer-demo-"))
    port, servers = services.free_port(), [services.storage(data), services.event_hubs(data)]
    # Empty is unset: nothing of the caller's deployment may leak in.
    values = dict.fromkeys((setting.name for setting in settings.declared()), "") | DEFAULTS
    for server in servers:
        values |= server.settings
    with lock(data) as held:
        supervisor = Supervisor(PROJECT, data / "logs", held.fileno(), say)
        service = FreshService(
            url=f"http://127.0.0.1:{port}",
            app_key=DEFAULTS["APP_KEYS"],
            admin_key=DEFAULTS["ADMIN_KEYS"],
            data=data,
            storage=Storage(settings.load(values)),
        )
        try:
            await supervisor.start(*servers)
            await supervisor.start(*services.function_app(PROJECT / "function_app.py", port, values))
            yield service
        finally:
            await service.storage.close()
            await supervisor.stop()
            if not service.keep:
                shutil.rmtree(data, ignore_errors=True)
