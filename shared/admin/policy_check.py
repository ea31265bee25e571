"""Whether a policy may be used: what it may contain, and whether VW starts, learns and predicts with it."""

from pathlib import Path

import msgspec

from shared import scratch
from shared.errors import ApiError, Fault
from shared.loops.config import LONGEST_ARGUMENTS, Policy
from shared.vw import allowed_options, trial
from shared.vw.options import Option, written
from shared.vw.policy import parse

# What explores by another rule than epsilon alone.
_OTHER_EXPLORATION = {"bag", "cover", "elim", "first", "regcb", "regcbopt", "rnd", "softmax", "squarecb", "synthcover"}


async def checked(given: Policy, exploration: float, at: str = "") -> Policy:
    """The policy as it will be used, once VW has learned from an example with it; raises ApiError.

    exploration: explorationPercentage, for a policy that explores by epsilon and does not say by how much. at: the path
    of its arguments in the body, for the message.
    """
    try:
        options = allowed(given.arguments)
    except ValueError as error:
        raise _invalid(error, at) from None
    arguments = with_epsilon(options, exploration)
    if len(arguments) > LONGEST_ARGUMENTS:
        message = f"A policy has at most {LONGEST_ARGUMENTS} characters of arguments."
        raise ApiError.of((Fault("InvalidPolicyContract", message, "arguments"),), "InvalidPolicyContract")
    with scratch.folder() as folder:
        try:
            await trial.run(Path(folder), parse(arguments).for_vw(trial.SCHEMA.arguments))
        except trial.Refusal as refusal:
            raise _invalid(refusal, at) from None
    return msgspec.structs.replace(given, arguments=arguments)


def allowed(arguments: str) -> list[Option]:
    """The options of a policy that may be put; raises ValueError with what to change."""
    options = allowed_options.parse(arguments)
    allowed_options.check_one_exploration(options)
    return options


def with_epsilon(options: list[Option], exploration: float) -> str:
    """The arguments of options; those that explore by epsilon alone and do not say by how much get the share."""
    said = {option.name for option in options}
    share = "" if said & ({"epsilon"} | _OTHER_EXPLORATION) else f" --epsilon {exploration:g}"
    return written(options) + share


def _invalid(reason: Exception, at: str) -> ApiError:
    message = f"Invalid policy configuration{f' in {at}' if at else ''}: {str(reason).rstrip('.')}."
    return ApiError.of((Fault("InvalidPolicyConfiguration", message, at or "arguments"),), "InvalidPolicyContract")
