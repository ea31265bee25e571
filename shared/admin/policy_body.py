"""The contract's PolicyContract as it travels."""

from typing import Annotated

from pydantic import Field, field_validator

from shared.admin import policy_check
from shared.admin.documents import Document, fault, read
from shared.loops.config import LONGEST_ARGUMENTS, Policy

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
    def _allowed(cls, arguments: str) -> str:
        try:
            policy_check.allowed(arguments)
        except ValueError as error:
            reason = f"Invalid policy configuration in {{path}}: {error}."
            raise fault("InvalidPolicyConfiguration", reason) from None
        return arguments


def policy(body: bytes) -> Policy:
    """The policy in a body; raises BadRequest, InvalidPolicyContract, InvalidPolicyConfiguration."""
    given = read(PolicyContract, body, "InvalidPolicyContract")
    return Policy(given.name, given.arguments)
