"""HTTP: the dashboard, all of its pages in one function: each function costs time when a process starts."""

import asyncio
import importlib
import sys

import azure.functions as func

from shared.serving import service

bp = func.Blueprint()


@bp.function_name("dashboard")
@bp.route("dashboard/{*path}", methods=[func.HttpMethod.GET, func.HttpMethod.HEAD, func.HttpMethod.POST])
async def dashboard(req: func.HttpRequest) -> func.HttpResponse:
    """A page, its JSON twin, a file, or what a form asks for."""
    site = "shared.dashboard.site"
    if site not in sys.modules:  # here, and beside the requests: a process that answers Rank starts without it
        await asyncio.to_thread(importlib.import_module, site)
    from shared.dashboard.site import answer

    return await answer(req, service.current())
