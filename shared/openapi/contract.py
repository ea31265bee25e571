"""The operations of the REST contract, which every loop has, declared for the OpenAPI document."""

from functools import partial

from shared.admin.configuration_body import ServiceConfiguration
from shared.admin.evaluation_bodies import (
    EvaluationContract,
    FeatureImportanceContract,
    OfflineEvaluationContract,
    PolicyReferenceContract,
)
from shared.admin.logs import LogsProperties
from shared.admin.models import ModelProperties
from shared.admin.policy_body import PolicyContract
from shared.auth import Permission
from shared.evaluation.answers_2022 import FeatureImportance, JobPage, OfflineEvaluation
from shared.evaluation.answers_v1 import Evaluation
from shared.openapi import examples
from shared.openapi.operation import Operation
from shared.openapi.schemas import Binary, Features, ServiceConfigurationRequest, ServiceStatus
from shared.rank.slots_wire import MultiSlotRankRequest, MultiSlotRankResponse, MultiSlotRewardRequest
from shared.rank.wire import RankRequest, RankResponse, RewardRequest
from shared.serving.versions import Api

_decide = partial(Operation, tag="Decide", method="POST", needs=Permission.DECIDE)
_local = partial(Operation, tag="Local inference", method="POST", needs=Permission.DECIDE, body=Binary, status=204)
_configure = partial(Operation, tag="Configure")
_model = partial(Operation, tag="Model and log")
_BATCH_ERRORS = ("BadRequest", "InvalidRankRequest", "InvalidMultiSlotApiAccess")
_RANK_ERRORS = (*_BATCH_ERRORS, "ModelRankingError", "TooManyRequests")
_REWARD_ERRORS = ("BadRequest", "InvalidRewardRequest", "InvalidMultiSlotApiAccess")
_ACTIVATE_ERRORS = ("InvalidEventIdToActivate", "InvalidMultiSlotApiAccess")

DECIDE = [
    _decide(
        path="rank",
        summary="Chooses one of the actions to show now, and logs the decision. Explanations, if configured, name "
        "the features unless the policy has several models (--bag, --cover).",
        status=201,
        answer=RankResponse,
        body=RankRequest[Features],
        errors=_RANK_ERRORS,
        example=examples.RANK,
    ),
    _decide(
        path="events/{eventId}/reward",
        summary="Tells how well a decision did, from -1 to 1.",
        status=204,
        body=RewardRequest,
        errors=_REWARD_ERRORS,
        example=examples.REWARD,
    ),
    _decide(
        path="events/{eventId}/activate",
        summary="Tells that a decision with deferred activation was shown after all.",
        status=204,
        errors=_ACTIVATE_ERRORS,
    ),
    _decide(
        path="multislot/rank",
        summary="Chooses a different action for each slot, and logs the decision. Needs a multi-slot learning policy.",
        status=201,
        answer=MultiSlotRankResponse,
        body=MultiSlotRankRequest[Features],
        errors=_RANK_ERRORS,
        example=examples.MULTI_SLOT_RANK,
    ),
    _decide(
        path="multislot/events/{eventId}/reward",
        summary="Tells how well some slots of a decision did, each from -1 to 1.",
        status=204,
        body=MultiSlotRewardRequest,
        errors=_REWARD_ERRORS,
        example=examples.MULTI_SLOT_REWARD,
    ),
    _decide(
        path="multislot/events/{eventId}/activate",
        summary="Tells that a multi-slot decision with deferred activation was shown after all.",
        status=204,
        errors=_ACTIVATE_ERRORS,
    ),
]
CONFIGURE = [
    _configure(
        method="GET",
        path="configurations/service",
        summary="The service configuration of the loop.",
        answer=ServiceConfiguration,
    ),
    _configure(
        method="PUT",
        path="configurations/service",
        summary="Replaces the service configuration. In effect within seconds.",
        answer=ServiceConfiguration,
        body=ServiceConfigurationRequest,
        errors=(
            *("BadRequest", "InvalidServiceConfiguration", "InvalidLearningModeServiceConfiguration"),
            *("InvalidRewardWaitTime", "InvalidLogRetentionDays", "InvalidModelRetrainDays", "InvalidContainer"),
            *("ProblemTypeIncompatibleWithAutoOptimization", "UpdateConfigurationFailed"),
        ),
        example=examples.CONFIGURATION,
    ),
    _configure(
        method="GET",
        path="configurations/policy",
        summary="The learning policy, with the exploration in effect.",
        answer=PolicyContract,
    ),
    _configure(
        method="PUT",
        path="configurations/policy",
        summary="Replaces the learning policy. The loop starts a new model and learns the retained log again.",
        answer=PolicyContract,
        body=PolicyContract,
        errors=(
            *("BadRequest", "InvalidPolicyConfiguration", "InvalidPolicyContract"),
            *("ProblemTypeIncompatibleWithAutoOptimization", "UpdateConfigurationFailed"),
        ),
        example=examples.POLICY,
    ),
    _configure(
        method="DELETE",
        path="configurations/policy",
        summary="Goes back to the default learning policy, and answers it.",
        answer=PolicyContract,
        errors=("UpdateConfigurationFailed",),
    ),
]
MODEL = [
    _model(
        method="GET",
        path="model",
        summary="The model, to be kept or taken elsewhere: a Vowpal Wabbit model, or a zip of it and its signature.",
        answer=Binary,
        query=("signed",),
        errors=("InvalidRequest",),
    ),
    _model(
        method="HEAD",
        path="model",
        summary="Date and length of the model.",
        query=("signed",),
        errors=("InvalidRequest",),
    ),
    _model(
        method="PUT",
        path="model",
        summary="Takes over a model that was exported before. One that does not fit the loop changes nothing.",
        status=204,
        body=Binary,
        errors=("InvalidModelImportFormat", "InvalidModelImportSignature", "ModelPublishFailed"),
    ),
    _model(
        method="DELETE",
        path="model",
        summary="Forgets the model: the loop starts anew.",
        status=204,
        errors=("ModelResetFailed",),
    ),
    _model(
        method="GET",
        path="model/properties",
        summary="When the first and the current model were made.",
        answer=ModelProperties,
    ),
    _model(
        method="GET",
        path="logs/properties",
        summary="The time that the joined log covers; an empty object if the log is empty.",
        answer=LogsProperties,
    ),
    _model(method="DELETE", path="logs", summary="Deletes the joined log.", status=204),
]
STATUS = [
    Operation(
        tag="Service",
        method="GET",
        path="status",
        apis=(Api.V1,),
        summary="Whether endpoint and key are good.",
        needs=Permission.DECIDE,
        answer=ServiceStatus,
    ),
]
LOCAL_INFERENCE = [
    _local(
        path="logs/interactions",
        summary="Takes decisions that a client made by itself, with the model it fetched: a batch as the SDKs send it.",
        errors=_BATCH_ERRORS,
    ),
    _local(
        path="logs/observations",
        summary="Takes rewards and activations of decisions that a client made by itself: a batch as the SDKs send it.",
        errors=_REWARD_ERRORS,
    ),
]
_V1, _V2022, _PAGE = (Api.V1,), (Api.V2022,), ("top", "skip", "maxpagesize")
_NO_LOGS = "NoLogsExistInDateRange"
_EVALUATION_ERRORS = (
    "BadRequest",
    "InvalidRequest",
    "InvalidEvaluationContract",
    "InvalidPolicyConfiguration",
    _NO_LOGS,
)
_GONE = ("EvaluationNotFound", "InvalidRequest")
_evaluation = partial(Operation, tag="Evaluations")
EVALUATIONS = [
    _evaluation(
        method="GET", path="evaluations", summary="Lists offline evaluations.", answer=list[Evaluation], apis=_V1
    ),
    _evaluation(
        method="GET",
        path="evaluations",
        summary="Lists offline evaluations, in pages.",
        answer=JobPage,
        apis=_V2022,
        errors=("InvalidRequest",),
        query=("filter", *_PAGE),
    ),
    _evaluation(
        method="POST",
        path="evaluations",
        summary="Starts an offline evaluation.",
        answer=Evaluation,
        status=201,
        apis=_V1,
        body=EvaluationContract,
        errors=_EVALUATION_ERRORS,
        example=examples.EVALUATION,
    ),
    _evaluation(
        method="PUT",
        path="evaluations/{evaluationId}",
        summary="Starts an offline evaluation of this id.",
        apis=_V2022,
        body=OfflineEvaluationContract,
        errors=(*_EVALUATION_ERRORS, "EvaluationAlreadyExists"),
        example=examples.OFFLINE_EVALUATION,
    ),
    _evaluation(
        method="GET",
        path="evaluations/{evaluationId}",
        summary="Describes an offline evaluation.",
        answer=Evaluation,
        apis=_V1,
        errors=_GONE,
    ),
    _evaluation(
        method="GET",
        path="evaluations/{evaluationId}",
        summary="Describes an offline evaluation, with results of the time that is asked for.",
        answer=OfflineEvaluation,
        apis=_V2022,
        query=("startTime", "endTime", "intervalInMinutes", "window"),
        errors=(*_GONE, "InvalidEvaluationContract"),
    ),
    _evaluation(
        method="DELETE",
        path="evaluations/{evaluationId}",
        summary="Deletes an offline evaluation.",
        status=204,
        errors=_GONE,
    ),
    _evaluation(
        method="POST",
        path="configurations/applyFromEvaluation",
        summary="Applies a policy of an offline evaluation.",
        body=PolicyReferenceContract,
        status=204,
        errors=("BadRequest", *_GONE, "LearningSettingsNotFound", "EvaluationModelNotFound"),
        example=examples.POLICY_REFERENCE,
    ),
    _evaluation(
        method="GET",
        path="featureImportances",
        summary="Lists feature importances, in pages.",
        answer=JobPage,
        apis=_V2022,
        errors=("InvalidRequest",),
        query=_PAGE,
    ),
    _evaluation(
        method="PUT",
        path="featureImportances/{featureImportanceId}",
        summary="Starts to find out how important features are.",
        apis=_V2022,
        body=FeatureImportanceContract,
        errors=("BadRequest", "InvalidRequest", "InvalidContract", "FeatureImportanceAlreadyExists", _NO_LOGS),
        example=examples.FEATURE_IMPORTANCE,
    ),
    *(
        _evaluation(
            method=method,
            path="featureImportances/{featureImportanceId}",
            summary=summary,
            answer=answer,
            status=status,
            apis=_V2022,
            errors=("FeatureImportanceNotFound", "InvalidRequest"),
        )
        for method, status, answer, summary in (
            ("GET", 200, FeatureImportance, "Tells how important features are."),
            ("DELETE", 204, None, "Deletes what was found out about features."),
        )
    ),
]
