"""What the versions of the contract tell alike of an evaluation."""

from typing import Literal

from shared.evaluation.job import Job
from shared.evaluation.outcome import Outcome
from shared.evaluation.part import BASELINE, ONLINE, RANDOM

Source = Literal["Online", "Baseline", "Random", "Custom", "OfflineExperimentation"]
_SOURCES: dict[str, Source] = {ONLINE: "Online", BASELINE: "Baseline", RANDOM: "Random"}


def type_of(job: Job) -> Literal["Manual", "Auto"]:
    """Who asked for an evaluation."""
    return "Auto" if job.asked.automatic else "Manual"


def reason_of(job: Job) -> str | None:
    """Why it failed, or why policies that were asked for are missing in what it has found; None if all is there."""
    missing = [job.failed[one.name] for one in job.asked.policies if one.name in job.failed]
    return job.reason or " ".join(missing) or None


def source_of(job: Job, name: str) -> Source:
    """Where a policy came from."""
    if name in _SOURCES:
        return _SOURCES[name]
    found = job.plan is not None and name in job.plan.race
    return "OfflineExperimentation" if found else "Custom"


def arguments_of(job: Job, name: str) -> str:
    """A policy's arguments; empty for those without."""
    if name == ONLINE:
        return job.config.arguments if job.config is not None else ""
    if name in _SOURCES or job.plan is None:
        return ""
    return job.plan.candidate(name).arguments


def optimal(job: Job, outcome: Outcome | None) -> str | None:
    """The policy to be used: the one that an optimisation chose, if the held-out log speaks for it, else what serves.

    None where nobody asked for one.
    """
    if not job.asked.optimizes or outcome is None or outcome.result is None:
        return None
    chosen = next((one for one in outcome.result.policies if one.name == outcome.result.chosen), None)
    return chosen.name if chosen is not None and chosen.verdict is not None and chosen.verdict.promoted else ONLINE
