"""What an evaluation answers, from the parts of its plan."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from shared.evaluation import buckets, estimate, gate, self_check
from shared.evaluation.estimate import Context, Estimate
from shared.evaluation.halving import Race
from shared.evaluation.intervals.interval import Interval
from shared.evaluation.job import milliseconds, moment
from shared.evaluation.logged import Use
from shared.evaluation.part import BASELINE, ONLINE, RANDOM, SINGLE, Drawn, Judged, Part, Unit
from shared.evaluation.plan import Plan
from shared.evaluation.reward_range import reward_range
from shared.evaluation.self_check import SelfCheck
from shared.evaluation.slots.slot_figures import per_slot, pooled
from shared.evaluation.slots.slot_log import NO_BASELINES
from shared.evaluation.units import single_action
from shared.loops.policy_sums import PolicySums

LEARNS = "This policy, learning from here on over this log: each event is predicted before it is learned."
FROZEN = "This model, frozen: it learns nothing from these events."
# Which question the figures of policies answer that are in every evaluation.
QUESTIONS = {
    ONLINE: "What was served: the mean of the log's own rewards.",
    BASELINE: "Always the first action, the one that the caller would have shown.",
    RANDOM: "Every action equally likely.",
}
_OF_SLOTS = QUESTIONS | {
    BASELINE: "In each slot its baseline action, the one that the caller would have shown.",
    RANDOM: "In each slot every action that is left for it equally likely.",
}


class Point(msgspec.Struct, frozen=True):
    """A policy over a part of the time, its interval by Cressie-Read alone. at: its beginning, ms since 1970."""

    at: int
    value: float
    lower: float
    upper: float
    decisions: float


class Result(msgspec.Struct, frozen=True):
    """since, until: ms since 1970. skipped: events that were not judged, by reason. rewards: their range.

    policies: over all events, but for the best single action, which is over those that did not choose it. series: by
    policy. failed: policies that cannot be judged, with the reason. notes: what a reader must know.
    chosen: the policy that an optimisation chose, on events that are not among these. slots: of decisions about several
    slots, the policies in each.
    """

    since: int
    until: int
    decisions: float
    skipped: dict[str, int]
    rewards: Interval
    default_reward: float
    self_check: SelfCheck
    policies: list[Estimate]
    series: dict[str, list[Point]]
    failed: dict[str, str]
    notes: list[str]
    chosen: str | None = None
    slots: list[Estimate] = []


def merged(parts: Mapping[Unit, Part], policy: str, unit: Unit, stretches: Iterable[int]) -> Judged:
    """A policy over some stretches. unit: of any of them, in whose parts the policy is judged."""
    found = Judged(PolicySums(), {}, b"", {})
    for number in stretches:
        found.merge(parts[msgspec.structs.replace(unit, stretch=number)].judged[policy])
    return found


def combine(plan: Plan, parts: Mapping[Unit, Part], failed: Mapping[str, str] | None = None, first: int = 0) -> Result:
    """The result of the parts from a stretch on. failed: policies that cannot be judged, with the reason.

    Candidates that were not worked in all of them are left out.
    """
    failed, every = dict(failed or {}), range(first, len(plan.stretches))
    log = [parts[Unit("", number)] for number in every]
    uses, drawn = Counter[str](), Drawn()
    for part in log:
        uses.update(part.uses)
    without_baselines = uses.pop(NO_BASELINES, 0)
    for part in log:
        drawn.merge(part.drawn or Drawn())
    units = {name: Unit("", 0) for name in (ONLINE, BASELINE, RANDOM)}
    units |= {
        one.name: Unit(one.name, 0)
        for one in plan.candidates
        if one.name not in {*failed, *plan.measured} and all(Unit(one.name, number) in parts for number in every)
    }
    judged = {name: per_slot(merged(parts, name, unit, every)) for name, unit in units.items()}
    if without_baselines and not judged[BASELINE].sums.n.units:
        failed[BASELINE] = f"{BASELINE} cannot be judged: no event says which actions are its baselines (_ba)."
        del judged[BASELINE], units[BASELINE]
    rewards = reward_range(plan.default_reward, (pooled(one) for name, one in judged.items() if name in QUESTIONS))
    since, until = plan.stretches[first].since, plan.stretches[-1].until
    context = Context(rewards, until - since, judged[ONLINE])
    arguments = {one.name: one.arguments for one in plan.candidates}
    questions = (_OF_SLOTS if plan.is_multi_slot else QUESTIONS) | {
        one.name: FROZEN for one in plan.candidates if one.model
    }
    policies = [
        estimate.of(name, questions.get(name, LEARNS), one, context, arguments.get(name, ""))
        for name, one in judged.items()
    ]
    series = {name: _series(plan, parts, name, unit, rewards, every) for name, unit in units.items()}
    notes = _notes(plan, policies)
    if without_baselines and BASELINE in judged:
        notes.append(f"{BASELINE} is judged without {without_baselines:,} events that do not say their baselines.")
    action = single_action(plan, parts)
    if action is not None:
        policies.insert(len(QUESTIONS), _single(plan, parts, action, context))
    elif plan.held_out and any(part.tally and part.tally.actions for part in log):
        notes.append("There are too many different actions to look for the best single one.")
    return Result(
        since=since,
        until=until,
        decisions=float(judged[ONLINE].sums.n),
        skipped={Use[name].value: count for name, count in sorted(uses.items()) if Use[name] is not Use.JUDGED},
        rewards=rewards,
        default_reward=plan.default_reward,
        self_check=_checked(drawn, judged[RANDOM]),
        policies=policies,
        series=series,
        failed={name: reason for name, reason in failed.items() if name not in plan.measured},
        notes=notes,
        slots=[
            estimate.of_slot(name, slot, one, rewards, judged[ONLINE])
            for slot in plan.slots
            for name, one in judged.items()
            if one.slots is not None and slot in one.slots.slots
        ],
    )


def _checked(drawn: Drawn, random: Judged) -> SelfCheck:
    """Of several slots, by the first one's weights."""
    if random.slots is None:
        return self_check.check(drawn, random.sums)
    return self_check.check(drawn, random.slots.first, has_own=False)


def _single(plan: Plan, parts: Mapping[Unit, Part], action: str, whole: Context) -> Estimate:
    later = range(plan.held_out, len(plan.stretches))
    span = plan.stretches[-1].until - plan.stretches[plan.held_out].since
    context = Context(whole.rewards, span, merged(parts, ONLINE, Unit("", 0), later))
    question = f"Always {action!r} where it can be taken, chosen on the events before and judged on the later ones."
    return estimate.of(SINGLE, question, merged(parts, SINGLE, Unit("", 0), later), context)


def _series(
    plan: Plan, parts: Mapping[Unit, Part], name: str, unit: Unit, rewards: Interval, every: range
) -> list[Point]:
    """By times of day where parts know the course of that, else by stretches, of which short logs have but two."""
    course = _course(plan, [parts[msgspec.structs.replace(unit, stretch=number)] for number in every], name)
    if len(course) <= len(every):
        course = {plan.stretches[one].since: per_slot(merged(parts, name, unit, [one])).sums for one in every}
    return [_point(at, sums, rewards) for at, sums in course.items() if sums.n.units]


def _course(plan: Plan, parts: list[Part], name: str) -> dict[int, PolicySums]:
    """By the time at which they begin (ms since 1970), in order."""
    width = buckets.width(plan.stretches[-1].until - plan.stretches[0].since) * 60_000
    found = dict[int, PolicySums]()
    for at, each in buckets.merged([part.series for part in parts]).items():
        begins = milliseconds(datetime.fromisoformat(at).replace(tzinfo=UTC))
        if name in each:
            found.setdefault(begins - begins % width, PolicySums()).merge(each[name])
    return found


def _point(at: int, sums: PolicySums, rewards: Interval) -> Point:
    interval = estimate.quick_interval(sums, rewards)
    return Point(at, estimate.value_of(sums, rewards), *interval, float(sums.n))


def _notes(plan: Plan, policies: list[Estimate]) -> list[str]:
    """What the figures do not say by themselves."""
    notes = []
    online = next(one for one in policies if one.name == ONLINE)
    if not online.decisions:
        notes.append("No event can be judged: the reasons are beside the skipped ones.")
    elif online.decisions < gate.MOST_UNSURE:
        notes.append(f"{online.decisions:,.0f} events are too few to tell policies apart.")
    if plan.candidates and any(one.verdict is not None and one.verdict.promoted for one in policies):
        notes.append(
            "Several policies are compared here: with each more, the best one is the likelier to be so by luck."
        )
    return notes


def of_race(plan: Plan, parts: Mapping[Unit, Part], failed: Mapping[str, str], found: Result) -> Result:
    """A result of the held-out part, with what the part before it has chosen."""
    chosen = Race(plan, parts, failed).going_on(plan.held_out)
    if not chosen:
        return found
    events = sum(one.events for one in plan.stretches[: plan.held_out])
    note = (
        f"{chosen[0]} was chosen of {len(plan.race)} candidates on the {events:,} events before "
        f"{moment(found.since)}; all figures here are of the events since then."
    )
    return msgspec.structs.replace(found, notes=[note, *found.notes], chosen=chosen[0])
