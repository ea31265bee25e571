"""Loops and their keys, as their administrators see them."""

from pydantic import Field

from shared.admin.documents import Document


class RewardFall(Document):
    """Rewards that fell, so that exploration began anew."""

    at: str = Field(description="When the last of the events was ranked that showed it.")
    average_reward: float = Field(description="Lately, by then.")
    usual_reward: float = Field(description="What it was before.")


class ExplorationInfo(Document):
    """How far a policy that explores first has come."""

    events: int = Field(description="Learned since exploration began, or began anew; it settles after 1,000.")
    began_anew: RewardFall | None = Field(default=None, description="Why, the last time.")


class LoopInfo(Document):
    """A loop as its administrator sees it."""

    name: str = Field(description="Goes into paths.")
    path: str = Field(description="Goes between the endpoint and /personalizer.")
    created: str | None = Field(default=None, description="When it was made; the loop default has always been there.")
    exploration: ExplorationInfo | None = Field(
        default=None, description="Of a loop by itself, if its policy explores first and has a model."
    )
    app_keys: list[str] | None = Field(
        default=None, description="Keys that may rank and reward: told once, when it is made."
    )
    admin_keys: list[str] | None = Field(
        default=None, description="Keys that may do everything: told once, when it is made."
    )
    reader_keys: list[str] | None = Field(
        default=None, description="Keys that may see everything and change nothing: told once, when it is made."
    )


class LoopList(Document):
    """The loops of the deployment, the default one first."""

    loops: list[LoopInfo] = Field(description="One entry a loop.")


class NewKey(Document):
    """A key that was made just now, and is told only here."""

    key: str = Field(description="Works at once, in place of the key that had its number.")
