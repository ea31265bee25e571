"""Which route a path leads to: the table that the function of all other paths looks up."""

import azure.functions as func
import pytest
from harness import functions

from shared.serving import dispatch, service
from shared.serving.routes import Routes, Table
from shared.serving.versions import Api

TABLE = Table(functions.ROUTES)


@pytest.mark.parametrize(
    ("method", "path", "name", "values"),
    [
        ("POST", "personalizer/v1.0/rank", "rank", {"version": "v1.0"}),
        ("POST", "PERSONALIZER/v1.0/Rank", "rank", {"version": "v1.0"}),
        ("POST", "personalizer/rank", "rank_2022", {}),
        ("POST", "personalizer/multislot/rank", "multi_slot_rank_2022", {}),
        ("POST", "loops/Shop/personalizer/rank", "loop_rank_2022", {"loop": "Shop"}),
        ("POST", "personalizer/events/v1.0/reward", "reward_2022", {"eventId": "v1.0"}),
        ("GET", "personalizer/evaluations/model", "get_evaluation_2022", {"evaluationId": "model"}),
        ("GET", "personalizer/v1.0/model", "get_model", {"version": "v1.0"}),
        ("HEAD", "personalizer/model", "head_model_2022", {}),
        ("GET", "loops/shop", "get_loop", {"loop": "shop"}),
        ("GET", "loops", "list_loops", {}),
        ("GET", "loops/shop/events/personalizer", "get_event", {"loop": "shop", "eventId": "personalizer"}),
    ],
)
def test_a_path_leads_to_the_route_with_most_literals(
    method: str, path: str, name: str, values: dict[str, str]
) -> None:
    found = TABLE.find(method, path.split("/"))
    assert found is not None
    assert (found[0].name, found[1]) == (name, values)


@pytest.mark.parametrize(("method", "path"), [("GET", "personalizer/rank"), ("GET", ""), ("GET", "loops/a/b")])
def test_other_paths_and_methods_lead_nowhere(method: str, path: str) -> None:
    assert TABLE.find(method, path.split("/")) is None


def test_every_function_of_its_own_is_in_the_table_and_no_route_is_there_twice() -> None:
    own = {name for name, one in functions.declared().items() if one.get_trigger().type == "httpTrigger"}
    assert own == {route.name for route in functions.OWN} | {"dashboard", "other"}
    assert len({(route.method, route.template.lower()) for route in functions.ROUTES}) == len(functions.ROUTES)
    assert len({route.name for route in functions.ROUTES}) == len(functions.ROUTES)


async def test_the_dispatcher_hands_on_the_request_with_the_values_of_the_route() -> None:
    seen: list[func.HttpRequest] = []

    async def work(req: func.HttpRequest) -> func.HttpResponse:
        seen.append(req)
        return func.HttpResponse(status_code=204)

    route = next(one for one in functions.ROUTES if one.name == "loop_reward")._replace(handler=work)
    request = func.HttpRequest(
        "POST",
        "http://localhost/",
        headers={"X-One": "1"},
        params={"q": "2"},
        route_params={"path": "/loops/shop//personalizer/v1.0/events/a%2Fb/reward/"},
        body=b"{}",
    )
    assert (await dispatch.dispatch(Table([route]), request)).status_code == 204
    (handed,) = seen
    assert dict(handed.route_params) == {"loop": "shop", "version": "v1.0", "eventId": "a%2Fb"}
    assert (handed.method, handed.headers["x-one"], handed.params["q"]) == ("POST", "1", "2")
    assert handed.get_body() == b"{}"


async def test_an_unknown_path_is_answered_though_the_settings_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "current", unreadable)
    for method in ("OPTIONS", "GET"):
        asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
        request = func.HttpRequest(method, "http://localhost/", headers=asked, route_params={"path": "no"}, body=b"")
        assert (await dispatch.dispatch(TABLE, request)).status_code == 404


def unreadable() -> object:
    raise ValueError("EVENT_HUBS_PARTITIONS is no number")


def test_an_operation_of_one_version_has_no_route_in_the_other() -> None:
    routes = Routes()

    @routes.operation("GET", "new", apis=[Api.V2022])
    async def new(req: func.HttpRequest, service: object) -> func.HttpResponse:
        return func.HttpResponse()

    assert [route.template for route in routes] == ["personalizer/new", "loops/{loop}/personalizer/new"]
