"""HTTP: the loops of the deployment.

What works on them is imported when it is asked for: a process that answers Rank starts without it.
"""

from typing import TYPE_CHECKING, cast

import azure.functions as func

from shared.auth import Permission
from shared.errors import ApiError
from shared.serving import http
from shared.serving.routes import Routes
from shared.serving.service import Service

if TYPE_CHECKING:
    from shared.admin.loops import RoleName

routes = Routes()


@routes.deployment("GET", "loops", Permission.READ_ALL)
async def list_loops(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /loops`: every loop, the default one first."""
    from shared.admin import loops

    await service.registry.refresh()
    return http.json_answer(loops.listed(service).wire())


@routes.deployment("PUT", "loops/{loop}", Permission.OWN)
async def create_loop(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`PUT /loops/{loop}`: makes a loop; 201 with its keys, which are told only here."""
    from shared.admin import loops

    return http.json_answer((await loops.create(service, http.loop_of(req))).wire(), 201)


@routes.deployment("GET", "loops/{loop}", Permission.READ)
async def get_loop(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /loops/{loop}`."""
    from shared.admin import loops

    return http.json_answer((await loops.described(service, http.loop_of(req))).wire())


@routes.deployment("DELETE", "loops/{loop}", Permission.OWN)
async def delete_loop(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`DELETE /loops/{loop}`: the loop with its configuration, model and log."""
    from shared.admin import loops

    await loops.delete(service, http.loop_of(req))
    return http.no_content()


@routes.deployment("POST", "loops/{loop}/keys/{role}/{number}", Permission.ADMINISTER)
async def rotate_key(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`POST /loops/{loop}/keys/{role}/{number}`: a new first or second key of a role; the other goes on working."""
    from shared.admin import loops

    role, number = req.route_params["role"], req.route_params["number"]
    if role not in loops.ROLES or number not in [str(one + 1) for one in range(loops.KEYS_PER_ROLE)]:
        raise ApiError("ResourceNotFound", "Keys are app/1, app/2, admin/1, admin/2, reader/1 and reader/2.")
    key = await loops.rotate(service, http.loop_of(req), cast("RoleName", role), int(number))
    return http.json_answer(key.wire())
