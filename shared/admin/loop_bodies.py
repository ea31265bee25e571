"""Loops and their keys, as their administrators see them."""

from pydantic import Field

from shared.admin.documents import Document


class LoopInfo(Document):
    """A loop as its administrator sees it."""

    name: str = Field(description="Goes into paths.")
    path: str = Field(description="Goes between the endpoint and /personalizer.")
    created: str | None = Field(default=None, description="When it was made; the loop default has always been there.")
    app_keys: list[str] | None = Field(
        default=None, description="Keys that may rank and reward: told once, when it is made."
    )
    admin_keys: list[str] | None = Field(
        default=None, description="Keys that may do everything: told once, when it is made."
    )


class LoopList(Document):
    """The loops of the deployment, the default one first."""

    loops: list[LoopInfo] = Field(description="One entry a loop.")


class NewKey(Document):
    """A key that was made just now, and is told only here."""

    key: str = Field(description="Works at once, in place of the key that had its number.")
