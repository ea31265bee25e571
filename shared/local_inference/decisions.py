"""Decisions of local inference as our own: whatever Rank guarantees about an event by having made it is checked."""

from collections.abc import Sequence

import msgspec

from shared.hubs import events
from shared.hubs.events import Interaction, Slot
from shared.local_inference import decision_context
from shared.local_inference.batches import Event
from shared.local_inference.decision_context import Dictionary
from shared.local_inference.payloads import Decision, Outcome, SlotsDecision
from shared.rank.wire import LONGEST_ID, MAX_SLOTS
from shared.vw.context_limits import LEAST_PROBABILITY

ROUNDING = 1e-3  # of a distribution in float32


class Invalid(ValueError):
    """An event that is read and makes no sense; says what to change."""


def interaction(event: Event, actions: Dictionary, loop: str, arguments: str) -> tuple[Interaction, bool]:
    """The interaction, and whether it is of a multi-slot policy; raises Invalid or BadContext.

    actions: what the actions of its context may refer to. arguments: the policy, whose cost is bounded.
    """
    content = event.content
    if isinstance(content, Outcome):
        raise Invalid("it is an outcome; send it to logs/observations")
    check_text(content.model, "the model id")
    if event.drop is not None and 1 - event.drop < LEAST_PROBABILITY:
        raise Invalid(f"pass_probability must be at least {LEAST_PROBABILITY}")
    if isinstance(content, Decision):
        context, count = decision_context.clean(bytes(content.context), actions, arguments)
        if sorted(content.actions) != list(range(1, count + 1)):
            raise Invalid(f"action_ids must hold each number from 1 to {count}, the context's actions, once")
        ranked, slots, baselines = content.actions, None, None
        probabilities = _distribution(content.probabilities, count)
    else:
        ids = [slot.id for slot in content.slots]
        context, count = decision_context.clean(bytes(content.context), actions, arguments, ids)
        ranked, probabilities = [], []
        slots, baselines = _slots(content, count), _baselines(content, count)
    made = Interaction(
        v=events.VERSION,
        loop=loop,
        id=event.id,
        at=events.now(),
        mode=content.mode,
        deferred=content.deferred,
        model=content.model,
        a=ranked,
        p=probabilities,
        c=msgspec.Raw(context),
        slots=slots,
        ba=baselines,
        drop=event.drop,
    )
    return made, slots is not None


def _slots(decision: SlotsDecision, count: int) -> list[Slot]:
    slots = decision.slots
    if not 1 <= len(slots) <= min(count, MAX_SLOTS):
        raise Invalid(f"{count} actions fill 1 to {min(count, MAX_SLOTS)} slots, not {len(slots)}")
    for slot in slots:
        check_text(slot.id, "a slot id", least=1)
        if not slot.actions or not _are_distinct(slot.actions, count):
            raise Invalid(f"action_ids of slot '{slot.id}' must be different numbers from 0 to {count - 1}")
    if len({slot.id for slot in slots}) < len(slots):
        raise Invalid("slot ids must be unique")
    if not _are_distinct([slot.actions[0] for slot in slots], count):
        raise Invalid("an action fills at most one slot")
    return [Slot(slot.id, slot.actions, _distribution(slot.probabilities, len(slot.actions))) for slot in slots]


def _baselines(decision: SlotsDecision, count: int) -> list[int] | None:
    baselines = decision.baselines
    if not baselines and decision.mode != "Apprentice":
        return None
    if len(baselines) != len(decision.slots) or not _are_distinct(baselines, count):
        raise Invalid("baseline_actions must hold a different action of the context for each slot")
    return baselines


def _are_distinct(numbers: Sequence[int], count: int) -> bool:
    return len(set(numbers)) == len(numbers) and all(0 <= number < count for number in numbers)


def _distribution(probabilities: Sequence[float], count: int) -> list[float]:
    if len(probabilities) != count:
        raise Invalid(f"there are {len(probabilities)} probabilities of {count} actions")
    if not all(0 <= one <= 1 + ROUNDING for one in probabilities) or abs(sum(probabilities) - 1) > ROUNDING:
        raise Invalid("probabilities must be from 0 to 1 and sum to 1")
    if probabilities[0] < LEAST_PROBABILITY:
        raise Invalid(f"the chosen action's probability must be at least {LEAST_PROBABILITY}")
    return [min(one, 1.0) for one in probabilities]


def check_text(text: str, what: str, *, least: int = 0) -> None:
    """Raises Invalid unless the text has `least` to LONGEST_ID characters."""
    if not least <= len(text) <= LONGEST_ID:
        raise Invalid(f"{what} must have {least} to {LONGEST_ID} characters")
