"""The policies that a command is given: by name, by arguments, or both."""

import re
from collections.abc import Sequence

from evaluation.errors import EvaluationError
from shared.admin import policy_check
from shared.errors import ApiError
from shared.evaluation.part import BASELINE, ONLINE, RANDOM, SINGLE
from shared.evaluation.plan import Candidate
from shared.evaluation.slots import slot_kind
from shared.loops.config import LoopConfig, Policy
from shared.vw import policy

MOST = 10
CURRENT = "current"
NAMED = {str(name): arguments for name, arguments in policy.NAMED.items()}
# What reports call the policies that they add themselves.
_RESERVED = re.compile(
    rf"{ONLINE}|{BASELINE}|{RANDOM}|{SINGLE}|(hyper|inter-len)[0-9]+|.{{0}}", re.IGNORECASE | re.ASCII
)
_ARGUMENTS = re.compile(r"\s*-")


async def chosen(
    given: Sequence[str], config: LoopConfig, *, has_loop: bool, is_multi_slot: bool = False
) -> list[Candidate]:
    """The candidates of a command; EvaluationError says what to change.

    given: NAME, ARGUMENTS or NAME=ARGUMENTS, of which none means the usual ones. has_loop: `current` is the loop's.
    is_multi_slot: the log is of decisions about several slots.
    """
    known = ["multi-slot"] if is_multi_slot else ["default", "personalizer"]
    usual = [CURRENT, known[0]] if has_loop else known
    asked = [_named(one, number, config, has_loop=has_loop) for number, one in enumerate(given or usual, 1)]
    if not given and len({one.arguments for one in asked}) < len(asked):
        asked = asked[:1]
    if len(asked) > MOST:
        raise EvaluationError(f"{len(asked)} policies were named, and at most {MOST} are compared: leave some out.")
    seen = set[str]()
    for one in asked:
        if _RESERVED.fullmatch(one.name):
            raise EvaluationError(f"A policy cannot be called {one.name!r}, as reports call theirs: name it otherwise.")
        if one.name.casefold() in seen:
            raise EvaluationError(f"Two policies are called {one.name!r}: give each a name of its own.")
        seen.add(one.name.casefold())
    return [await candidate(one, config, is_multi_slot=is_multi_slot) for one in asked]


async def candidate(given: Policy, config: LoopConfig, *, is_multi_slot: bool = False) -> Candidate:
    """The policy as it would be put into effect; EvaluationError if the service would refuse it, or if the log's
    decisions are of another kind."""
    try:
        checked = await policy_check.checked(given, config.exploration)
        exploration = config.with_policy(checked).exploration
    except ApiError as error:
        raise EvaluationError(f"{given.name}: {error.message} Write VW's arguments, or one of {_names()}.") from None
    wrong = slot_kind.misfit(given.name, checked.arguments, is_multi_slot=is_multi_slot)
    if wrong is not None:
        raise EvaluationError(wrong)
    return Candidate(given.name, checked.arguments, exploration)


def _named(given: str, number: int, config: LoopConfig, *, has_loop: bool) -> Policy:
    if _ARGUMENTS.match(given):
        return Policy(f"policy {number}", given.strip())
    name, equals, arguments = given.partition("=")
    name, arguments = name.strip(), arguments.strip()
    if equals and name and arguments:
        return Policy(name, NAMED.get(arguments, arguments))
    if name == CURRENT and has_loop:
        return Policy(name, config.arguments)
    if name not in NAMED:
        raise EvaluationError(f"There is no policy {given!r}: write NAME='ARGUMENTS', or one of {_names()}.")
    return Policy(name, NAMED[name])


def _names() -> str:
    return ", ".join([*NAMED, f"{CURRENT} (a loop's own)"])
