"""HTTP: service configuration and learning policy.

The document is imported when it is asked for: a process that answers Rank starts without pydantic.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import azure.functions as func

from shared.admin import configuration
from shared.loops.config import LoopConfig
from shared.serving import http
from shared.serving.routes import Routes
from shared.serving.service import Service

routes = Routes()
NOTHING: Mapping[str, Any] = MappingProxyType({})


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
    return _service(config, await configuration.consequence(loop, config))


@routes.operation("GET", "configurations/policy")
async def get_policy(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`GET /configurations/policy`: the learning policy with its exploration in effect."""
    loop = service.loop(http.loop_of(req))
    config = await loop.read_config()
    return _policy(config, await configuration.crossed(loop, config))


@routes.operation("PUT", "configurations/policy")
async def put_policy(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`PUT /configurations/policy`: another policy, with which the trainer learns the retained log again."""
    loop = service.loop(http.loop_of(req))
    config = await configuration.put_policy(loop, http.text_of(req))
    return _policy(config, await configuration.consequence(loop, config))


@routes.operation("DELETE", "configurations/policy")
async def delete_policy(req: func.HttpRequest, service: Service) -> func.HttpResponse:
    """`DELETE /configurations/policy`: the default policy of the deployment, which is answered."""
    loop = service.loop(http.loop_of(req))
    config = await configuration.reset_policy(loop)
    return _policy(config, await configuration.consequence(loop, config))


def _service(config: LoopConfig, more: Mapping[str, Any] = NOTHING) -> func.HttpResponse:
    from shared.admin import configuration_body

    return http.json_answer({**configuration_body.of(config).wire(), **more})


def _policy(config: LoopConfig, more: Mapping[str, Any] = NOTHING) -> func.HttpResponse:
    return http.json_answer({"name": config.policy.name, "arguments": config.arguments, **more})
