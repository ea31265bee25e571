"""How one operation of the service is declared for the OpenAPI document."""

from typing import Any

import msgspec

from shared.auth import Permission
from shared.serving.versions import BOTH, Api


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation, its `path` below the version for those of a loop, `status` that of success.

    apis: the kinds of paths that have it, none of them for an operation of the deployment.
    needs: what a key must allow, None for an operation that needs no key. errors: the codes beside those
    that every operation may answer. answer, body: types whose schemas the document shows.
    """

    tag: str
    method: str
    path: str
    summary: str
    needs: Permission | None = Permission.ADMINISTER
    status: int = 200
    answer: Any = None
    body: Any = None
    query: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    example: Any = None
    apis: tuple[Api, ...] = BOTH

    @property
    def paths(self) -> dict[str, Api | None]:
        """Where it is answered, and of which kind each path is: the loop default has the short paths, too."""
        if not self.apis:
            return {f"/{self.path}": None}
        scopes = ("/", "/loops/{loop}/")
        return {f"{scope}{api.value}{self.path}": api for api in self.apis for scope in scopes}
