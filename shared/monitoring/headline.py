"""What is told of a loop first: verdict, lift, how rewards went, alarms. One blob, so that many loops are read fast."""

import msgspec

from shared.loops import unreadable
from shared.loops.policy_sums import PolicySums
from shared.loops.summary import DAY_MS, HOUR_MS, Summary
from shared.monitoring import verdict
from shared.monitoring.alarms.catalogue import ALARMS
from shared.monitoring.alarms.history import History
from shared.monitoring.lift import Range
from shared.monitoring.states import State
from shared.monitoring.verdict import DAYS, Seen, Verdict

VERSION = 1
# A point of the curve is the mean reward of so much time.
POINT_MS = 6 * HOUR_MS


class Raised(msgspec.Struct, frozen=True):
    """An alarm at warning or critical, since when (ms since 1970)."""

    name: str
    title: str
    state: State
    since: int


class Headline(msgspec.Struct, frozen=True):
    """Of the last DAYS days up to `through` (ms since 1970): what was ranked up to there is in it.

    deleted: the cut at which all of the log was last deleted. online, baseline: mean rewards, None without
    decisions. lift: over the baseline, as value, lower and upper end; relative: as a share of what that earns. points:
    mean rewards as served by POINT_MS, the first from `start` on, None where nothing was. alarms: those that are
    raised, the worst first.
    """

    v: int = VERSION
    through: int = 0
    deleted: int = 0
    decisions: int = 0
    online: float | None = None
    baseline: float | None = None
    lift: Range | None = None
    relative: Range | None = None
    verdict: Verdict | None = None
    start: int = 0
    points: list[float | None] = []
    alarms: list[Raised] = []


def of(made: Summary, through: int, deleted: int, seen: Seen) -> Headline:
    """Made of the summaries of the last DAYS days, by stretches of an hour."""
    served, found = made.served(), seen.compared
    end = through + -through % POINT_MS
    start = end - DAYS * DAY_MS
    return Headline(
        through=through,
        deleted=deleted,
        decisions=seen.decisions,
        online=_mean(served),
        baseline=seen.baseline,
        lift=found.lift if found is not None else None,
        relative=found.relative if found is not None else None,
        verdict=verdict.of(seen),
        start=start,
        points=[_mean(made.within(at, at + POINT_MS).served()) for at in range(start, end, POINT_MS)],
        alarms=raised(seen.history),
    )


def raised(history: History) -> list[Raised]:
    """The alarms that are raised, the worst first."""
    titles = {alarm.name: alarm.title for alarm in ALARMS}
    found = [(name, history.alarms[name]) for name in history.raised()]
    return [Raised(name, titles[name], standing.state, standing.since) for name, standing in found]


def _mean(sums: PolicySums) -> float | None:
    n = float(sums.n)
    return float(sums.r) / n if n else None


_decoder = msgspec.json.Decoder(Headline)


def encode(headline: Headline) -> bytes:
    return msgspec.json.encode(headline)


def decode(data: bytes) -> Headline:
    """What was stored; raises ValueError if it is damaged, LaterVersion."""
    unreadable.check("the headline", data, VERSION)
    return _decoder.decode(data)
