"""The functions of a FunctionApp, by trigger."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import os
import sys
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import azure.functions as func

from local.host.http_trigger import HttpFunction
from local.host.invocation import Function
from local.host.routes import Route
from local.host.timers import Timer

log = logging.getLogger("local.host")


def load_app(path: Path) -> func.FunctionApp:
    """The one FunctionApp of a script. ValueError if there is none or more than one."""
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location("function_app", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ValueError(f"{path} is not a Python file; name the script with --app")
    module = importlib.util.module_from_spec(spec)
    sys.modules["function_app"] = module
    spec.loader.exec_module(module)
    apps = [value for value in vars(module).values() if isinstance(value, func.FunctionApp)]
    if len(apps) != 1:
        raise ValueError(f"{path} must hold exactly one FunctionApp, it holds {len(apps)}")
    return apps[0]


def route_prefix(folder: Path) -> str:
    """`extensions.http.routePrefix` of host.json, by default `api`."""
    path = folder / "host.json"
    settings: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    prefix: str = settings.get("extensions", {}).get("http", {}).get("routePrefix", "api")
    return prefix.strip("/")


def _is_disabled(name: str) -> bool:
    setting = os.environ.get(f"AzureWebJobs.{name}.Disabled") or os.environ.get(f"AzureWebJobs_{name}_Disabled")
    return (setting or "").lower() in {"1", "true"}


class Functions:
    """Routes and timers of an app; what runs by itself runs as a task of the current loop."""

    def __init__(self, app: func.FunctionApp, prefix: str, pool: ThreadPoolExecutor) -> None:
        self.routes: list[Route[HttpFunction]] = []
        self.timers: dict[str, Timer] = {}
        self._pool = pool
        self._running: set[asyncio.Task[None]] = set()
        for declared in app.get_functions():
            self._add(declared, prefix)

    def _add(self, declared: Any, prefix: str) -> None:
        name, trigger = declared.get_function_name(), declared.get_trigger().get_dict_repr()
        if _is_disabled(name):
            return
        function = Function(name, declared.get_user_function(), trigger["name"], self._pool)
        if trigger["type"] == "httpTrigger":
            template = "/".join(part for part in (prefix, (trigger.get("route") or name).strip("/")) if part)
            methods = [getattr(method, "value", method) for method in trigger.get("methods") or ()]
            level = str(getattr(trigger.get("authLevel"), "value", "function"))
            self.routes.append(Route(template, methods or None, HttpFunction(function, level.lower())))
        elif trigger["type"] == "timerTrigger":
            self.timers[name.lower()] = Timer(function, trigger["schedule"], bool(trigger.get("runOnStartup")))
        else:
            log.warning("function %s is not served: its trigger %s is not known here", name, trigger["type"])

    def keep_timers(self, names: Sequence[str]) -> None:
        """Drops all timers but those of these names; ValueError if there is none of a name. Without names all stay."""
        wanted = {name.lower() for name in names}
        if unknown := wanted - set(self.timers):
            raise ValueError(f"the app has no timer called {min(unknown)}")
        if wanted:
            self.timers = {name: timer for name, timer in self.timers.items() if name in wanted}

    def run_timers(self) -> None:
        for timer in self.timers.values():
            self._spawn(timer.run_forever())

    def start(self, name: str) -> bool:
        """Run a timer's function now, in the background; False if there is none of that name."""
        timer = self.timers.get(name.lower())
        if timer is not None:
            self._spawn(timer.run_once())
        return timer is not None

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
