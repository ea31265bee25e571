"""What a job is going to do, once the log of its period has been read."""

import asyncio

import msgspec

from shared.errors import Fault
from shared.evaluation import grid, importance, plan
from shared.evaluation.job import SEVERAL_SLOTS, Asked, Job, moment
from shared.evaluation.plan import FIVE_MINUTES_MS, Candidate, Plan
from shared.evaluation.slots import slot_kind
from shared.evaluation.spool import Period, Spool
from shared.joined_log import log_reading
from shared.loops.blob_names import Home
from shared.loops.config import LoopConfig
from shared.storage import Storage
from shared.vw.policy import parse

# What the policy is called whose features are judged.
CURRENT = "current"


class Impossible(Exception):
    """A job cannot be done; the text says why, and what to do."""


def period(job: Job) -> Period:
    """Rounded outward to five minutes."""
    since, until = job.asked.since, job.asked.until
    return Period(since - since % FIVE_MINUTES_MS, until + -until % FIVE_MINUTES_MS)


async def spool(storage: Storage, home: Home, job: Job, into: Spool) -> None:
    """Reads the log of a job's period, labelled by the settings of the time when it was taken up."""
    assert job.config is not None
    since = max(0, into.period.since or 0)
    async for lines in log_reading.labelled(storage, home, job.config, job.through, since):
        await asyncio.to_thread(into.add_lines, lines)
    into.close()


def planned(job: Job, log: Spool) -> Job:
    """The job with its plan; raises Impossible."""
    asked, config = job.asked, job.config
    assert config is not None
    if not log.events:
        raise Impossible(_nothing(log))
    several = config.policy.parsed.is_multi_slot
    wrong = why_not(asked, config)
    if wrong is not None:
        raise Impossible(wrong.message)
    if asked.kind == "importances":
        return _of_features(job, config, log)
    own = [Candidate(one.name, one.arguments, _share(one.arguments, config)) for one in asked.policies]
    stretches = log.stretches()
    if several:
        made = Plan(own, stretches, config.default_reward, keeps_series=True, is_multi_slot=True, slots=log.slots)
        return msgspec.structs.replace(job, plan=made, v=SEVERAL_SLOTS)
    made = Plan(own, stretches, config.default_reward, log.schema, plan.half(stretches), keeps_series=True)
    if asked.optimizes:
        made = _with_race(made, config, log)
    groups = log.features.groups() if asked.measures else []
    if groups:
        made = importance.planned(_current(config), groups, made)
    return msgspec.structs.replace(job, plan=made, groups=groups)


def why_not(asked: Asked, config: LoopConfig) -> Fault | None:
    """What cannot be done with the kind of policy that the loop has, and what to do; None if all can."""
    several = config.policy.parsed.is_multi_slot
    if asked.kind == "importances":
        return Fault("InvalidContract", slot_kind.NO_FEATURES) if several else None
    if asked.optimizes and several:
        return Fault("InvalidEvaluationContract", f"{slot_kind.NO_OPTIMISATION} Ask without optimization.")
    wrong = slot_kind.first_misfit(asked.policies, is_multi_slot=several)
    if wrong is None:
        return None
    target = f"policies[{wrong[0]}].arguments"
    return Fault("InvalidEvaluationContract", wrong[1], target, "InvalidPolicyConfiguration")


def _with_race(made: Plan, config: LoopConfig, log: Spool) -> Plan:
    stretches, held_out = plan.turns(log.counts, log.span)
    if not held_out:
        raise Impossible(plan.TOO_SHORT)
    racing = grid.candidates(log.schema, config.exploration)
    return msgspec.structs.replace(
        made,
        candidates=[*racing, *made.candidates],
        stretches=stretches,
        held_out=held_out,
        race=[one.name for one in racing],
    )


def _of_features(job: Job, config: LoopConfig, log: Spool) -> Job:
    groups = log.features.groups()
    if not groups:
        raise Impossible("The events of this period have no features to leave out.")
    made = Plan([], log.stretches(), config.default_reward, log.schema)
    return msgspec.structs.replace(job, plan=importance.planned(_current(config), groups, made), groups=groups)


def _current(config: LoopConfig) -> Candidate:
    return Candidate(CURRENT, config.arguments, config.exploration)


def _share(arguments: str, config: LoopConfig) -> float:
    epsilon = parse(arguments).epsilon
    return config.exploration if epsilon is None else epsilon


def _nothing(log: Spool) -> str:
    if log.first is None or log.last is None:
        return "The log is empty: import one, or wait for the first events."
    return f"No event is in this period: the log reaches from {moment(log.first)} to {moment(log.last)}."


def same_log(job: Job, log: Spool) -> None:
    """Raises Impossible if the log is no longer what the plan was made of."""
    assert job.plan is not None
    planned_events = sum(one.events for one in job.plan.stretches)
    if log.events != planned_events:
        raise Impossible(
            f"The log has changed meanwhile: it has {log.events:,} events of the {planned_events:,}. Ask again."
        )
