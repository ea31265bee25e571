"""Units of work in an order that may be any.

Nothing here reads a log or a clock: the same plan and the same parts give the same next units, whoever asks.
"""

from collections.abc import Collection, Mapping

from shared.evaluation.halving import Race
from shared.evaluation.part import Part, Unit
from shared.evaluation.plan import Plan
from shared.evaluation.single_action import Tally


def ready(plan: Plan, done: Mapping[Unit, Part], failed: Collection[str] = ()) -> list[Unit]:
    """The units that can be worked on now, those first that others wait for. failed: policies that cannot be judged.

    A learning policy's stretch needs the one before, and of a race all that decide who goes on; those of the log that
    are held out need all that choose the best single action.
    """
    found: list[Unit] = []
    names, race = set(plan.race), Race(plan, done, failed)
    for candidate in plan.candidates:
        units = (Unit(candidate.name, number) for number in range(len(plan.stretches)))
        following = next((unit for unit in units if unit not in done), None)
        if following is None or candidate.name in failed:
            continue
        if candidate.name in names and candidate.name not in (race.going_on(following.stretch) or ()):
            continue
        found.append(following)
    chosen = all(Unit("", number) in done for number in range(plan.held_out))
    known = range(len(plan.stretches) if chosen else plan.held_out)
    return found + [unit for number in known if (unit := Unit("", number)) not in done]


def single_action(plan: Plan, done: Mapping[Unit, Part]) -> str | None:
    """The action that the part of the log before the held-out one has chosen, None if there is none to choose.

    It is to be known when a unit of the log behind that is worked.
    """
    parts = [done.get(Unit("", number)) for number in range(plan.held_out)]
    tally = Tally()
    for part in parts:
        if part is None or part.tally is None:
            return None
        tally.merge(part.tally)
    return tally.best() if parts else None
