"""What asks for an evaluation, for one of its policies to be applied, or for the importance of features."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from shared.admin.documents import Document, fault, read
from shared.admin.members import Flag, Id, Moment
from shared.admin.policy_body import Name, PolicyContract

MOST_POLICIES = 10
EVALUATION, FEATURE_IMPORTANCE, REFERENCE = "InvalidEvaluationContract", "InvalidContract", "InvalidRequest"
# What an evaluation calls the policies that it adds itself.
_RESERVED = re.compile(r"online|baseline1|baselinerand|(hyper|inter-len)[0-9]+", re.IGNORECASE | re.ASCII)


def _few(given: Any) -> Any:
    if isinstance(given, list) and len(given) > MOST_POLICIES:
        most = f"{{path}} must have at most {MOST_POLICIES} policies, but has {len(given)}."
        raise fault(EVALUATION, most, inner="MaximumEvaluationCustomPoliciesExceeded")
    return given


class _Period(Document):
    """A period of the joined log, under a name. An end in the future means now."""

    name: Name = Field(description="What it is called.")
    start_time: Moment = Field(description="From when events count; UTC if it has no zone. Not in the future.")
    end_time: Moment = Field(description="Until when events count; not before startTime. In the future, it means now.")

    @field_validator("start_time")
    @classmethod
    def _begun(cls, start: datetime) -> datetime:
        if start > datetime.now(UTC):
            raise ValueError("must not be in the future")
        return start

    @field_validator("end_time")
    @classmethod
    def _ordered(cls, end: datetime, info: ValidationInfo) -> datetime:
        if end < info.data.get("start_time", end):
            raise cls._disordered()
        return end

    @classmethod
    def _disordered(cls) -> Exception:
        return ValueError("must not be before startTime")


class CustomPolicy(PolicyContract):
    """A policy to be compared with the loop's own. Online, Baseline1, BaselineRand, Hyper1 and the like are taken."""

    @field_validator("name")
    @classmethod
    def _free(cls, name: str) -> str:
        if _RESERVED.fullmatch(name):
            raise ValueError(f"must not be '{name}', which is what the service calls a policy of its own")
        return name


class _Evaluation(_Period):
    policies: Annotated[list[CustomPolicy], BeforeValidator(_few)] = Field(
        description=f"The policies to be compared, at most {MOST_POLICIES}, each under a name of its own."
    )

    @field_validator("policies")
    @classmethod
    def _distinct(cls, policies: list[CustomPolicy]) -> list[CustomPolicy]:
        names = set[str]()
        for number, policy in enumerate(policies):
            if policy.name.lower() in names:
                says = f"{{path}} must be another: there are several policies called '{policy.name}'."
                raise fault(EVALUATION, says, inner="DuplicateCustomPolicyNames", at=(number, "name"))
            names.add(policy.name.lower())
        return policies

    @classmethod
    def _disordered(cls) -> Exception:
        return fault(EVALUATION, "{path} must not be before startTime.", "InvalidDateTimesInEvaluationContract")


class EvaluationContract(_Evaluation):
    """An offline evaluation to be made, as v1.0 and v1.1 ask for it."""

    optimizes: Flag | None = Field(
        default=None, alias="enableOfflineExperimentation", description="true: look for a better policy, too."
    )


class OfflineEvaluationContract(_Evaluation):
    """An offline evaluation to be made, as 2022-09-01-preview asks for it."""

    optimizes: Flag | None = Field(
        default=None, alias="enablePolicyOptimization", description="true: look for a better policy, too."
    )


class PolicyReferenceContract(Document):
    """A policy of an evaluation, to be applied."""

    evaluation_id: Id = Field(min_length=1, max_length=256, description="The evaluation's id.")
    policy_name: Name = Field(description="What the policy is called in the evaluation, in any case.")


class FeatureImportanceContract(_Period):
    """A request to measure how much each feature matters."""


def evaluation(body: bytes) -> EvaluationContract:
    """The body of `POST /evaluations`; raises BadRequest, InvalidEvaluationContract, InvalidPolicyConfiguration."""
    return read(EvaluationContract, body, EVALUATION)


def offline_evaluation(body: bytes) -> OfflineEvaluationContract:
    """The body of `PUT /evaluations/{evaluationId}`; raises as `evaluation` does."""
    return read(OfflineEvaluationContract, body, EVALUATION)


def policy_reference(body: bytes) -> PolicyReferenceContract:
    """The body of `POST /configurations/applyFromEvaluation`; raises BadRequest, InvalidRequest."""
    return read(PolicyReferenceContract, body, REFERENCE)


def feature_importance(body: bytes) -> FeatureImportanceContract:
    """The body of `PUT /featureImportances/{featureImportanceId}`; raises BadRequest, InvalidContract."""
    return read(FeatureImportanceContract, body, FEATURE_IMPORTANCE)
