"""Bad input over HTTP: the documented code, status and a message that says what to change, and nothing else happens."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from harness.system import CONFIGURATION, System
from hypothesis import given, settings
from hypothesis import strategies as st

Conforms = Callable[[str, httpx.Response], None]

ACTION = {"id": "a", "features": [{"x": 1}]}
GOOD: dict[str, Any] = {"actions": [ACTION]}
LIMIT = 524_288  # MAX_BODY_BYTES, by default


@dataclass
class Bad:
    """A request and how it is refused."""

    name: str
    code: str
    says: str
    body: Any = None
    path: str = "rank"
    method: str = "POST"
    status: int = 400
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body, separators=(",", ":")).replace("4000000000.0", "4e9").encode()


def rank(name: str, body: Any, says: str, code: str = "InvalidRankRequest") -> Bad:
    return Bad(name, code, says, body)


def one(features: Any) -> dict[str, Any]:
    return {"actions": [{"id": "a", "features": features}]}


def reward(name: str, body: Any, says: str = "from -1 to 1", code: str = "InvalidRewardRequest") -> Bad:
    return Bad(name, code, says, body, path="events/e/reward")


def put(name: str, code: str, says: str, **changed: Any) -> Bad:
    body = {member: value for member, value in (CONFIGURATION | changed).items() if value is not ...}
    return Bad(f"configuration: {name}", code, says, body, "configurations/service", "PUT")


BAD = [
    rank("malformed JSON", b'{"actions":[', "could not be understood", "BadRequest"),
    rank("no body", b"", "the body is empty; send JSON with a Content-Length", "BadRequest"),
    rank("NaN", b'{"actions":[{"id":"a","features":[{"x":NaN}]}]}', "invalid character", "BadRequest"),
    rank("Infinity", b'{"actions":[{"id":"a","features":[{"x":Infinity}]}]}', "invalid character", "BadRequest"),
    rank("not UTF-8", b'{"actions":[{"id":"\xff","features":[{}]}]}', "charset=iso-8859-1", "BadRequest"),
    rank("a member in two cases", GOOD | {"Actions": []}, "there twice, as 'actions' and as 'Actions'"),
    rank("nested without end", b'{"x":' + b"[" * 200_000, "recursion", "BadRequest"),
    rank("1e999", b'{"actions":[{"id":"a","features":[{"x":1e999}]}]}', "A number is too large."),
    rank("an array", [GOOD], "Expected `object`"),
    rank("no actions", {"actions": []}, "Action count should be between 1 and 50."),
    rank("actions missing", {}, "Action count should be between 1 and 50."),
    rank("51 actions", {"actions": [ACTION | {"id": str(n)} for n in range(51)]}, "Action count should be between"),
    rank("an action null", {"actions": [None]}, "Actions contains null value."),
    rank("an id empty", {"actions": [ACTION | {"id": ""}]}, "Action ids must not be empty"),
    rank("an id missing", {"actions": [{"features": [{}]}]}, "Action ids must not be empty"),
    rank("an id of 257 characters", {"actions": [ACTION | {"id": "x" * 257}]}, "longer than 256 characters"),
    rank("an id true", {"actions": [ACTION | {"id": True}]}, "got `bool` - at `$.actions[0].id`"),
    rank("an id an object", {"actions": [ACTION | {"id": {}}]}, "got `object` - at `$.actions[0].id`"),
    rank("an id a number twice", {"actions": [ACTION | {"id": 1}, ACTION | {"id": "1"}]}, "Action ids must be unique."),
    rank("an id twice", {"actions": [ACTION, ACTION]}, "Action ids must be unique."),
    rank("all actions excluded", GOOD | {"excludedActions": ["a"]}, "All actions are excluded; leave at least one."),
    rank("no features", one([]), "Every action needs at least one object of features."),
    rank("features missing", {"actions": [{"id": "a"}]}, "Every action needs at least one object of features."),
    rank("features an object", one({"x": 1}), "Features are not in key value pair format"),
    rank("features a text", one(["x"]), "Features are not in key value pair format"),
    rank("an array of texts", one([{"x": ["a"]}]), "arrays may hold numbers only"),
    rank("an array of objects", one([{"x": [{}]}]), "arrays may hold numbers only"),
    rank("an empty name", one([{"": 1}]), "A feature name must not be empty."),
    rank("nested six deep", one([{"1": {"2": {"3": {"4": {"5": {"6": 1}}}}}}]), "nested 5 levels deep at most"),
    rank("too many features", one([{str(n): 1 for n in range(20_000)}]), "Send fewer features, actions or slots"),
    rank("a null in the context", GOOD | {"contextFeatures": [None]}, "Context features contains null value."),
    rank("the context an object", GOOD | {"contextFeatures": {}}, "Features are not in key value pair format"),
    rank("an empty event id", GOOD | {"eventId": ""}, "EventId should be non-empty or null"),
    rank("an event id of 257 characters", GOOD | {"eventId": "x" * 257}, "at most 256 characters"),
    rank("deferActivation another text", GOOD | {"deferActivation": "yes"}, "`$.deferActivation`"),
    Bad("a body over the limit", "PayloadSizeExceeded", str(LIMIT), b" " * (LIMIT + 1), status=413),
    Bad("a text of 1 MB", "PayloadSizeExceeded", str(LIMIT), one([{"x": "s" * 2**20}]), status=413),
    Bad(
        *("longer in the log than in the request", "PayloadSizeExceeded", "send fewer features"),
        {"actions": [{"id": str(n), "features": [{"x": [4e9] * 2_000}]} for n in range(50)]},
        status=413,
    ),
    reward("above 1", {"value": 1.5}),
    reward("below -1", {"value": -1.5}),
    reward("a text", {"value": "one"}),
    reward("NaN in a text", {"value": "NaN"}),
    reward("true", {"value": True}),
    reward("twice", {"value": 1, "Value": 1}, "there twice"),
    reward("null", {"value": None}),
    reward("no value", {}),
    reward("NaN", b'{"value":NaN}', "invalid character", "BadRequest"),
    reward("no body", b"", "the body is empty", "BadRequest"),
    Bad("reward: id too long", "InvalidRewardRequest", "1 to 256", {"value": 1}, f"events/{'x' * 257}/reward"),
    Bad("activate: id too long", "InvalidEventIdToActivate", "1 to 256", b"", f"events/{'x' * 257}/activate"),
    put("wait too short", "InvalidRewardWaitTime", "at least PT1S", rewardWaitTime="PT0.9S"),
    put("wait too long", "InvalidRewardWaitTime", "at most P2D", rewardWaitTime="2.00:00:01"),
    put("wait in words", "InvalidRewardWaitTime", "ISO 8601 such as PT10M, or hh:mm:ss", rewardWaitTime="10 min"),
    put("export 0", "InvalidServiceConfiguration", "at least PT1S", modelExportFrequency="PT0S"),
    put("export in words", "InvalidServiceConfiguration", "ISO 8601", modelExportFrequency="hourly"),
    put("retention 1 day", "InvalidLogRetentionDays", "-1 or at least rewardWaitTime + 1 day", logRetentionDays=1),
    put("retention -2", "InvalidServiceConfiguration", "logRetentionDays must be at least -1", logRetentionDays=-2),
    put(
        "exploration 2",
        "InvalidServiceConfiguration",
        "explorationPercentage must be at most 1",
        explorationPercentage=2,
    ),
    put("default reward 2", "InvalidServiceConfiguration", "defaultReward must be at most 1", defaultReward=2),
    put("aggregation", "InvalidServiceConfiguration", "earliest, average, median", rewardAggregation="mode"),
    put("a member missing", "InvalidServiceConfiguration", "defaultReward is missing", defaultReward=...),
    put(
        "another mode",
        "InvalidServiceConfiguration",
        "learningMode must be one of Online, Apprentice",
        learningMode="Offline",
    ),
    Bad("configuration: no JSON", "BadRequest", "understood", b"{", "configurations/service", "PUT"),
    Bad("configuration: no body", "BadRequest", "the body is empty", b"", "configurations/service", "PUT"),
]


@pytest.fixture
def unharmed(system: System, admin: httpx.Client) -> Iterator[None]:
    """Whatever the test did, the configuration is what it was and the service is well."""
    before = admin.get("configurations/service").json()
    yield
    assert admin.get("configurations/service").json() == before
    assert system.health()["status"] == "ok"


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_refused(admin: httpx.Client, conforms: Conforms, bad: Bad) -> None:
    answer = admin.request(bad.method, bad.path, content=bad.content)
    assert answer.status_code == bad.status, answer.text
    operation = f"{bad.method} /{bad.path}"
    conforms(operation if bad.path[0] != "e" else "POST /events/{eventId}/reward", answer)
    error = answer.json()["error"]
    assert error["code"] == answer.headers["x-ms-error-code"] == bad.code
    assert bad.says in error["message"]


@pytest.mark.usefixtures("unharmed")
def test_a_configuration_with_several_faults_is_answered_with_all_of_them(
    admin: httpx.Client, conforms: Conforms
) -> None:
    faults = {"rewardWaitTime": "P3D", "LogRetentionDays": "-2", "explorationPercentage": True}
    wrong = {name: value for name, value in CONFIGURATION.items() if name != "logRetentionDays"} | faults
    answer = admin.put("configurations/service", json=wrong)
    assert answer.status_code == 400
    conforms("PUT /configurations/service", answer)
    error = answer.json()["error"]
    assert error["code"] == answer.headers["x-ms-error-code"] == "InvalidServiceConfiguration"
    assert {one["target"]: one["code"] for one in error["details"]} == {
        "rewardWaitTime": "InvalidRewardWaitTime",
        "explorationPercentage": "InvalidServiceConfiguration",
        "logRetentionDays": "InvalidServiceConfiguration",
    }
    assert all(one["message"] in error["message"] for one in error["details"])


def test_a_chunked_body_arrives_empty_and_the_answer_says_so(app: httpx.Client) -> None:
    def chunks() -> Iterator[bytes]:
        yield json.dumps(GOOD).encode()

    answer = app.post("rank", content=chunks())
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
    assert "send JSON with a Content-Length" in answer.json()["error"]["message"]


APP_OPERATIONS = [("POST", "rank"), ("POST", "events/e/reward"), ("POST", "events/e/activate")]
ADMIN_OPERATIONS = [
    *(("GET", "configurations/service"), ("PUT", "configurations/service")),
    *(("GET", "configurations/policy"), ("GET", "model/properties")),
]
WRONG_KEYS: list[dict[str, Any]] = [
    {},
    *({"Ocp-Apim-Subscription-Key": key} for key in ("", "wrong", b"\xc3\xa9", "app-key-of-the-test")),
    {"x-functions-key": "wrong"},
    {"Authorization": "Bearer wrong"},
]


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(("method", "path"), APP_OPERATIONS + ADMIN_OPERATIONS)
def test_without_a_valid_key(system: System, conforms: Conforms, method: str, path: str) -> None:
    for headers in WRONG_KEYS:
        url = f"{system.url}/personalizer/v1.0/{path}"
        answer = httpx.request(method, url, headers=headers, json=CONFIGURATION | GOOD | {"value": 1})
        assert answer.status_code == 401
        conforms("POST /rank", answer)
        assert answer.json()["error"]["code"] == "Unauthorized"
        assert "Ocp-Apim-Subscription-Key" in answer.json()["error"]["message"]


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(("method", "path"), ADMIN_OPERATIONS)
def test_an_app_key_may_not_administer(app: httpx.Client, conforms: Conforms, method: str, path: str) -> None:
    answer = app.request(method, path, json=CONFIGURATION | {"explorationPercentage": 0.5})
    assert answer.status_code == 403
    conforms("POST /rank", answer)
    assert answer.json()["error"]["code"] == "InvalidApiAccess"
    assert "needs an admin key" in answer.json()["error"]["message"]


def test_a_key_is_asked_for_before_the_body_is_read(system: System) -> None:
    answer = httpx.post(f"{system.url}/personalizer/v1.0/rank", content=b"x" * (LIMIT + 1))
    assert answer.status_code == 401


def test_an_unknown_version_is_named_with_the_known_ones(app: httpx.Client, system: System) -> None:
    answer = app.post(f"{system.url}/personalizer/v2.0/rank", json=GOOD)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ResourceNotFound")
    assert "'v2.0'; use one of v1.0" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("method", "path"), [("GET", "rank"), ("POST", "ranks"), ("POST", "events//reward")])
def test_an_unknown_path_or_method_is_not_found(app: httpx.Client, method: str, path: str) -> None:
    assert app.request(method, path).status_code == 404


@pytest.mark.parametrize("size", [LIMIT, 10_000])
def test_a_body_up_to_the_limit_is_taken(app: httpx.Client, size: int) -> None:
    body = json.dumps(one([{"emoji": "😀", "long": ""}]), ensure_ascii=False).encode()
    body = body.replace(b'"long": ""', b'"long": "%s"' % (b"s" * (size - len(body))))
    assert len(body) == size
    assert app.post("rank", content=body).status_code == 201


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
    lambda part: (
        st.lists(part, max_size=3)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from([*GOOD, *CONFIGURATION, "value", "id"]), part, max_size=4
        )
    ),
    max_leaves=10,
)
bodies = st.binary(max_size=100) | anything.map(lambda value: json.dumps(value).encode())


@given(bodies, st.sampled_from([*APP_OPERATIONS, ("PUT", "configurations/service")]), st.text(max_size=5))
@settings(max_examples=min(settings().max_examples, 500))
def test_no_body_breaks_anything(app: httpx.Client, body: bytes, operation: tuple[str, str], event_id: str) -> None:
    method, path = operation
    name = "".join(f"%{byte:02X}" for byte in event_id.encode(errors="replace")) or str(uuid.uuid4())
    answer = app.request(method, path.replace("/e/", f"/{name}/"), content=body)
    assert answer.status_code in {201, 204, 400, 403, 404}, answer.text
    if answer.status_code in {400, 403}:
        assert set(answer.json()["error"]) >= {"code", "message", "details"}
