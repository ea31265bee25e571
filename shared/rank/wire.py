"""The request bodies of the REST contract. Decoding checks types, lengths and ranges in one pass.

Unknown members are refused first, because one may be a contract name in another case; `lenient` then drops the rest.
"""

import contextlib
import re
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta
from msgspec.json import Decoder

from shared import bodies
from shared.errors import ApiError
from shared.rank import lenient
from shared.rank.lenient import REFUSED
from shared.vw.safe_features import MAX_MAGNITUDE, has_plain_names, is_plain, safe

MAX_ACTIONS = MAX_SLOTS = 50
MAX_NESTING = 5
LONGEST_ID = 256  # of an event, action or slot, in characters
UNREACHABLE = frozenset((".", ".."))  # a path with these as a part never arrives as it was sent
# What a path has still escaped when it arrives: ASP.NET decodes neither %2F nor a surrogate, which no character is.
_ESCAPED = re.compile(r"%2f|(%ed%[ab][0-9a-f]%[89ab][0-9a-f])", re.IGNORECASE)
Id = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]
Name = Annotated[str, Meta(min_length=1)]
Number = Annotated[float, Meta(ge=-MAX_MAGNITUDE, le=MAX_MAGNITUDE)]


FlatFeatures = dict[Name, str | Number | bool | None]


def nested(number: Any) -> Any:
    """The type of features nested up to MAX_NESTING levels deep, their numbers of this type."""
    scalar = None | bool | str | number | list[number]
    value: Any = scalar
    for _ in range(MAX_NESTING - 1):
        value = scalar | dict[Name, value]
    return dict[Name, value]


F = TypeVar("F")
R = TypeVar("R")


class RankableAction(msgspec.Struct, Generic[F], forbid_unknown_fields=True, gc=False):
    """One action of a Rank request; each of its features is an object of names and values."""

    id: Id
    features: Annotated[list[F], Meta(min_length=1)]


class AnyRankRequest(msgspec.Struct, Generic[F], rename="camel", forbid_unknown_fields=True, gc=False):
    """What the bodies of both kinds of Rank, single-slot and multi-slot, have in common."""

    actions: Annotated[list[RankableAction[F]], Meta(min_length=1, max_length=MAX_ACTIONS)]
    context_features: list[F] | None = None
    event_id: Id | None = None
    defer_activation: bool | None = False
    holdback_id: Id | None = None


class RankRequest(AnyRankRequest[F], Generic[F], gc=False):
    """The body of `POST /rank`."""

    excluded_actions: list[str] | None = None


class RewardRequest(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The body of `POST /events/{eventId}/reward`."""

    value: Annotated[float, Meta(ge=-1, le=1)]


class RankedAction(msgspec.Struct, gc=False):
    """One entry of a ranking; probability is 0..1."""

    id: str
    probability: float


class FeatureScore(msgspec.Struct, gc=False):
    """The share of one feature, or of several together, in the score of an action."""

    name: str
    score: float


class ActionExplanation(msgspec.Struct, gc=False):
    """The shares that add up to the score of an action, the largest first; the higher the score, the better."""

    id: str
    features: list[FeatureScore]


class RankResponse(msgspec.Struct, rename="camel", gc=False, omit_defaults=True):
    """The answer of `POST /rank`: the chosen action is the first in `ranking` that was not excluded."""

    ranking: list[RankedAction]
    event_id: str
    reward_action_id: str
    inference_explanation: list[ActionExplanation] | None = None


# What msgspec says, in the contract's words: the first pattern that is found decides.
RANK_HINTS = (
    (r"got `null` - at `\$\.slots\[\d+\]`", "Slots contain null value."),
    (r"missing required field `slots`|\$\.slots`$", f"Slot count should be between 1 and {MAX_SLOTS}."),
    (r"\$\.slots\[[.\d]*\]\.id|field `id` - at `\$\.slots", f"Slot ids must have 1 to {LONGEST_ID} characters."),
    (r"baselineAction", "Every slot needs a baselineAction, the id of an action."),
    (r"\$\.slots\[[.\d]*\]\.excludedActions", "excludedActions must be a list of action ids."),
    (r"got `null` - at `\$\.actions\[\d+\]`", "Actions contains null value."),
    (r"missing required field `actions`|\$\.actions`$", f"Action count should be between 1 and {MAX_ACTIONS}."),
    (r"\$\.actions\[[.\d]*\]\.id", f"Action ids must not be empty, nor longer than {LONGEST_ID} characters."),
    (r"missing required field `id`", "Action ids must not be empty."),
    (r"Number out of range", "A number is too large."),
    (r"at `key` in", "A feature name must not be empty."),
    (r"length.*\.features`$|field `features`", "Every action needs at least one object of features."),
    (rf"got `object` - .*(\[\.\.\.\]){{{MAX_NESTING}}}", f"Features may be nested {MAX_NESTING} levels deep at most."),
    (r"features|\$\.contextFeatures", "Features are not in key value pair format; arrays may hold numbers only."),
    (r"\$\.holdbackId", f"holdbackId should be null or have 1 to {LONGEST_ID} characters."),
    (r"\$\.eventId", f"EventId should be non-empty or null, and at most {LONGEST_ID} characters."),
)  # fmt: skip
_REWARD_HINTS = ((r"value", "value must be a number from -1 to 1."),)

_flat = msgspec.json.Decoder(RankRequest[FlatFeatures])
_plain = msgspec.json.Decoder(RankRequest[nested(Number)])  # type: ignore[misc]
_any = msgspec.json.Decoder(RankRequest[nested(float) | None])  # type: ignore[misc]
_reward = msgspec.json.Decoder(RewardRequest)


def rank_request(body: bytes) -> RankRequest[Any]:
    """A Rank request within the contract's limits, its features safe for VW, ids unique; raises ApiError."""
    return plain_request(body) or unusual_request(body, [])


def plain_request(body: bytes) -> RankRequest[Any] | None:
    """`rank_request` of a body that can be taken as it is; None if it has to be looked at piece by piece."""
    request = plain(_flat, _plain, body)
    if request is not None:
        check_ids(request)
    return request


def unusual_request(body: bytes, unknown: list[str]) -> RankRequest[Any]:
    """`rank_request` of any body, which takes several times as long.

    unknown: gets the names of members that no contract has.
    """
    request: RankRequest[Any] = unusual(_any, body, unknown)
    make_safe(request)
    check_ids(request)
    return request


def plain(flat: Decoder[R], nested: Decoder[R], body: bytes) -> R | None:
    """A Rank request in which nothing has to be changed, None if something may have to be.

    Most requests are flat, and need one pass.
    """
    try:
        request = flat.decode(body)
        return request if is_plain(body) else None
    except REFUSED:
        pass
    with contextlib.suppress(*REFUSED):
        return nested.decode(body) if is_plain(body) and has_plain_names(body) else None
    return None


def unusual(decoder: Decoder[R], body: bytes, unknown: list[str]) -> R:
    """A Rank request whose features have to be made safe, also one that deviates from the contract; raises ApiError."""
    with contextlib.suppress(*REFUSED):
        return decoder.decode(body)
    text = lenient.exact(decoder, body, "InvalidRankRequest", unknown)
    return bodies.decode(decoder, text, "InvalidRankRequest", RANK_HINTS)


def check_ids(request: AnyRankRequest[Any]) -> None:
    """Raises ApiError unless the event id survives in a path and the action ids are unique."""
    if (given := request.event_id) and (given in UNREACHABLE or ("%" in given and _ESCAPED.search(given))):
        rule = "not '.', '..' or with '%2F' or an escaped surrogate such as '%ED%A0%BD' in it"
        raise ApiError("InvalidRankRequest", f"An eventId must survive in a path: {rule}.")
    if len({action.id for action in request.actions}) != len(request.actions):
        raise ApiError("InvalidRankRequest", "Action ids must be unique.", target="actions")


def make_safe(request: AnyRankRequest[Any]) -> None:
    """Replaces the features of context and actions by such as VW may see; raises ApiError for a null among them."""
    if None in (request.context_features or ()):
        raise ApiError("InvalidRankRequest", "Context features contains null value.", target="contextFeatures")
    request.context_features = [safe(features) for features in request.context_features or ()]
    for action in request.actions:
        action.features = [safe(features) for features in action.features if features is not None]
        if not action.features:
            raise ApiError("InvalidRankRequest", "Every action needs at least one object of features.")


def reward_request(body: bytes) -> float:
    """The reward of `{"value": reward}`, -1..1; raises ApiError."""
    return lenient.decode(_reward, body, "InvalidRewardRequest", _REWARD_HINTS).value


def event_id(text: str, code: str) -> str:
    """An event id taken from a path, 1..LONGEST_ID characters; raises ApiError with `code`.

    A surrogate in it is U+FFFD, as in a body.
    """
    text = _ESCAPED.sub(lambda escape: "\ufffd" if escape[1] else "/", text) if "%" in text else text
    if not 1 <= len(text) <= LONGEST_ID:
        raise ApiError(code, f"The event id must have 1 to {LONGEST_ID} characters.")
    return text
