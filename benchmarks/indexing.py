"""Microsoft's Python binding of Azure Functions indexes the app and loads each of its functions.

`python benchmarks/indexing.py FOLDER`: the binding is in FOLDER, the app in the current folder. Prints how many
functions there are, and the milliseconds that they took beyond the import of the app.
"""

import asyncio
import sys
import time
from types import SimpleNamespace
from typing import Any

sys.path[:0] = [sys.argv[1], "."]

import azure_functions_runtime as runtime  # type: ignore[import-not-found]  # noqa: E402

import function_app  # noqa: E402, F401


class Message(type):
    """A protobuf message type: takes any field; its enumeration values are numbers."""

    def __getattr__(cls, name: str) -> int:
        return {"inout": 2, "out": 1}.get(name, 0)


class Messages:
    """Stands for the protobuf module that the host hands to the binding."""

    def __getattr__(self, name: str) -> Message:
        return Message(name, (SimpleNamespace,), {})


def message(**request: Any) -> Any:
    return SimpleNamespace(request=SimpleNamespace(**request), properties={"host": "127.0.0.1", "protos": Messages()})


async def main() -> None:
    begun = time.perf_counter()
    started = SimpleNamespace(capabilities={}, function_app_directory=".")
    await runtime.worker_init_request(message(worker_init_request=started))
    functions = (await runtime.functions_metadata_request(message())).function_metadata_results
    for one in functions:
        loading = SimpleNamespace(function_id=one.function_id)
        await runtime.function_load_request(message(function_load_request=loading))
    print(len(functions), (time.perf_counter() - begun) * 1e3)


if __name__ == "__main__":
    asyncio.run(main())
