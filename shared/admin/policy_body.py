"""The contract's PolicyContract as it travels."""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from shared.admin import policy_check
from shared.admin.documents import Document, fault, read
from shared.loops.config import LONGEST_ARGUMENTS, LoopConfig, Policy
from shared.vw.policy import parse

Name = Annotated[str, Field(min_length=1, max_length=256)]


class PolicyContract(Document):
    """A learning policy: Vowpal Wabbit's arguments under a name."""

    name: Name = Field(description="What the policy is called.")
    arguments: str = Field(
        min_length=1,
        max_length=LONGEST_ARGUMENTS,
        description="Options of Vowpal Wabbit: how to explore, learning rates, interactions of features.",
    )

    @field_validator("arguments")
    @classmethod
    def _allowed(cls, arguments: str, info: ValidationInfo) -> str:
        try:
            policy_check.allowed(arguments)
        except ValueError as error:
            reason = f"Invalid policy configuration in {{path}}: {error}."
            raise fault("InvalidPolicyConfiguration", reason) from None
        if info.context and info.context.auto_optimization.enabled and parse(arguments).is_multi_slot:
            raise fault("ProblemTypeIncompatibleWithAutoOptimization")
        return arguments


def policy(body: bytes, stored: LoopConfig) -> Policy:
    """The policy in a body, for a loop with this configuration.

    Raises BadRequest, InvalidPolicyContract, InvalidPolicyConfiguration, ProblemTypeIncompatibleWithAutoOptimization.
    """
    given = read(PolicyContract, body, "InvalidPolicyContract", stored)
    return Policy(given.name, given.arguments)
