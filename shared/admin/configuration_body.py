"""The contract's ServiceConfiguration as it travels, put into what is stored and made of it."""

import time
from datetime import timedelta
from typing import Annotated

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field

from shared.admin import configuration_rules as rules
from shared.admin.configuration_rules import LONGEST_WAIT, MOST_DAYS, Place
from shared.admin.documents import Document, read
from shared.admin.members import Duration, Flag, Number, in_any_case, or_text
from shared.loops.config import Aggregation, AutoOptimization, LearningMode, LogMirror, LoopConfig

# The rule of a member sees the members above its own, as far as they are valid.
Wait = Annotated[Duration, BeforeValidator(rules.wait)]
Export = Annotated[Duration, BeforeValidator(rules.export)]
Frequency = Annotated[Duration, BeforeValidator(rules.frequency)]
Combination = Annotated[Aggregation, in_any_case(Aggregation)]
RetentionDays = Annotated[int, Field(ge=-1, le=MOST_DAYS), or_text, AfterValidator(rules.retention)]
RetrainDays = Annotated[
    int, Field(le=MOST_DAYS, json_schema_extra={"minimum": 0}), or_text, AfterValidator(rules.retraining)
]
Mode = Annotated[LearningMode, in_any_case(LearningMode), AfterValidator(rules.mode)]
Container = Annotated[str, AfterValidator(rules.container)]
Optimization = Annotated[Flag, AfterValidator(rules.optimization)]
Start = Annotated[str, AfterValidator(rules.date)]

_IDLE = "Kept and answered, without effect."


class ServiceConfiguration(Document):
    """How a loop rewards, explores, trains and keeps its log. An optional member that is absent keeps what there is."""

    reward_wait_time: Wait = Field(description="How long a reward may take, up to P2D.")
    default_reward: Number = Field(ge=-1, le=1, description="What counts when no reward comes.")
    reward_aggregation: Combination = Field(description="How several rewards of an event become one.")
    exploration_percentage: Number = Field(ge=0, le=1, description="The largest share of exploration, 0 to 1.")
    model_export_frequency: Export = Field(description="How often a model is published.")
    log_retention_days: RetentionDays = Field(description="How long the joined log is kept; -1: for ever.")
    log_mirror_enabled: Flag | None = Field(default=None, description=_IDLE)
    log_mirror_sas_uri: Container | None = Field(default=None, description=f"{_IDLE} Empty: none.")
    last_configuration_edit_date: str | None = Field(
        default=None, description="When it was put; ignored where it is put."
    )
    learning_mode: Mode | None = Field(
        default=None,
        description="Whether the loop decides, imitates the application, or only logs. Changed without rewards.",
    )
    is_auto_optimization_enabled: Optimization | None = Field(
        default=None, description="Whether better policies are looked for, and applied, by themselves."
    )
    auto_optimization_frequency: Frequency | None = Field(default=None, description="How often, at least P1D.")
    auto_optimization_start_date: Start | None = Field(
        default=None, description="When first; a frequency after it is switched on if absent."
    )
    model_retrain_days: RetrainDays | None = Field(
        default=None, description="How much of the log trains a new model, 0 to logRetentionDays."
    )
    is_inference_explainability_enabled: Flag | None = Field(
        default=None, description="true: Rank says which features counted."
    )
    holdback_percentage: Number | None = Field(
        default=None,
        ge=0,
        le=1,
        description="The share of decisions, 0 to 1, that show the baseline, so that the lift over it is measured. "
        "Another share than before draws anew who sees it. Without effect unless learningMode is Online.",
    )


def updated(config: LoopConfig, body: bytes, edited: str, longest_wait: timedelta = LONGEST_WAIT) -> LoopConfig:
    """A loop's configuration with the contract's ServiceConfiguration put in; raises ApiError.

    An optional member that is absent or null keeps what is stored: clients of v1.0 know of few of them. An empty
    logMirrorSasUri ends it.
    """
    given = read(ServiceConfiguration, body, "InvalidServiceConfiguration", Place(config, longest_wait))
    days, retrain, uri = given.log_retention_days, given.model_retrain_days, given.log_mirror_sas_uri
    return msgspec.structs.replace(
        config,
        wait=given.reward_wait_time.total_seconds(),
        export=given.model_export_frequency.total_seconds(),
        default_reward=given.default_reward,
        aggregation=given.reward_aggregation,
        exploration=given.exploration_percentage,
        retention_days=days,
        edited=edited,
        retrain_days=_retraining(config, days) if retrain is None else retrain,
        explain=_or(given.is_inference_explainability_enabled, config.explain),
        holdback=config.holdback if given.holdback_percentage is None else config.hold(given.holdback_percentage),
        mode=given.learning_mode or config.mode,
        log_mirror=LogMirror(
            _or(given.log_mirror_enabled, config.log_mirror.enabled),
            config.log_mirror.sas_uri if uri is None else uri or None,
        ),
        auto_optimization=_auto_optimization(config.auto_optimization, given),
    )


def of(config: LoopConfig) -> ServiceConfiguration:
    """A loop's configuration as it travels."""
    return ServiceConfiguration.model_construct(
        reward_wait_time=timedelta(seconds=config.wait),
        default_reward=config.default_reward,
        reward_aggregation=config.aggregation,
        exploration_percentage=config.exploration,
        model_export_frequency=timedelta(seconds=config.export),
        log_retention_days=config.retention_days,
        log_mirror_enabled=config.log_mirror.enabled,
        log_mirror_sas_uri=config.log_mirror.sas_uri,
        last_configuration_edit_date=config.edited,
        learning_mode=config.mode,
        is_auto_optimization_enabled=config.auto_optimization.enabled,
        auto_optimization_frequency=timedelta(seconds=config.auto_optimization.frequency),
        auto_optimization_start_date=config.auto_optimization.start,
        model_retrain_days=config.retrain_days,
        is_inference_explainability_enabled=config.explain,
        holdback_percentage=config.holdback_share,
    )


def _auto_optimization(stored: AutoOptimization, given: ServiceConfiguration) -> AutoOptimization:
    every, enabled = given.auto_optimization_frequency, _or(given.is_auto_optimization_enabled, stored.enabled)
    return AutoOptimization(
        enabled,
        stored.frequency if every is None else every.total_seconds(),
        given.auto_optimization_start_date or stored.start,
        (stored.since if stored.enabled else time.time()) if enabled else None,
    )


def _retraining(config: LoopConfig, retention_days: int) -> int | None:
    return None if config.retrain_days is None else rules.within(config.retrain_days, retention_days)


def _or(given: bool | None, stored: bool) -> bool:
    return stored if given is None else given
