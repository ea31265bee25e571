"""The verdict on a loop: one sentence that anybody can repeat, why it is so, and what to do next."""

from typing import Literal, NamedTuple

import msgspec

from shared.loops.apprentice import Progress
from shared.loops.config import LearningMode
from shared.monitoring import anytime, compared
from shared.monitoring.alarms.history import History
from shared.monitoring.compared import Basis as Basis
from shared.monitoring.compared import Compared
from shared.monitoring.figures import percent
from shared.monitoring.holdback import Measured
from shared.monitoring.lift import LEAST_REWARDED, Lift
from shared.monitoring.states import State

Kind = Literal[
    "no-data", "rewards-missing", "too-early", "working", "no-better", "worse", "exploration-broken", "trainer-stalled",
    "apprentice", "logging",
]  # fmt: skip

# A word for each, and how good that is.
WORDS: dict[Kind, tuple[str, State]] = {
    "no-data": ("No data", "unknown"),
    "rewards-missing": ("Rewards missing", "critical"),
    "too-early": ("Too early", "unknown"),
    "working": ("Working", "ok"),
    "no-better": ("No better", "warning"),
    "worse": ("Worse", "critical"),
    "exploration-broken": ("Exploration broken", "critical"),
    "trainer-stalled": ("Trainer stands still", "critical"),
    "apprentice": ("Apprentice", "unknown"),
    "logging": ("Logging only", "unknown"),
}
# Days of decisions that a verdict is on.
DAYS = 14
# With fewer decisions, rewards may still be on their way.
LEAST_DECISIONS = 500
# An apprentice that matches so often is ready: it explores, and cannot match always.
READY = 0.75


class Verdict(msgspec.Struct, frozen=True):
    """sentence: what is so. cause: why, with the figures. next: what to do; empty if nothing. basis: of the lift."""

    kind: Kind
    sentence: str
    cause: str
    next: str = ""
    basis: Basis | None = None


class Seen(NamedTuple):
    """What is known of a loop's last DAYS days. rewarded: decisions that got a reward."""

    decisions: int
    rewarded: int
    lift: Lift | None
    mode: LearningMode = "Online"
    apprentice: Progress | None = None
    history: History = History()
    measured: Measured | None = None

    @property
    def compared(self) -> Compared | None:
        """With the baseline, as surely as it can be told."""
        return compared.of(self.lift, self.measured)

    @property
    def baseline(self) -> float | None:
        """What the baseline earns on average, even before it can be compared."""
        found = self.compared or self.lift
        return found.baseline if found is not None else None


def of(seen: Seen) -> Verdict:
    """The first of these that is true: what makes the others meaningless comes first."""
    return _stalled(seen) or _without_rewards(seen) or _broken(seen) or _by_mode(seen) or _by_lift(seen)


def _stalled(seen: Seen) -> Verdict | None:
    standing = _raised(seen, "trainer-behind")
    if standing is not None:
        return Verdict("trainer-stalled", "The trainer stands still.", *standing)
    if seen.decisions:
        return None
    return Verdict(
        "no-data",
        "There is no data.",
        f"No decision was joined in the last {DAYS} days.",
        "Call Rank, and Reward with its eventId; a decision counts once its rewardWaitTime is over.",
    )


def _without_rewards(seen: Seen) -> Verdict | None:
    sentence = "Rewards are missing."
    standing = _raised(seen, "rewards-missing")
    if standing is not None:
        return Verdict("rewards-missing", sentence, *standing)
    if seen.rewarded or seen.decisions < LEAST_DECISIONS:
        return None
    return Verdict(
        "rewards-missing",
        sentence,
        f"None of the {seen.decisions:,} decisions of the last {DAYS} days got a reward.",
        "Call Reward with the eventId of each Rank, within rewardWaitTime.",
    )


def _broken(seen: Seen) -> Verdict | None:
    for name in ("choices-off", "exploration-collapse"):
        standing = _raised(seen, name)
        if standing is not None:
            return Verdict("exploration-broken", "Exploration is broken.", *standing)
    return None


def _by_mode(seen: Seen) -> Verdict | None:
    if seen.mode == "LoggingOnly":
        return Verdict(
            "logging",
            "It only logs what the application shows.",
            f"{seen.decisions:,} decisions in the last {DAYS} days, in the mode LoggingOnly.",
            "Evaluate policies on this log, then set learningMode to Apprentice or Online.",
        )
    if seen.mode != "Apprentice":
        return None
    matched = seen.apprentice.match_rate if seen.apprentice is not None else None
    if seen.apprentice is None or matched is None:
        cause = "None of its decisions was joined yet."
        return Verdict("apprentice", "The apprentice has not been compared with the baseline yet.", cause)
    return Verdict(
        "apprentice",
        f"The apprentice matches the baseline in {percent(matched)} of decisions.",
        f"Of its last {seen.apprentice.events:,} decisions; the application gets the baseline meanwhile.",
        "Set learningMode to Online: it is ready." if matched >= READY else f"Wait until it is at {percent(READY)}.",
    )


def _by_lift(seen: Seen) -> Verdict:
    found = seen.compared
    if found is None:
        return _too_early(seen)
    cause = f"{found.loop:.4g} per decision against {found.baseline:.4g}, from {found.decisions:,.0f} decisions of the "
    cause += f"last {DAYS} days; {_interval(found)}. {found.basis.capitalize()}."
    if found.lift.lower > 0:
        return Verdict("working", f"It earns {_amount(found)} more than the baseline.", cause, basis=found.basis)
    if found.lift.upper < 0:
        action = "Check what is rewarded and when, evaluate other policies, or undo the last change of policy or model."
        return Verdict("worse", f"It earns {_amount(found)} less than the baseline.", cause, action, found.basis)
    if found.decisions < anytime.TIGHTEST:
        return Verdict("too-early", "It is too early to tell.", cause, _wait(found), found.basis)
    action = "Evaluate other policies and features on its log. " + _wait(found)
    sentence = "It is no better than the baseline, as far as can be told."
    return Verdict("no-better", sentence, cause, action, found.basis)


def _too_early(seen: Seen) -> Verdict:
    rewarded = seen.lift.rewarded if seen.lift is not None else 0.0
    cause = f"{seen.decisions:,} decisions, of which {seen.rewarded:,} got a reward"
    cause += f"; those that tell of the baseline are worth {rewarded:.0f}, and {LEAST_REWARDED} are needed."
    action = "Wait for more decisions." if seen.rewarded else "Call Reward with the eventId of each Rank."
    return Verdict("too-early", "It is too early to tell.", cause, action)


def _raised(seen: Seen, name: str) -> tuple[str, str] | None:
    """Cause and next step of an alarm that is raised."""
    if name not in seen.history.raised():
        return None
    standing = seen.history.alarms[name]
    return standing.cause, standing.next


def _amount(found: Compared) -> str:
    if found.relative is not None:
        return percent(abs(found.relative.value))
    return f"{abs(found.lift.value):.3g} per decision"


def _interval(found: Compared) -> str:
    ends = [f"{one:+.3g}" for one in found.lift[1:]]
    if found.relative is not None:
        ends = [percent(one, "+.0f") for one in found.relative[1:]]
    return f"95 % interval {' to '.join(ends)}, at any time"


def _wait(found: Compared) -> str:
    """How many decisions a lift of the size seen would need."""
    value, half = found.lift.value, (found.lift.upper - found.lift.lower) / 2
    if abs(value) * 100 < half:
        return "No difference is in sight."
    return f"A lift of this size would show after some {_rounded(found.decisions * (half / value) ** 2)} decisions."


def _rounded(count: float) -> str:
    """Two digits of it."""
    return f"{float(f'{count:.1e}'):,.0f}"
