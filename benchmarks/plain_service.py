"""Rank as one would build it first, as a service: FastAPI on uvicorn, pydantic, VW's public predict, a send per event.

`python -m benchmarks.plain_service MODEL` serves on a free port, which it prints.
EVENT_HUBS_CONNECTION_STRING says
where decisions are logged, each acknowledged before it is answered.
"""

import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvicorn
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient
from fastapi import FastAPI

from benchmarks.plain import Ranker, Request


def service(model: Path, connection: str) -> FastAPI:
    """The service, with one model for ever."""
    ranker = Ranker(model)
    producer = EventHubProducerClient.from_connection_string(connection, eventhub_name="interactions")

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with producer:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/rank", status_code=201)
    async def rank(request: Request) -> dict[str, Any]:
        event_id, ranking = ranker.rank(request)
        answer = {
            "eventId": event_id,
            "rewardActionId": ranking[0][0],
            "ranking": [{"id": name, "probability": probability} for name, probability in ranking],
        }
        await producer.send_event(EventData(request.model_dump_json()), partition_key=event_id)
        return answer

    return app


def main() -> None:
    """Entry point of the command."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(f"ready: http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        app = service(Path(sys.argv[1]), os.environ["EVENT_HUBS_CONNECTION_STRING"])
        config = uvicorn.Config(app, access_log=False, log_level="warning")
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
