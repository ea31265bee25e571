"""The contract's ServiceConfiguration as it travels, and what its members may be."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from shared.errors import ApiError
from shared.loops.durations import format_duration, parse_duration

LONGEST_WAIT, LONGEST_EXPORT = timedelta(days=2), timedelta(days=365)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
SHORTEST, DAY = timedelta(seconds=1), timedelta(days=1)

Aggregation = Literal["earliest", "average", "median", "sum", "min", "max"]
LearningMode = Literal["Online", "Apprentice", "LoggingOnly"]


class ServiceConfiguration(msgspec.Struct, rename="camel", frozen=True, omit_defaults=True):
    """The contract's ServiceConfiguration as it travels; durations are text."""

    reward_wait_time: str
    default_reward: Annotated[float, Meta(ge=-1, le=1)]
    reward_aggregation: str
    exploration_percentage: Annotated[float, Meta(ge=0, le=1)]
    model_export_frequency: str
    log_retention_days: Annotated[int, Meta(ge=-1, le=2**31 - 1)]
    log_mirror_enabled: bool | None = None
    log_mirror_sas_uri: str | None = None
    last_configuration_edit_date: str | None = None
    learning_mode: LearningMode | None = None
    is_auto_optimization_enabled: bool | None = None
    auto_optimization_frequency: str | None = None
    auto_optimization_start_date: str | None = None
    model_retrain_days: Annotated[int, Meta(le=2**31 - 1)] | None = None
    is_inference_explainability_enabled: bool | None = None


class LogMirror(msgspec.Struct, frozen=True):
    """Where the service copied logs to. They are the owner's already: kept and answered, without effect."""

    enabled: bool = False
    sas_uri: str | None = None


class AutoOptimization(msgspec.Struct, frozen=True):
    """When policies are compared and replaced by themselves: kept and answered, without effect yet."""

    enabled: bool = False
    frequency: float = 28 * 86_400.0
    start: str | None = None


decoder = msgspec.json.Decoder(ServiceConfiguration)


def retrain_days(given: int | None, stored: int, retention: int) -> int:
    """modelRetrainDays as given, or as stored as far as the log is retained (-1: forever); raises ApiError."""
    most = 2**31 - 1 if retention == -1 else retention
    if given is None:
        return min(stored, most)
    if not 0 <= given <= most:
        raise ApiError("InvalidModelRetrainDays", target="modelRetrainDays")
    return given


def date(text: str | None) -> str | None:
    """autoOptimizationStartDate as given; raises ApiError."""
    try:
        if text is not None:
            datetime.fromisoformat(text)
    except ValueError:
        reason = "autoOptimizationStartDate must be ISO 8601 such as 2026-01-31T00:00:00Z."
        raise ApiError("InvalidServiceConfiguration", reason, target="autoOptimizationStartDate") from None
    return text


def container(uri: str) -> str | None:
    """logMirrorSasUri as given, None if it is empty; raises ApiError unless it is of https, or of this machine."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        raise ApiError("InvalidContainer", target="logMirrorSasUri") from None
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    if uri and not (is_safe and host and parts.path.strip("/")):
        raise ApiError("InvalidContainer", target="logMirrorSasUri")
    return uri or None


def duration(text: str, member: str, code: str, longest: timedelta, shortest: timedelta = SHORTEST) -> timedelta:
    """A duration of the contract within its limits; raises ApiError with `code`."""
    try:
        value = parse_duration(text)
    except ValueError as error:
        raise ApiError(code, f"{member}: {error}.", target=member) from None
    if not shortest <= value <= longest:
        limits = f"at least {format_duration(shortest)} and at most {format_duration(longest)}"
        raise ApiError(code, f"{member} must be {limits}.", target=member)
    return value


def aggregation(text: str) -> Aggregation:
    """rewardAggregation, in any case; raises ApiError."""
    try:
        known: Aggregation = msgspec.convert(text.lower(), Aggregation)
        return known
    except msgspec.ValidationError:
        raise ApiError(
            "InvalidServiceConfiguration",
            "rewardAggregation must be one of earliest, average, median, sum, min, max.",
            target="rewardAggregation",
        ) from None
