"""The request bodies of the contract's multi-slot operations. Decoding checks types, lengths and ranges in one pass."""

from collections import Counter
from typing import Annotated, Any, Generic

import msgspec
from msgspec import Meta

from shared.errors import ApiError, shown
from shared.rank import lenient, wire
from shared.rank.wire import LONGEST_ID, MAX_SLOTS, AnyRankRequest, F, FlatFeatures, Id
from shared.vw.safe_features import safe


class SlotRequest(msgspec.Struct, Generic[F], rename="camel", forbid_unknown_fields=True, gc=False):
    """One slot; `baseline_action` is the id of the action that the application would show there by itself."""

    id: Id
    baseline_action: str
    features: list[F] | None = None
    excluded_actions: list[str] | None = None


class MultiSlotRankRequest(AnyRankRequest[F], Generic[F], kw_only=True, gc=False):
    """The body of `POST /multislot/rank`."""

    slots: Annotated[list[SlotRequest[F]], Meta(min_length=1, max_length=MAX_SLOTS)]


class SlotReward(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """The reward of one slot, -1..1."""

    slot_id: Id
    value: Annotated[float, Meta(ge=-1, le=1)]


class MultiSlotRewardRequest(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The body of `POST /multislot/events/{eventId}/reward`."""

    reward: Annotated[list[SlotReward], Meta(min_length=1, max_length=MAX_SLOTS)]


class SlotResponse(msgspec.Struct, rename="camel", gc=False):
    """The action of one slot."""

    id: str
    reward_action_id: str


class MultiSlotRankResponse(msgspec.Struct, rename="camel", gc=False):
    """The answer of `POST /multislot/rank`, the slots as they were asked for."""

    slots: list[SlotResponse]
    event_id: str


_REWARD_HINTS = (
    (r"value", "value must be a number from -1 to 1."),
    (r"slotId", f"slotId must have 1 to {LONGEST_ID} characters."),
    (r"reward", f"reward must list 1 to {MAX_SLOTS} objects of slotId and value."),
)

_flat = msgspec.json.Decoder(MultiSlotRankRequest[FlatFeatures])
_plain = msgspec.json.Decoder(MultiSlotRankRequest[wire.nested(wire.Number)])  # type: ignore[misc]
_any = msgspec.json.Decoder(MultiSlotRankRequest[wire.nested(float) | None])  # type: ignore[misc]
_reward = msgspec.json.Decoder(MultiSlotRewardRequest)


def rank_request(body: bytes) -> MultiSlotRankRequest[Any]:
    """A multi-slot Rank request within the contract's limits, its features safe for VW; raises ApiError.

    Slot ids and action ids are unique, every slot has a baseline action of its own.
    """
    return plain_request(body) or unusual_request(body, [])


def plain_request(body: bytes) -> MultiSlotRankRequest[Any] | None:
    """`rank_request` of a body that can be taken as it is; None if it has to be looked at piece by piece."""
    request = wire.plain(_flat, _plain, body)
    return _checked(request) if request is not None else None


def unusual_request(body: bytes, unknown: list[str]) -> MultiSlotRankRequest[Any]:
    """`rank_request` of any body, which takes several times as long. unknown: as in `wire.unusual_request`."""
    request = wire.unusual(_any, body, unknown)
    wire.make_safe(request)
    for slot in request.slots:
        slot.features = [safe(features) for features in slot.features or () if features is not None]
    return _checked(request)


def _checked(request: MultiSlotRankRequest[Any]) -> MultiSlotRankRequest[Any]:
    wire.check_ids(request)
    _check_slots(request)
    return request


def _check_slots(request: MultiSlotRankRequest[Any]) -> None:
    actions, slots = {action.id for action in request.actions}, request.slots
    if len(slots) > len(actions):
        _refuse(f"There are {len(slots)} slots and {len(actions)} actions; an action fills at most one slot.")
    if twice := _repeated([slot.id for slot in slots]):
        _refuse(f"Slot ids must be unique; '{shown(twice)}' is not.")
    if twice := _repeated([slot.baseline_action for slot in slots]):
        _refuse(f"Every slot must have its own baselineAction; '{shown(twice)}' is that of several.")
    for slot in slots:
        if slot.baseline_action not in actions:
            _refuse(f"The baselineAction '{shown(slot.baseline_action)}' of slot '{slot.id}' is none of the actions.")
        excluded = slot.excluded_actions or ()
        if slot.baseline_action in excluded:
            _refuse(f"The baselineAction '{shown(slot.baseline_action)}' of slot '{slot.id}' is excluded there.")
        if unknown := next((one for one in excluded if one not in actions), None):
            _refuse(f"The excluded action '{shown(unknown)}' of slot '{slot.id}' is none of the actions.")


def _repeated(names: list[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)


def _refuse(message: str) -> None:
    raise ApiError("InvalidRankRequest", message, target="slots")


def reward_request(body: bytes) -> list[SlotReward]:
    """The rewards of `{"reward": [{"slotId", "value"}]}`; raises ApiError."""
    return lenient.decode(_reward, body, "InvalidRewardRequest", _REWARD_HINTS).reward
