"""What the page about features is made of."""

import asyncio

import msgspec

from shared.dashboard.page import Call
from shared.dashboard.pages.evaluations.data import Row, row_of
from shared.evaluation import asking
from shared.evaluation.importance import Importances
from shared.loops import summaries
from shared.loops.summary import DAY_MS, HOUR_MS, Summary
from shared.monitoring.alarms.window import closed
from shared.monitoring.feature_report import DAYS_READ, FeatureReport
from shared.monitoring.states import Grade


class Seen(msgspec.Struct, frozen=True, rename="camel"):
    """A feature, as of `feature_report.Feature`. psi, bound: of its drift, None if it cannot be told."""

    name: str
    share: float
    uses: int
    values: float
    ratio: float
    common: dict[str, float]
    cardinality: Grade
    stability: Grade
    is_gone: bool
    psi: float | None
    bound: float | None


class Day(msgspec.Struct, frozen=True, rename="camel"):
    """The features of the last 24 closed hours; of a younger loop, those of the hour that is not over.

    until: up to when, ms since 1970. decisions: of the sample. others: uses of features that are too many to be told
    one by one. lacking: why nothing is said of drift.
    """

    until: int
    decisions: int
    features: list[Seen]
    others: int
    lacking: str | None


class Features(msgspec.Struct, frozen=True):
    """day: None if nothing was seen. reports: the newest first. shown: the one that was asked for, else the newest that
    is done.
    """

    loop: str
    day: Day | None
    reports: list[Row]
    shown: Row | None
    importances: Importances | None


async def load(call: Call) -> Features:
    """Raises FeatureImportanceNotFound for an id that there is not."""
    day, jobs = await _day(call), await asking.listed(call.of, "importances")
    rows = [row_of(job) for job in jobs]
    asked = call.given.get("id") or next((job.asked.id for job in jobs if job.state == "completed"), None)
    if asked is None:
        return Features(call.of.loop, day, rows, None, None)
    job, outcome = await asking.get(call.of, "importances", asked)
    found = outcome.features if outcome is not None else None
    return Features(call.of.loop, day, rows, row_of(job), found)


def _told(made: Summary, cut: int) -> Day | None:
    for until in (closed(cut), closed(cut) + HOUR_MS):
        report = FeatureReport(made, until)
        if report.recent.sampled:
            return Day(min(until, cut), report.recent.sampled, _seen(report), report.recent.others, report.lacking)
    return None


async def _day(call: Call) -> Day | None:
    loop = call.of
    cut = (await loop.read_checkpoint()).cut
    hour = closed(cut)
    end, since = hour + HOUR_MS, hour - DAYS_READ * DAY_MS
    made = (await summaries.over(loop.storage, loop.home, end, end, features_from=since)).summary
    return await asyncio.to_thread(_told, made, cut)  # which may take a while, and Rank is answered meanwhile


def _seen(report: FeatureReport) -> list[Seen]:
    """Those to look at first, then by name."""
    found = [
        Seen(
            one.name, one.share, one.uses, one.values, one.ratio, one.common, one.cardinality, one.stability, one.gone,
            one.drift.psi if one.drift is not None else None,
            one.drift.told_bound if one.drift is not None else None,
        )
        for one in report.features
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.stability == one.cardinality == "ok", one.name))
