"""What a job answers, from the parts of its plan."""

from collections.abc import Mapping

from shared.evaluation import importance, result
from shared.evaluation.buckets import merged
from shared.evaluation.job import Job
from shared.evaluation.multi_slot.slot_sums import merged as slots_merged
from shared.evaluation.outcome import SEVERAL_SLOTS, Outcome
from shared.evaluation.part import BASELINE, ONLINE, RANDOM, Judged, Part, Unit
from shared.evaluation.plan import Plan


def combined(job: Job, parts: Mapping[Unit, Part]) -> Outcome:
    """Of an evaluation: the three policies of every log, the owner's, and the finalists of a race."""
    made = job.plan
    assert made is not None
    if job.asked.kind == "importances":
        return Outcome(features=importance.combine(made, job.groups, parts, job.failed))
    first = made.held_out if made.race else 0
    found = result.combine(made, parts, job.failed, first)
    if made.race:
        found = result.of_race(made, parts, job.failed, found)
    names = [ONLINE, BASELINE, RANDOM, *(one.name for one in made.candidates)]
    judged = [one for one in names if any(each.name == one for each in found.policies)]
    sums = {name: _judged(made, parts, name, first).sums for name in judged}
    every = [part.series for unit, part in sorted(parts.items(), key=_place) if unit.stretch >= first]
    series = {at: {name: one for name, one in each.items() if name in sums} for at, each in merged(every).items()}
    features = importance.combine(made, job.groups, parts, job.failed) if job.groups else None
    if not made.is_multi_slot:
        return Outcome(found.rewards, found, sums, series, features)
    slot_sums = {name: one.slots for name in judged if (one := _judged(made, parts, name, first)).slots is not None}
    slot_series = slots_merged([part.slot_series for _, part in sorted(parts.items(), key=_place)])
    told = {at: {name: one for name, one in each.items() if name in sums} for at, each in slot_series.items()}
    return Outcome(found.rewards, found, sums, series, None, slot_sums, told, SEVERAL_SLOTS)


def _place(one: tuple[Unit, Part]) -> tuple[str, int]:
    return one[0].policy, one[0].stretch


def _judged(made: Plan, parts: Mapping[Unit, Part], name: str, first: int) -> Judged:
    unit = Unit("" if name in (ONLINE, BASELINE, RANDOM) else name, 0)
    return result.merged(parts, name, unit, range(first, len(made.stretches)))
