"""What is stored of a loop: its settings, policy and model."""

from typing import Any

import msgspec

from shared.admin import configuration, configuration_body, models
from shared.dashboard.page import Call
from shared.dashboard.pages.overview.data import ModelNow, model_of


class PolicyNow(msgspec.Struct, frozen=True):
    """The learning policy in effect."""

    name: str
    arguments: str


class Settings(msgspec.Struct, frozen=True, rename="camel"):
    """configuration: as `GET configurations/service` answers it. properties: as `GET model/properties` does."""

    loop: str
    configuration: dict[str, Any]
    policy: PolicyNow
    crossings: list[str]
    model: ModelNow | None
    properties: dict[str, Any]
    created: str | None
    can_undo: bool


async def load(call: Call) -> Settings:
    """What is stored."""
    loop = call.of
    config, state = await loop.read_config(), await loop.read_checkpoint()
    crossed = (await configuration.crossed(loop, config)).get("interactions", [])
    wire = configuration_body.of(config).wire()
    wire.pop("logMirrorSasUri", None)  # it has a key in it
    return Settings(
        loop=loop.loop,
        configuration=wire,
        policy=PolicyNow(config.policy.name, config.arguments),
        crossings=crossed,
        model=model_of(state),
        properties=dict(await models.properties(loop)),
        created=call.service.registry.created(loop.loop) or None,
        can_undo=config.replaced is not None or state.replaced is not None,
    )
