"""Call one function of a FunctionApp: on the loop if it is async, in a thread of the pool if not."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import threading
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import azure.functions as func

_thread_local = threading.local()


@dataclass(frozen=True)
class TraceContext:
    """The W3C trace headers of the request that caused the invocation."""

    trace_parent: str
    trace_state: str
    attributes: dict[str, str] = field(default_factory=dict)


class InvocationContext(func.Context):
    """What a handler gets that asks for a parameter named `context`."""

    def __init__(self, function_name: str, headers: Mapping[str, str]) -> None:
        self._function_name = function_name
        self._invocation_id = str(uuid.uuid4())
        self._trace = TraceContext(headers.get("traceparent", ""), headers.get("tracestate", ""))

    @property
    def invocation_id(self) -> str:
        return self._invocation_id

    @property
    def thread_local_storage(self) -> Any:
        return _thread_local

    @property
    def function_name(self) -> str:
        return self._function_name

    @property
    def function_directory(self) -> str:
        return os.getcwd()

    @property
    def trace_context(self) -> Any:
        return self._trace

    @property
    def retry_context(self) -> Any:
        return None


class Function:
    """A handler with the names of its trigger argument and of the function."""

    def __init__(self, name: str, handler: Callable[..., Any], argument: str, pool: ThreadPoolExecutor) -> None:
        self.name = name
        self._handler = handler
        self._argument = argument
        self._pool = pool
        self._is_async = inspect.iscoroutinefunction(handler)
        self._wants_context = "context" in inspect.signature(handler).parameters

    async def __call__(self, trigger: Any, headers: Mapping[str, str] | None = None) -> Any:
        """The handler's answer. Whatever the handler raises passes through."""
        arguments = {self._argument: trigger}
        if self._wants_context:
            arguments["context"] = InvocationContext(self.name, headers or {})
        if self._is_async:
            return await self._handler(**arguments)
        loop, context = asyncio.get_running_loop(), contextvars.copy_context()
        return await loop.run_in_executor(self._pool, lambda: context.run(self._handler, **arguments))


def thread_pool() -> ThreadPoolExecutor:
    """The pool of sync handlers, as wide as in the Python worker."""
    count = os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT")
    return ThreadPoolExecutor(int(count) if count else min(32, (os.cpu_count() or 1) + 4))
