"""Batches of local inference as our own events. Each event is taken or refused for itself.

Nothing is stored here that the trainer could not join and learn: whatever Rank and Reward guarantee about an event by
having made it is checked.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

from shared.errors import ApiError
from shared.hubs import events
from shared.hubs.events import Interaction, Observation
from shared.local_inference import batches
from shared.local_inference.batches import Batch, Event
from shared.local_inference.decision_context import Dictionary
from shared.local_inference.decisions import Invalid, check_text, interaction
from shared.local_inference.flatbuffer import Malformed
from shared.local_inference.payloads import Outcome, Unsupported
from shared.rank.wire import LONGEST_ID
from shared.vw.context_limits import BadContext

# A deduplicated batch is longer when it is written out; it waits in memory until it is acknowledged.
LARGEST_BATCH_BYTES = 8_000_000


class Line(NamedTuple):
    """One event as it is logged. multi_slot: the kind of policy it is of, None for either."""

    event_id: str
    event: bytes
    multi_slot: bool | None


class Lines(NamedTuple):
    """What is to be logged of a batch, and why others of its events are not."""

    taken: list[Line]
    refused: list[ApiError]


def interactions(body: bytes, loop: str, arguments: str) -> Lines:
    """The decisions of a batch of `POST /logs/interactions`; raises ApiError if there is none.

    arguments: the loop's policy.
    """
    batch = _read(body, "InvalidRankRequest")
    actions = Dictionary(batch.actions, LARGEST_BATCH_BYTES)
    return _lines(batch, "InvalidRankRequest", lambda event, number: interaction(event, actions, loop, arguments))


def observations(body: bytes, loop: str, arguments: str = "") -> Lines:
    """The rewards and activations of a batch of `POST /logs/observations`; raises ApiError if there is none.

    A client repeats a batch byte for byte. So the nonces are made of its digest, and the repetition counts for nothing.
    """
    digest = hashlib.sha256(body).hexdigest()[:32]
    batch = _read(body, "InvalidRewardRequest")
    return _lines(batch, "InvalidRewardRequest", lambda event, number: _observation(event, loop, f"{digest}-{number}"))


def _read(body: bytes, code: str) -> Batch:
    try:
        return batches.read(body)
    except (Malformed, Unsupported) as error:
        raise _unread(error, code) from None


def _unread(error: Malformed | Unsupported, code: str) -> ApiError:
    if isinstance(error, Malformed):
        return ApiError("BadRequest", f"The body is not a batch of events of local inference: {error}.")
    return ApiError(code, f"This batch of events is not taken: {error}.")


def _lines(
    batch: Batch, code: str, make: Callable[[Event, int], tuple[Interaction | Observation, bool | None]]
) -> Lines:
    lines = Lines([], [_unread(error, code) for error in batch.refused])
    size = 0
    for number, event in enumerate(batch.events, 1):
        try:
            check_text(event.id, "the event id", least=1)
            made, multi_slot = make(event, number)
        except (Invalid, BadContext) as error:
            named = f"Event {number} of the batch, '{event.id[:LONGEST_ID]}'"
            lines.refused.append(ApiError(code, f"{named}: {error}."))
            continue
        line = Line(event.id, events.encode(made), multi_slot)
        size += len(line.event)
        if size > LARGEST_BATCH_BYTES:
            limit = f"at most {LARGEST_BATCH_BYTES} bytes a batch, as logged"
            lines.refused.append(ApiError("PayloadSizeExceeded", f"Exceeds maximum allowed payload size: {limit}."))
            continue
        lines.taken.append(line)
    if not lines.taken:
        raise lines.refused[-len(batch.events)]  # the first that was read
    return lines


def _observation(event: Event, loop: str, nonce: str) -> tuple[Observation, bool | None]:
    content = event.content
    if not isinstance(content, Outcome):
        raise Invalid("it is a decision; send it to logs/interactions")
    if content.taken == (content.value is not None):
        raise Invalid("an outcome has either a number as its value, which is a reward, or action_taken")
    if content.value is not None and not -1 <= content.value <= 1:
        raise Invalid("the reward must be a number from -1 to 1")
    slot = content.place if isinstance(content.place, str) else None
    check_text(slot or "", "the slot id")
    observation = Observation(
        v=events.VERSION,
        loop=loop,
        id=event.id,
        at=events.now(),
        kind="activation" if content.taken else "reward",
        nonce=nonce,
        value=content.value,
        slot=slot if not content.taken else None,
        index=content.place if isinstance(content.place, int) and not content.taken else None,
    )
    return observation, None if content.taken else content.place is not None


def kinds(lines: Iterable[Line]) -> set[bool]:
    """Whether single-slot policies, multi-slot ones, or both have such events."""
    return {line.multi_slot for line in lines if line.multi_slot is not None}
