"""What features are worth: by how much less a policy earns that never sees them."""

from array import array
from collections.abc import Mapping, Sequence

import msgspec

from shared.evaluation import estimate, paired, result
from shared.evaluation.columns import Columns, Paired
from shared.evaluation.features import Group
from shared.evaluation.intervals.interval import Interval
from shared.evaluation.part import ONLINE, Judged, Part, Unit
from shared.evaluation.plan import Candidate, Plan
from shared.evaluation.reward_range import reward_range

# What the policy is called that sees all features.
ALL = "all features"
LEVEL = 0.05


class Importance(msgspec.Struct, frozen=True):
    """score: 0 to 1, 1 for the feature that is worth most; 0 unless it is told apart from nothing.

    difference: what the policy earns less without it, by decision; lower, upper: its interval, made wider so that all
    features together are wrong in one of 20 logs at most. smallest: half of its width.
    """

    namespace: str
    feature: str
    score: float
    difference: float
    lower: float
    upper: float
    smallest: float
    told_apart: bool


class Importances(msgspec.Struct, frozen=True):
    """features: by score, descending. value: what the policy earns with all of them. failed: those that could not be
    judged, with the reason."""

    arguments: str
    decisions: float
    value: float
    online: float
    features: list[Importance]
    failed: dict[str, str]


def planned(base: Candidate, groups: Sequence[Group], made: Plan) -> Plan:
    """The plan, which also has the policy as it is, and without each group."""
    whole = msgspec.structs.replace(base, name=ALL)
    others = [
        msgspec.structs.replace(base, name=f"{number} {one.title}", without=one.paths)
        for number, one in enumerate(groups, 1)
    ]
    measured = [whole, *others]
    names = [one.name for one in measured]
    return msgspec.structs.replace(made, candidates=[*made.candidates, *measured], measured=names)


def combine(
    plan: Plan, groups: Sequence[Group], parts: Mapping[Unit, Part], failed: Mapping[str, str]
) -> Importances | None:
    """None if the policy could not be judged, or if events stand for others that the client dropped."""
    every = range(len(plan.stretches))
    whole, *others = map(plan.candidate, plan.measured)
    if whole.name in failed:
        return None
    online = result.merged(parts, ONLINE, Unit("", 0), every)
    base = result.merged(parts, ALL, Unit(ALL, 0), every)
    if base.rows is None:
        return None
    rewards = reward_range(plan.default_reward, [online.sums])
    level = LEVEL / max(1, len(groups))
    found = []
    for group, one in zip(groups, others, strict=True):
        if one.name not in failed:
            less = result.merged(parts, one.name, Unit(one.name, 0), every)
            found.append(_importance(group, base, less, rewards, level))
    most = max((one.difference for one in found if one.told_apart), default=0.0)
    scored = [msgspec.structs.replace(one, score=_score(one, most)) for one in found]
    scored.sort(key=lambda one: (-one.score, -one.difference))
    titles = {one.name: group.title for group, one in zip(groups, others, strict=True)}
    return Importances(
        whole.arguments,
        float(base.sums.n),
        estimate.value_of(base.sums, rewards),
        estimate.value_of(online.sums, rewards),
        scored,
        {titles[name]: reason for name, reason in failed.items() if name in titles},
    )


def _score(one: Importance, most: float) -> float:
    return one.difference / most if one.told_apart and one.difference > 0 and most > 0 else 0.0


def _importance(group: Group, base: Judged, less: Judged, rewards: Interval, level: float) -> Importance:
    """base, less: with rows."""
    mine, theirs = array("d", base.rows or b""), array("d", less.rows or b"")
    columns = Columns()
    columns.weights, columns.rewards = mine[::2], mine[1::2]
    columns.counts = array("d", [1.0]) * len(columns.weights)
    found = paired.difference(Paired.of(columns, theirs[::2]), rewards.lower, level)
    if found is None:
        return Importance(group.namespace, group.name, 0.0, 0.0, 0.0, 0.0, 0.0, False)
    interval = found.interval
    decided = found.is_decided and found.mean > 0
    return Importance(group.namespace, group.name, 0.0, found.mean, *interval, found.smallest, decided)
