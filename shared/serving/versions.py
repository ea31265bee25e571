"""The versions of the REST contract: which a request asks for, what to call instead, how their error codes differ."""

import enum
from collections.abc import Iterable

import azure.functions as func

from shared.errors import ApiError, shown
from shared.serving import queries

# The versions whose paths carry them; their common operations are the same. The last one has every operation of v1.x.
IN_PATH = ("v1.0", "v1.1-preview.1", "v1.1-preview.2", "v1.1-preview.3")
IN_QUERY = "2022-09-01-preview"
PARAMETER = "api-version"
BASE = "personalizer"
TWICE = f"The path has {BASE} twice: an endpoint ends before /{BASE}."
# Codes of v1.x, and what 2022-09-01-preview calls them.
_CODES = {"InvalidContainer": "InvalidSasUri"}


class Api(enum.Enum):
    """The two kinds of paths; the value goes before an operation's own path."""

    V1 = "personalizer/{version}/"
    V2022 = "personalizer/"


BOTH = (Api.V1, Api.V2022)


def api_of(req: func.HttpRequest) -> Api:
    """The kind of the path of a request for an operation of the contract."""
    return Api.V1 if "version" in req.route_params else Api.V2022


def url(api: Api, loop: str | None, path: str, version: str = IN_PATH[-1]) -> str:
    """What to call for an operation, `path` below the version. Without a loop: the loop default.

    version: that of a v1.x path.
    """
    before = f"/loops/{loop}/{BASE}" if loop else f"/{BASE}"
    return f"{before}/{version}/{path}" if api is Api.V1 else f"{before}/{path}?{PARAMETER}={IN_QUERY}"


def code(code: str, api: Api | None) -> str:
    """What an error code of v1.x is called in a kind of paths."""
    return _CODES.get(code, code) if api is Api.V2022 else code


def unknown(version: str) -> str:
    """What is to be said of a path with a version that there is not."""
    return f"There is no API version '{shown(version)}'; use one of {', '.join(IN_PATH)} in a path."


class Version:
    """The version of requests of one operation, whose path is of the kind `api`. apis: the kinds that it has."""

    def __init__(self, method: str, path: str, api: Api, apis: Iterable[Api]) -> None:
        self._method, self._path, self._api, self._apis = method, path, api, tuple(apis)

    def check(self, req: func.HttpRequest) -> None:
        """Raises ResourceNotFound for an unknown version in the path, InvalidRequest for one in the query, or none."""
        if self._api is Api.V1:
            version = req.route_params["version"]
            if version.lower() == BASE:
                raise ApiError("ResourceNotFound", f"{TWICE} {self._calls(req, doubled=True)}")
            if version.lower() not in IN_PATH:
                raise ApiError("ResourceNotFound", f"{unknown(version)} {self._calls(req)}")
        elif (version := queries.value(req.params, PARAMETER) or "").lower() != IN_QUERY:
            wrong = f"There is no {PARAMETER} '{shown(version)}'" if version else f"{PARAMETER} is missing"
            where = f"the query takes {IN_QUERY}, the path one of {', '.join(IN_PATH)}."
            raise ApiError("InvalidRequest", f"{wrong}: {where} {self._calls(req)}", target=PARAMETER)

    def error(self, error: ApiError) -> ApiError:
        """An error with the code that it has in this version."""
        return error.renamed(lambda one: code(one, self._api))

    def _calls(self, req: func.HttpRequest, *, doubled: bool = False) -> str:
        """The calls that were meant. doubled: the path is that of 2022-09-01-preview with `personalizer` twice."""
        values = {name: shown(value) for name, value in req.route_params.items()}
        apis = [Api.V2022] if doubled and Api.V2022 in self._apis else self._apis
        urls = [url(api, values.get("loop"), self._path.format_map(values)) for api in apis]
        return f"Call {' or '.join(f'{self._method} {one}' for one in urls)}."
