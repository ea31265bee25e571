"""What a dry run can tell without a service: whether one would take the configuration, the policy and the model."""

from pathlib import Path
from typing import Any

import msgspec

from migration.in_effect import known
from migration.report import Section
from shared import scratch
from shared.admin import configuration_body, policy_body, policy_check, signing
from shared.admin.model_trust import ZIP
from shared.errors import ApiError
from shared.hubs import events
from shared.loops.config import LoopConfig
from shared.vw import model_header, trial

# MAX_MODEL_BYTES of a deployment may be less, and is not known here.
MOST_BYTES = 100_000_000


def service(section: Section, given: dict[str, Any]) -> None:
    """Tries a service configuration on a loop that has the defaults, where it does not say something else."""
    put, config = known(given), LoopConfig()
    mode = put.pop("learningMode", config.mode)
    try:
        for changed in (put, {"learningMode": mode}):
            body = msgspec.json.encode(configuration_body.of(config).wire() | changed)
            config = configuration_body.updated(config, body, events.now())
    except ApiError as error:
        _refuse(section, error)


async def policy(section: Section, given: dict[str, Any]) -> None:
    """Whether it may be a policy, and VW starts with it."""
    try:
        config = LoopConfig()
        await policy_check.checked(policy_body.policy(msgspec.json.encode(given), config), config.exploration)
    except ApiError as error:
        _refuse(section, error)


async def model(section: Section, data: bytes) -> None:
    """Whether it is signed as it should be, and VW predicts and learns with it."""
    try:
        if data.startswith(ZIP):
            data = signing.unpack(data, MOST_BYTES).model
        arguments = policy_check.with_epsilon(model_header.read(data).options, LoopConfig().exploration)
        with scratch.folder() as name:
            folder = Path(name)
            (folder / "given.vw").write_bytes(data)
            await trial.run(folder, arguments, folder / "given.vw")
    except (ApiError, ValueError, trial.Refusal) as error:
        _refuse(section, error)


def _refuse(section: Section, error: Exception) -> None:
    code = f"{error.status} {error.code}: " if isinstance(error, ApiError) else ""
    section.failed, section.outcome = True, f"would be refused: {code}{error}"
