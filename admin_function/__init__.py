"""HTTP: configuration, policy, model properties, health."""

import azure.functions as func

from shared import configuration, health, http
from shared.auth import Role
from shared.service import Service

bp = func.Blueprint()


@bp.route("personalizer/{version}/configurations/service", methods=["GET"])
@http.endpoint(Role.ADMIN)
async def get_service_configuration(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /configurations/service`."""
    return http.json_answer((await configuration.read(service.loop(), service.storage)).to_wire())


@bp.route("personalizer/{version}/configurations/service", methods=["PUT"])
@http.endpoint(Role.ADMIN)
async def put_service_configuration(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`PUT /configurations/service`: the full configuration, in effect here at once, elsewhere within seconds."""
    return http.json_answer((await configuration.update(service.loop(), service.storage, req.get_body())).to_wire())


@bp.route("personalizer/{version}/configurations/policy", methods=["GET"])
@http.endpoint(Role.ADMIN)
async def get_policy(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /configurations/policy`: the learning policy with its exploration in effect."""
    config = await configuration.read(service.loop(), service.storage)
    return http.json_answer({"name": config.policy.name, "arguments": config.arguments})


@bp.route("personalizer/{version}/model/properties", methods=["GET"])
@http.endpoint(Role.ADMIN)
async def get_model_properties(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /model/properties`: when the first and the current model were made."""
    return http.json_answer(await configuration.model_properties(service.loop(), service.storage))


@bp.route("health", methods=["GET"])
@http.endpoint(None)
async def get_health(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /health`: liveness, the age of the model, whether the event log answers. Needs no key, tells no names."""
    return http.json_answer(await health.report(service))
