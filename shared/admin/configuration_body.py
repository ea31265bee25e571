"""The contract's ServiceConfiguration as it travels, and what its members may be."""

from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from shared.bodies import decode
from shared.errors import ApiError
from shared.loops.config import Aggregation, AutoOptimization, LearningMode, LogMirror, LoopConfig
from shared.loops.durations import format_duration, parse_duration

LONGEST_WAIT, LONGEST_EXPORT = timedelta(days=2), timedelta(days=365)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
SHORTEST, DAY = timedelta(seconds=1), timedelta(days=1)


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


def updated(config: LoopConfig, body: bytes, edited: str, longest_wait: timedelta = LONGEST_WAIT) -> LoopConfig:
    """A loop's configuration with the contract's ServiceConfiguration put in; raises ApiError.

    An optional member that is absent or null keeps what is stored: clients of v1.0 know of few of them. An empty
    logMirrorSasUri ends it.
    """
    given = decode(decoder, body, "InvalidServiceConfiguration")
    wait = duration(given.reward_wait_time, "rewardWaitTime", "InvalidRewardWaitTime", longest_wait)
    export = duration(
        given.model_export_frequency, "modelExportFrequency", "InvalidServiceConfiguration", LONGEST_EXPORT
    )
    days = given.log_retention_days
    if days != -1 and days < wait / DAY + 1:
        raise ApiError("InvalidLogRetentionDays", "logRetentionDays must be -1 or at least rewardWaitTime + 1 day.")
    changed = msgspec.structs.replace(
        config,
        wait=wait.total_seconds(),
        export=export.total_seconds(),
        default_reward=given.default_reward,
        aggregation=aggregation(given.reward_aggregation),
        exploration=given.exploration_percentage,
        retention_days=days,
        edited=edited,
        model_retrain_days=retrain_days(given.model_retrain_days, config.model_retrain_days, days),
        explain=_or(given.is_inference_explainability_enabled, config.explain),
        mode=given.learning_mode or config.mode,
        log_mirror=LogMirror(
            _or(given.log_mirror_enabled, config.log_mirror.enabled),
            config.log_mirror.sas_uri if given.log_mirror_sas_uri is None else container(given.log_mirror_sas_uri),
        ),
        auto_optimization=_auto_optimization(config, given),
    )
    if changed.mode != config.mode and _rewards(changed) != _rewards(config):
        raise ApiError("InvalidLearningModeServiceConfiguration", target="learningMode")
    return changed


def of(config: LoopConfig) -> ServiceConfiguration:
    """A loop's configuration as it travels."""
    return ServiceConfiguration(
        reward_wait_time=format_duration(timedelta(seconds=config.wait)),
        default_reward=config.default_reward,
        reward_aggregation=config.aggregation,
        exploration_percentage=config.exploration,
        model_export_frequency=format_duration(timedelta(seconds=config.export)),
        log_retention_days=config.retention_days,
        log_mirror_enabled=config.log_mirror.enabled,
        log_mirror_sas_uri=config.log_mirror.sas_uri,
        last_configuration_edit_date=config.edited,
        learning_mode=config.mode,
        is_auto_optimization_enabled=config.auto_optimization.enabled,
        auto_optimization_frequency=format_duration(timedelta(seconds=config.auto_optimization.frequency)),
        auto_optimization_start_date=config.auto_optimization.start,
        model_retrain_days=config.model_retrain_days,
        is_inference_explainability_enabled=config.explain,
    )


def _rewards(config: LoopConfig) -> tuple[float, float, str]:
    return config.wait, config.default_reward, config.aggregation


def _auto_optimization(config: LoopConfig, given: ServiceConfiguration) -> AutoOptimization:
    stored, every = config.auto_optimization, given.auto_optimization_frequency
    enabled = _or(given.is_auto_optimization_enabled, stored.enabled)
    if enabled and config.policy.parsed.is_multi_slot:
        raise ApiError("ProblemTypeIncompatibleWithAutoOptimization", target="isAutoOptimizationEnabled")
    frequency = stored.frequency
    if every is not None:
        limits = LONGEST_EXPORT, DAY
        frequency = duration(every, "autoOptimizationFrequency", "InvalidServiceConfiguration", *limits).total_seconds()
    return AutoOptimization(enabled, frequency, date(given.auto_optimization_start_date) or stored.start)


def _or(given: bool | None, stored: bool) -> bool:
    return stored if given is None else given
