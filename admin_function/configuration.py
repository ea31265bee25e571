"""HTTP: service configuration and learning policy.

The document is imported when it is asked for: a process that answers Rank starts without pydantic.
"""

from datetime import timedelta

import azure.functions as func

from shared.admin import configuration
from shared.loops.config import LoopConfig
from shared.serving import http
from shared.serving.routes import Routes
from shared.serving.service import Service

routes = Routes()


@routes.operation("GET", "configurations/service")
async def get_service_configuration(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /configurations/service`."""
    loop = service.loop(http.loop_of(req))
    return _service(await loop.read_config())


@routes.operation("PUT", "configurations/service")
async def put_service_configuration(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`PUT /configurations/service`: the full configuration, in effect here at once, elsewhere within seconds."""
    loop = service.loop(http.loop_of(req))
    longest_wait = timedelta(hours=service.settings.longest_reward_wait_hours)
    config = await configuration.update(loop, http.text_of(req), longest_wait)
    return _service(config)


@routes.operation("GET", "configurations/policy")
async def get_policy(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /configurations/policy`: the learning policy with its exploration in effect."""
    return _policy(await service.loop(http.loop_of(req)).read_config())


@routes.operation("PUT", "configurations/policy")
async def put_policy(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`PUT /configurations/policy`: another policy, with which the trainer learns the retained log again."""
    loop = service.loop(http.loop_of(req))
    return _policy(await configuration.put_policy(loop, http.text_of(req)))


@routes.operation("DELETE", "configurations/policy")
async def delete_policy(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`DELETE /configurations/policy`: the default policy of the deployment, which is answered."""
    return _policy(await configuration.reset_policy(service.loop(http.loop_of(req))))


def _service(config: LoopConfig) -> func.HttpResponse:
    from shared.admin import configuration_body

    return http.json_answer(configuration_body.of(config).wire())


def _policy(config: LoopConfig) -> func.HttpResponse:
    return http.json_answer({"name": config.policy.name, "arguments": config.arguments})
