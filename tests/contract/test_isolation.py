"""Many loops on one deployment: their keys, and that none of them learns of another."""

import gzip
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from harness import functions
from harness.stored import Loop
from harness.system import ADMIN_KEY, APP_KEY, CONFIGURATION, System

from shared.serving.routes import Route

RANK = {"actions": [{"id": one, "features": [{"kind": one}]} for one in "ab"]}
OPERATIONS: list[tuple[str, str, Any]] = [
    ("POST", "personalizer/v1.0/rank", RANK),
    ("POST", "personalizer/v1.0/events/e/reward", {"value": 1}),
    ("POST", "personalizer/v1.0/events/e/activate", None),
    ("GET", "personalizer/v1.0/configurations/service", None),
    ("PUT", "personalizer/v1.0/configurations/service", CONFIGURATION),
    ("GET", "personalizer/v1.1-preview.3/model/properties", None),
    ("GET", "personalizer/v1.0/configurations/policy", None),
    ("PUT", "personalizer/v1.0/configurations/policy", {"name": "p", "arguments": "--cb_explore_adf"}),
    ("DELETE", "personalizer/v1.0/configurations/policy", None),
    ("GET", "personalizer/v1.1-preview.3/model?signed=true", None),
    ("PUT", "personalizer/v1.1-preview.3/model", {}),
    ("DELETE", "personalizer/v1.0/model", None),
    ("GET", "personalizer/v1.0/logs/properties", None),
    ("DELETE", "personalizer/v1.0/logs", None),
    ("GET", "events/e", None),
    ("GET", "metrics", None),
    ("GET", "", None),
    ("DELETE", "", None),
    ("POST", "keys/app/1", None),
]


def call(system: System, key: str, method: str, path: str, body: Any = None) -> httpx.Response:
    headers = {"Ocp-Apim-Subscription-Key": key}
    return httpx.request(method, f"{system.url}/{path}".rstrip("/"), headers=headers, json=body, timeout=30)


@pytest.fixture(scope="module")
def loops(system: System) -> Iterator[dict[str, Any]]:
    """Two loops, by name, as they were answered when they were made."""
    made = {}
    for name in ("one", "two"):
        answer = call(system, ADMIN_KEY, "PUT", f"loops/{name}")
        assert answer.status_code == 201, answer.text
        made[name] = answer.json()
    yield made
    for name in made:
        assert call(system, ADMIN_KEY, "DELETE", f"loops/{name}").status_code == 204


def test_a_loop_has_two_keys_of_each_role(system: System, loops: dict[str, Any]) -> None:
    one = loops["one"]
    assert one["path"] == "/loops/one"
    assert len({*one["appKeys"], *one["adminKeys"]}) == 4
    for key in one["appKeys"]:
        assert call(system, key, "POST", "loops/one/personalizer/v1.0/rank", RANK).status_code == 201
        assert call(system, key, "GET", "loops/one/personalizer/v1.0/configurations/service").status_code == 403
    for key in one["adminKeys"]:
        assert call(system, key, "GET", "loops/one/personalizer/v1.0/configurations/service").status_code == 200


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
def test_keys_of_one_loop_open_no_other_and_do_not_tell_whether_there_is_one(
    system: System, loops: dict[str, Any], method: str, path: str, body: Any
) -> None:
    for key in (*loops["one"]["appKeys"], *loops["one"]["adminKeys"], APP_KEY, "guess"):
        there, nowhere = (call(system, key, method, f"loops/{loop}/{path}", body) for loop in ("two", "nowhere"))
        assert there.status_code == nowhere.status_code == 401
        assert there.content == nowhere.content
    for key in (*loops["one"]["appKeys"], *loops["one"]["adminKeys"]) if path.startswith("personalizer") else ():
        assert call(system, key, method, path, body).status_code == 401


def test_a_configuration_is_of_one_loop(system: System, loops: dict[str, Any]) -> None:
    path, changed = "personalizer/v1.0/configurations/service", CONFIGURATION | {"defaultReward": 0.25}
    assert call(system, loops["one"]["adminKeys"][0], "PUT", f"loops/one/{path}", changed).status_code == 200
    rewards = {
        loop: call(system, ADMIN_KEY, "GET", prefix + path).json()["defaultReward"]
        for loop, prefix in (("default", ""), ("one", "loops/one/"), ("two", "loops/two/"))
    }
    assert (rewards["one"], rewards["default"] != 0.25, rewards["two"] != 0.25) == (0.25, True, True)


def test_only_the_owner_makes_lists_and_deletes_loops(system: System, loops: dict[str, Any]) -> None:
    for key in (loops["one"]["adminKeys"][0], loops["one"]["appKeys"][0]):
        assert call(system, key, "GET", "loops").status_code == 401
        assert call(system, key, "PUT", "loops/three").status_code == 401
        assert call(system, key, "DELETE", "loops/one").status_code == 403
    assert call(system, APP_KEY, "GET", "loops").status_code == 403
    names = [loop["name"] for loop in call(system, ADMIN_KEY, "GET", "loops").json()["loops"]]
    assert names == ["default", "one", "two"]


@pytest.mark.parametrize("name", ["default", "one"])
def test_a_name_is_taken_once(system: System, loops: dict[str, Any], name: str) -> None:
    assert call(system, ADMIN_KEY, "PUT", f"loops/{name}").json()["error"]["code"] == "LoopAlreadyExists"


@pytest.mark.parametrize("name", ["A", "a_b", "-a", "a-", "a" * 64, "%C3%A9", "a.b"])
def test_a_name_that_is_none_is_refused(system: System, name: str) -> None:
    assert call(system, ADMIN_KEY, "PUT", f"loops/{name}").json()["error"]["code"] == "InvalidLoopName"


@pytest.mark.parametrize("route", [one for one in functions.ROUTES if one.template.startswith("loops/{loop}/")])
def test_every_operation_tells_the_owner_that_there_is_no_such_loop(system: System, route: Route) -> None:
    values = {"loop": "nowhere", "version": "v1.0", "eventId": "e", "evaluationId": "e", "featureImportanceId": "f"}
    values["erasureId"] = "e"
    path = route.template.format_map(values | {"role": "app", "number": "1"})
    query = "" if "{version}" in route.template else "?api-version=2022-09-01-preview"
    answer = call(system, ADMIN_KEY, route.method, path + query, {})
    assert answer.status_code == 404
    assert answer.headers["x-ms-error-code"] == "ResourceNotFound"
    assert route.method == "HEAD" or "There is no loop 'nowhere'." in answer.json()["error"]["message"]


def test_a_key_of_a_loop_is_told_that_an_owner_s_key_is_needed(system: System, loops: dict[str, Any]) -> None:
    needed = "it needs an owner's key, which is an admin key of the loop default."
    for method in ("PUT", "DELETE"):
        refused = call(system, loops["one"]["adminKeys"][0], method, "loops/one").json()["error"]
        assert refused["message"] == f"This key may not use this operation: {needed}"
    for path in ("metrics", "loops"):
        refused = call(system, loops["one"]["adminKeys"][0], "GET", path).json()["error"]
        assert "send a reader key of the deployment or an owner's key" in refused["message"]


def test_what_is_not_there_is_told_to_the_owner(system: System) -> None:
    assert call(system, ADMIN_KEY, "GET", "loops/nowhere").status_code == 404
    long = call(system, ADMIN_KEY, "GET", f"loops/{'x' * 3000}/personalizer/v1.0/status")
    assert long.status_code == 404
    assert len(long.json()["error"]["message"]) < 400
    assert call(system, ADMIN_KEY, "DELETE", "loops/nowhere").status_code == 404
    assert call(system, ADMIN_KEY, "DELETE", "loops/default").status_code == 400


def test_a_rotated_key_replaces_one_and_leaves_the_other(system: System, loops: dict[str, Any]) -> None:
    first, second = loops["two"]["appKeys"]
    new = call(system, loops["two"]["adminKeys"][0], "POST", "loops/two/keys/app/1").json()["key"]
    accepted = {
        key: call(system, key, "POST", "loops/two/personalizer/v1.0/rank", RANK).status_code
        for key in (first, second, new)
    }
    assert accepted == {first: 401, second: 201, new: 201}
    assert call(system, ADMIN_KEY, "POST", "loops/default/keys/app/1").json()["error"]["code"] == "LoopKeysFixed"
    for path in ("keys/owner/1", "keys/app/3", "keys/app/0"):
        assert call(system, ADMIN_KEY, "POST", f"loops/two/{path}").status_code == 404


def test_a_deleted_loop_is_gone_and_its_name_starts_anew(system: System) -> None:
    path = "loops/brief/personalizer/v1.0/configurations/service"
    first = call(system, ADMIN_KEY, "PUT", "loops/brief").json()
    key = first["adminKeys"][0]
    assert call(system, key, "PUT", path, CONFIGURATION | {"defaultReward": 0.5}).status_code == 200
    assert call(system, ADMIN_KEY, "DELETE", "loops/brief").status_code == 204
    assert call(system, key, "GET", path).status_code == 401
    assert call(system, ADMIN_KEY, "PUT", "loops/brief").status_code == 201
    assert call(system, key, "GET", path).status_code == 401
    assert call(system, ADMIN_KEY, "GET", path).json()["defaultReward"] == 0
    assert call(system, ADMIN_KEY, "DELETE", "loops/brief").status_code == 204


def test_what_is_stored_late_for_a_deleted_loop_is_not_its_successors(system: System) -> None:
    """As by a trainer that is storing a run when the loop is deleted and made anew."""
    path, name = "loops/again/personalizer/v1.0/logs/properties", "logs/2026/01/01/00/20260101T000000000Z.dsjson.gz"
    assert call(system, ADMIN_KEY, "PUT", "loops/again").status_code == 201
    earlier = Loop(system, loop="again")
    assert earlier.names("checkpoint.json")
    assert call(system, ADMIN_KEY, "DELETE", "loops/again").status_code == 204
    assert call(system, ADMIN_KEY, "PUT", "loops/again").status_code == 201
    earlier.write(earlier.name(name), gzip.compress(b'{"EventId":"e","Timestamp":"2026-01-01T00:00:00Z"}\n'))
    assert call(system, ADMIN_KEY, "GET", path).json() == {}
    later = Loop(system, loop="again")
    assert later.names("logs/") == []
    later.write(later.name(name), earlier.read(earlier.name(name)))
    assert call(system, ADMIN_KEY, "GET", path).json()["dateRange"]["to"] == "2026-01-01T00:00:00Z"
    assert call(system, ADMIN_KEY, "DELETE", "loops/again").status_code == 204
    assert earlier.names("") == later.names("") == []


def test_the_first_checkpoint_of_a_loop_has_a_copy(system: System) -> None:
    """Without it the hubs would be read from their start, and the events of earlier loops of the name be its own."""
    assert call(system, ADMIN_KEY, "PUT", "loops/begun").status_code == 201
    loop = Loop(system, loop="begun")
    (copy,) = loop.names("checkpoints/")
    assert loop.read(copy) == loop.read(loop.name("checkpoint.json"))
    assert call(system, ADMIN_KEY, "DELETE", "loops/begun").status_code == 204


def test_a_loop_can_be_configured_before_it_ranks(system: System) -> None:
    assert call(system, ADMIN_KEY, "PUT", "loops/first").status_code == 201
    for method, path, body in (OPERATIONS[4], OPERATIONS[0]):
        assert call(system, ADMIN_KEY, method, f"loops/first/{path}", body).status_code in {200, 201}
    assert call(system, ADMIN_KEY, "DELETE", "loops/first").status_code == 204


def test_made_and_deleted_by_several_at_once_a_loop_is_whole_or_gone(system: System) -> None:
    path = "loops/busy/personalizer/v1.0/rank"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: call(system, ADMIN_KEY, "PUT", "loops/busy"), range(8)))
    assert sorted({answer.status_code for answer in made} - {409, 503}) == [201]
    (winner,) = [answer.json() for answer in made if answer.status_code == 201]
    assert call(system, winner["appKeys"][0], "POST", path, RANK).status_code == 201
    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(lambda _: call(system, ADMIN_KEY, "DELETE", "loops/busy").status_code, range(4)))
    assert 204 in ended
    assert call(system, winner["appKeys"][0], "POST", path, RANK).status_code == 401
