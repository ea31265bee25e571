"""Which handler answers which method and path: what the function folders declare, and how a path is looked up in it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import azure.functions as func

from shared.auth import Permission
from shared.serving.http import Handler, Limit, Work, endpoint
from shared.serving.versions import BOTH, Api, Version

_SUFFIXES = {Api.V1: "", Api.V2022: "_2022"}


class Route(NamedTuple):
    """One method of one path. name: of its function, if it has one to itself."""

    name: str
    method: str
    template: str
    handler: Handler


class Routes(list[Route]):
    """The routes that one module declares."""

    def operation(
        self,
        method: str,
        path: str,
        needs: Permission = Permission.ADMINISTER,
        limit: Limit = "max_body_bytes",
        apis: Iterable[Api] = BOTH,
    ) -> Callable[[Work], Work]:
        """Declares `work(request, service)` as an operation of the contract, for instance `rank`.

        limit: the setting that bounds its body. apis: the kinds of paths that have it.

        The loop default has it under `/personalizer/`, any loop under `/loops/LOOP/personalizer/`.
        """

        def declare(work: Work) -> Work:
            for api in apis:
                handler = endpoint(work, needs, limit, Version(method, path, api, apis))
                template, name = f"{api.value}{path}", f"{work.__name__}{_SUFFIXES[api]}"
                self.append(Route(name, method, template, handler))
                self.append(Route(f"loop_{name}", method, f"loops/{{loop}}/{template}", handler))
            return work

        return declare

    def deployment(self, method: str, path: str, needs: Permission | None) -> Callable[[Work], Work]:
        """Declares `work(request, service)` as an operation of the deployment, for instance `GET /health`."""

        def declare(work: Work) -> Work:
            self.append(Route(work.__name__, method, path, endpoint(work, needs)))
            return work

        return declare


class Table:
    """Finds routes as the Functions host does: without regard to case, a literal before a parameter."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        split = [(route, route.template.split("/")) for route in self.routes]
        self._split = sorted(split, key=lambda one: [_is_parameter(segment) for segment in one[1]])

    def find(self, method: str, segments: Sequence[str]) -> tuple[Route, dict[str, str]] | None:
        """The route of a method and a path, with the values of its parameters."""
        return next((found for found in self.all(segments) if found[0].method == method), None)

    def all(self, segments: Sequence[str]) -> Iterable[tuple[Route, dict[str, str]]]:
        """The routes of a path, of whatever method."""
        for route, template in self._split:
            values = _match(template, segments)
            if values is not None:
                yield route, values


def _is_parameter(segment: str) -> bool:
    return segment.startswith("{")


def _match(template: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    if len(template) != len(segments):
        return None
    values = {}
    for wanted, given in zip(template, segments, strict=True):
        if _is_parameter(wanted):
            values[wanted.strip("{}")] = given
        elif wanted != given and wanted.lower() != given.lower():
            return None
    return values


def functions(routes: Iterable[Route]) -> func.Blueprint:
    """A function for each route: for what is called often, so that the platform counts it by its own name."""
    bp = func.Blueprint()
    for route in routes:
        bp.function_name(route.name)(bp.route(route.template, methods=[route.method])(route.handler))
    return bp


def with_values(req: func.HttpRequest, values: Mapping[str, str]) -> func.HttpRequest:
    """A request with the values of another route's parameters."""
    return func.HttpRequest(
        req.method, req.url, headers=req.headers, params=req.params, route_params=values, body=req.get_body()
    )
