"""What the members of a ServiceConfiguration may be, alone and beside what is stored."""

from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from pydantic import ValidationInfo

from shared.admin.documents import fault
from shared.admin.members import DAY, SECOND, duration
from shared.loops.config import LoopConfig

LONGEST_WAIT, LONGEST_EXPORT = timedelta(days=2), timedelta(days=365)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
MOST_DAYS = 2**31 - 1


class Place(NamedTuple):
    """Where a configuration is put: beside what is stored, in a deployment that waits so long for rewards at most."""

    stored: LoopConfig = LoopConfig()
    longest_wait: timedelta = LONGEST_WAIT


def wait(given: object, info: ValidationInfo) -> timedelta:
    """rewardWaitTime."""
    return duration(given, "InvalidRewardWaitTime", _place(info).longest_wait)


def export(given: object) -> timedelta:
    """modelExportFrequency."""
    return duration(given, "InvalidServiceConfiguration", LONGEST_EXPORT)


def frequency(given: object) -> timedelta:
    """autoOptimizationFrequency."""
    return duration(given, "InvalidServiceConfiguration", LONGEST_EXPORT, DAY)


def retention(days: int, info: ValidationInfo) -> int:
    """logRetentionDays: rewards may come until the wait ends, and the trainer needs a day for them.

    Beside a rewardWaitTime that is not valid, the shortest one counts.
    """
    if days != -1 and days < info.data.get("reward_wait_time", SECOND) / DAY + 1:
        raise fault("InvalidLogRetentionDays", "{path} must be -1 or at least rewardWaitTime + 1 day.")
    return days


def retraining(days: int, info: ValidationInfo) -> int:
    """modelRetrainDays: no further than the log is retained, if logRetentionDays is valid."""
    if days < 0 or days > within(days, info.data.get("log_retention_days", -1)):
        raise fault("InvalidModelRetrainDays")
    return days


def within(days: int, retention_days: int) -> int:
    """Days of retraining, as far as the log is retained; -1: for ever."""
    return days if retention_days == -1 else min(days, retention_days)


def container(uri: str) -> str:
    """logMirrorSasUri: empty, of https, or of this machine."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        raise fault("InvalidContainer") from None
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    if uri and not (is_safe and host and parts.path.strip("/")):
        raise fault("InvalidContainer")
    return uri


def date(text: str) -> str:
    """autoOptimizationStartDate: kept as it was written."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be ISO 8601 such as 2026-01-31T00:00:00Z") from None
    return text


def mode(given: str, info: ValidationInfo) -> str:
    """learningMode: never changed together with what rewards are worth."""
    stored = _place(info).stored
    rewards = {
        "reward_wait_time": timedelta(seconds=stored.wait),
        "default_reward": stored.default_reward,
        "reward_aggregation": stored.aggregation,
    }
    if given != stored.mode and any(info.data.get(name, value) != value for name, value in rewards.items()):
        raise fault("InvalidLearningModeServiceConfiguration")
    return given


def optimization(enabled: bool, info: ValidationInfo) -> bool:
    """isAutoOptimizationEnabled: not with several slots."""
    if enabled and _place(info).stored.policy.parsed.is_multi_slot:
        raise fault("ProblemTypeIncompatibleWithAutoOptimization")
    return enabled


def _place(info: ValidationInfo) -> Place:
    return info.context or Place()
