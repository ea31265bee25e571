"""How one operation of the service is declared for the OpenAPI document."""

from typing import Any

import msgspec

from shared.auth import Role


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation, its `path` below the version for those of a loop, `status` that of success.

    role: the least that a key must have, None for an operation that needs no key. errors: the codes beside those
    that every operation may answer. answer, body: types whose schemas the document shows.
    """

    tag: str
    method: str
    path: str
    summary: str
    role: Role | None = Role.ADMIN
    status: int = 200
    answer: Any = None
    body: Any = None
    query: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    example: Any = None
    of_loop: bool = True

    @property
    def paths(self) -> tuple[str, ...]:
        """Where it is answered: the loop default has the short path, too."""
        if not self.of_loop:
            return (f"/{self.path}",)
        path = f"/personalizer/{{version}}/{self.path}"
        return path, f"/loops/{{loop}}{path}"
