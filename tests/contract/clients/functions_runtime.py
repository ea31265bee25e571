"""Microsoft's Python binding of Azure Functions loads the app in this folder and invokes it; prints what came back.

`python functions_runtime.py FOLDER ...`: modules are looked for in these folders first, the binding among them. Reads a
JSON list of [function, trigger] from standard input, where a trigger is {"method", "path", "headers", "params",
"query", "body"} or null for a timer. Of all loggers, it counts the lines that they would write at INFO or above.
"""

import asyncio
import json
import logging
import sys
from types import SimpleNamespace
from typing import Any

sys.path[:0] = [*sys.argv[1:], "."]

import azure_functions_runtime as runtime  # noqa: E402
from azure_functions_runtime.bindings.datumdef import Datum  # noqa: E402
from azure_functions_runtime.native_invocation import invocation_request_native  # noqa: E402

# The enumeration values of BindingInfo that the binding compares numbers with.
BINDING_INFO = {"undefined": 0, "out": 1, "inout": 2}


class Message(type):
    """A protobuf message type: takes any field; its enumeration values are their names, but for BindingInfo's."""

    def __getattr__(cls, name: str) -> Any:
        return BINDING_INFO.get(name, name)


class Messages:
    """Stands for the protobuf module that the host hands to the binding."""

    def __getattr__(self, name: str) -> Message:
        return Message(name, (SimpleNamespace,), {})


def message(**request: Any) -> Any:
    return SimpleNamespace(request=SimpleNamespace(**request), properties={"host": "127.0.0.1", "protos": Messages()})


def texts(values: dict[str, str]) -> dict[str, Datum]:
    return {name: Datum(value, "string") for name, value in values.items()}


def http(trigger: dict[str, Any]) -> Datum:
    request = texts({"method": trigger["method"], "url": f"http://localhost/{trigger['path']}"})
    body = Datum(trigger["body"].encode(), "bytes")
    lists = {name: texts(trigger[name]) for name in ("headers", "params", "query")}
    return Datum({**request, **lists, "body": body}, "http")


def timer() -> Datum:
    return Datum(json.dumps({"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False}), "json")


async def main() -> None:
    capabilities = SimpleNamespace(capabilities={}, function_app_directory=".")
    started = await runtime.worker_init_request(message(worker_init_request=capabilities))
    assert started.result.status == "Success", started.result.exception.message
    indexed = await runtime.functions_metadata_request(message())
    functions = {one.name: one for one in indexed.function_metadata_results}
    answers = []
    lines.clear()
    for number, (name, trigger) in enumerate(json.load(sys.stdin)):
        bound = [("timer", timer())] if trigger is None else [("req", http(trigger))]
        done = await invocation_request_native(str(number), functions[name].function_id, bound, {})
        ok, returned, _, error, _ = done
        answers.append({"ok": ok, "error": error} | (answer(returned) if trigger else {}))
    bindings = {name: [json.loads(text) for text in one.raw_bindings] for name, one in functions.items()}
    print(json.dumps({"functions": bindings, "answers": answers, "lines": lines}))


def answer(returned: Datum | None) -> dict[str, Any]:
    value = returned.value if returned else {}
    headers = {name: one.value for name, one in value["headers"].items()}
    cookies = [{"name": name, **one} for each in value["cookies"] or [] for name, one in each.items()]
    status, body = int(value["status_code"].value), value["body"].value.decode()
    return {"status": status, "headers": headers, "body": body, "cookies": cookies}


class Counting(logging.Handler):
    """Counts the lines of each logger."""

    def emit(self, record: logging.LogRecord) -> None:
        lines[record.name] = lines.get(record.name, 0) + 1


lines: dict[str, int] = {}
logging.basicConfig(level=logging.INFO, handlers=[Counting()])
runtime.start_threadpool_executor()
asyncio.run(main())
