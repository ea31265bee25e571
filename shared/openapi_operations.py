"""Every operation that the service answers, declared once; `shared.openapi` makes the document of it."""

from typing import Any

import msgspec

from shared import openapi_schemas as schemas
from shared.auth import Role
from shared.configuration import ModelProperties
from shared.loop_admin import LoopInfo
from shared.loops import ServiceConfiguration
from shared.openapi_schemas import Binary, Features
from shared.wire import RankRequest, RankResponse, RewardRequest

RANK = {
    "eventId": "visit-1",
    "contextFeatures": [{"timeOfDay": "morning", "device": "phone"}],
    "actions": [
        {"id": "pasta", "features": [{"taste": "salty", "calories": 650}]},
        {"id": "ice-cream", "features": [{"taste": "sweet", "calories": 270}]},
    ],
}
SLOTS = [
    {"id": "top", "baselineAction": "pasta", "features": [{"size": "large"}]},
    {"id": "side", "baselineAction": "ice-cream", "excludedActions": ["pasta"]},
]
CONFIGURATION = {
    "rewardWaitTime": "PT10M",
    "defaultReward": 0,
    "rewardAggregation": "earliest",
    "explorationPercentage": 0.2,
    "modelExportFrequency": "PT1M",
    "logRetentionDays": 90,
    "learningMode": "Online",
}
POLICY = {"name": "plain", "arguments": "--cb_explore_adf --epsilon 0.2 --cb_type mtr -q ::"}
EVALUATION = {
    "name": "last week",
    "startTime": "2026-01-01T00:00:00Z",
    "endTime": "2026-01-08T00:00:00Z",
    "policies": [],
}


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation, its `path` below the version for those of a loop, `status` that of success.

    role: the least that a key must have, None for an operation that needs no key. errors: the codes beside those
    that every operation may answer. answer, body: types whose schemas the document shows.
    """

    tag: str
    method: str
    path: str
    summary: str
    role: Role | None = Role.ADMIN
    status: int = 200
    answer: Any = None
    body: Any = None
    query: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    example: Any = None
    of_loop: bool = True

    @property
    def paths(self) -> tuple[str, ...]:
        """Where it is answered: the loop default has the short path, too."""
        if not self.of_loop:
            return (f"/{self.path}",)
        path = f"/personalizer/{{version}}/{self.path}"
        return path, f"/loops/{{loop}}{path}"


DECIDE = [
    Operation(
        tag="Decide",
        method="POST",
        path="rank",
        summary="Chooses one of the actions to show now, and logs the decision.",
        role=Role.APP,
        status=201,
        answer=RankResponse,
        body=RankRequest[Features],
        errors=("BadRequest", "InvalidRankRequest", "InvalidMultiSlotApiAccess", "ModelRankingError"),
        example=RANK,
    ),
    Operation(
        tag="Decide",
        method="POST",
        path="events/{eventId}/reward",
        summary="Tells how well a decision did, from -1 to 1.",
        role=Role.APP,
        status=204,
        body=RewardRequest,
        errors=("BadRequest", "InvalidRewardRequest", "InvalidMultiSlotApiAccess"),
        example={"value": 1},
    ),
    Operation(
        tag="Decide",
        method="POST",
        path="events/{eventId}/activate",
        summary="Tells that a decision with deferred activation was shown after all.",
        role=Role.APP,
        status=204,
        errors=("InvalidEventIdToActivate", "InvalidMultiSlotApiAccess"),
    ),
    Operation(
        tag="Decide",
        method="POST",
        path="multislot/rank",
        summary="Chooses a different action for each slot, and logs the decision. Needs a multi-slot learning policy.",
        role=Role.APP,
        status=201,
        answer=schemas.MultiSlotRankResponse,
        body=schemas.MultiSlotRankRequest,
        errors=("BadRequest", "InvalidRankRequest", "InvalidMultiSlotApiAccess", "ModelRankingError"),
        example=RANK | {"eventId": "visit-2", "slots": SLOTS},
    ),
    Operation(
        tag="Decide",
        method="POST",
        path="multislot/events/{eventId}/reward",
        summary="Tells how well some slots of a decision did, each from -1 to 1.",
        role=Role.APP,
        status=204,
        body=schemas.MultiSlotRewardRequest,
        errors=("BadRequest", "InvalidRewardRequest", "InvalidMultiSlotApiAccess"),
        example={"reward": [{"slotId": "top", "value": 1}]},
    ),
    Operation(
        tag="Decide",
        method="POST",
        path="multislot/events/{eventId}/activate",
        summary="Tells that a multi-slot decision with deferred activation was shown after all.",
        role=Role.APP,
        status=204,
        errors=("InvalidEventIdToActivate", "InvalidMultiSlotApiAccess"),
    ),
]
CONFIGURE = [
    Operation(
        tag="Configure",
        method="GET",
        path="configurations/service",
        summary="The service configuration of the loop.",
        answer=ServiceConfiguration,
    ),
    Operation(
        tag="Configure",
        method="PUT",
        path="configurations/service",
        summary="Replaces the service configuration. In effect within seconds.",
        answer=ServiceConfiguration,
        body=ServiceConfiguration,
        errors=(
            *("BadRequest", "InvalidServiceConfiguration", "InvalidLearningModeServiceConfiguration"),
            *("InvalidRewardWaitTime", "InvalidLogRetentionDays", "InvalidModelRetrainDays"),
            "UpdateConfigurationFailed",
        ),
        example=CONFIGURATION,
    ),
    Operation(
        tag="Configure",
        method="GET",
        path="configurations/policy",
        summary="The learning policy, with the exploration in effect.",
        answer=schemas.PolicyContract,
    ),
    Operation(
        tag="Configure",
        method="PUT",
        path="configurations/policy",
        summary="Replaces the learning policy. The loop starts a new model and learns the retained log again.",
        answer=schemas.PolicyContract,
        body=schemas.PolicyContract,
        errors=("BadRequest", "InvalidPolicyConfiguration", "InvalidPolicyContract", "UpdateConfigurationFailed"),
        example=POLICY,
    ),
    Operation(
        tag="Configure",
        method="DELETE",
        path="configurations/policy",
        summary="Goes back to the default learning policy, and answers it.",
        answer=schemas.PolicyContract,
        errors=("UpdateConfigurationFailed",),
    ),
]
MODEL = [
    Operation(
        tag="Model and log",
        method="GET",
        path="model",
        summary="The model, to be kept or taken elsewhere: a Vowpal Wabbit model, or a zip of it and its signature.",
        answer=Binary,
        query=("signed",),
    ),
    Operation(
        tag="Model and log",
        method="HEAD",
        path="model",
        summary="Date and length of the model.",
        query=("signed",),
    ),
    Operation(
        tag="Model and log",
        method="PUT",
        path="model",
        summary="Takes over a model that was exported before. One that does not fit the loop changes nothing.",
        status=204,
        body=Binary,
        errors=("InvalidModelImportFormat", "InvalidModelImportSignature", "ModelPublishFailed"),
    ),
    Operation(
        tag="Model and log",
        method="DELETE",
        path="model",
        summary="Forgets the model: the loop starts anew.",
        status=204,
        errors=("ModelResetFailed",),
    ),
    Operation(
        tag="Model and log",
        method="GET",
        path="model/properties",
        summary="When the first and the current model were made.",
        answer=ModelProperties,
    ),
    Operation(
        tag="Model and log",
        method="GET",
        path="logs/properties",
        summary="The time that the joined log covers.",
        answer=schemas.LogsProperties,
        errors=("LogsPropertiesNotFound",),
    ),
    Operation(tag="Model and log", method="DELETE", path="logs", summary="Deletes the joined log.", status=204),
]
NOT_PART = [
    Operation(tag="Not part of this version", method=method, path=path, summary=summary, role=role, status=501)
    for method, path, summary, role in (
        ("POST", "logs/interactions", "Takes decisions that a client made by itself.", Role.APP),
        ("POST", "logs/observations", "Takes rewards of decisions that a client made by itself.", Role.APP),
        ("GET", "evaluations", "Offline evaluations.", Role.ADMIN),
        ("POST", "evaluations", "Starts an offline evaluation.", Role.ADMIN),
        ("GET", "evaluations/{evaluationId}", "An offline evaluation.", Role.ADMIN),
        ("DELETE", "evaluations/{evaluationId}", "Deletes an offline evaluation.", Role.ADMIN),
        ("POST", "configurations/applyFromEvaluation", "Applies a policy of an offline evaluation.", Role.ADMIN),
    )
]
DEPLOYMENT = [
    Operation(
        tag="Loops",
        method="GET",
        path="loops",
        summary="Lists the loops.",
        role=Role.OWNER,
        answer=schemas.LoopList,
        of_loop=False,
    ),
    Operation(
        tag="Loops",
        method="PUT",
        path="loops/{loop}",
        summary="Makes a loop; its keys are told only here.",
        role=Role.OWNER,
        status=201,
        answer=LoopInfo,
        errors=("InvalidLoopName", "LoopAlreadyExists"),
        of_loop=False,
    ),
    Operation(
        tag="Loops", method="GET", path="loops/{loop}", summary="Describes a loop.", answer=LoopInfo, of_loop=False
    ),
    Operation(
        tag="Loops",
        method="POST",
        path="loops/{loop}/keys/{role}/{number}",
        summary="Replaces one of a loop's keys; the other key of its role goes on working.",
        answer=schemas.NewKey,
        errors=("LoopKeysFixed",),
        of_loop=False,
    ),
    Operation(
        tag="Loops",
        method="DELETE",
        path="loops/{loop}",
        summary="Deletes a loop with its configuration, model and log.",
        role=Role.OWNER,
        status=204,
        errors=("InvalidLoopName",),
        of_loop=False,
    ),
    Operation(
        tag="Loops",
        method="GET",
        path="loops/{loop}/events/{eventId}",
        summary="What became of an event: its decision, its observations, and the model that learned it.",
        answer=dict[str, Any],
        errors=("EventNotFound",),
        of_loop=False,
    ),
    Operation(
        tag="Loops",
        method="GET",
        path="loops/{loop}/apprentice",
        summary="How an apprentice is doing: how often it matched the baseline, and both rewards.",
        answer=dict[str, Any],
        of_loop=False,
    ),
    Operation(
        tag="Service",
        method="GET",
        path="health",
        summary="Whether this process is well.",
        role=None,
        answer=schemas.Health,
        of_loop=False,
    ),
    Operation(
        tag="Service",
        method="GET",
        path="openapi.json",
        summary="This document.",
        role=None,
        answer=dict[str, Any],
        of_loop=False,
    ),
    Operation(
        tag="Service",
        method="GET",
        path="docs",
        summary="This document, to be read.",
        role=None,
        answer=schemas.Page,
        of_loop=False,
    ),
]
# Described above and not answered yet: an operation is in the document when its line here is gone.
NOT_SERVED = {
    ("POST", "multislot/rank"),
    ("POST", "multislot/events/{eventId}/reward"),
    ("POST", "multislot/events/{eventId}/activate"),
    ("PUT", "configurations/policy"),
    ("DELETE", "configurations/policy"),
    ("GET", "model"),
    ("HEAD", "model"),
    ("PUT", "model"),
    ("DELETE", "model"),
    ("GET", "logs/properties"),
    ("DELETE", "logs"),
    ("GET", "loops/{loop}/events/{eventId}"),
    ("GET", "loops/{loop}/apprentice"),
}
OPERATIONS = [
    one for one in (*DECIDE, *CONFIGURE, *MODEL, *DEPLOYMENT, *NOT_PART) if (one.method, one.path) not in NOT_SERVED
]
