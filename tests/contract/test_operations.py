"""The operations of the REST contract, over HTTP, against the whole service."""

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

import httpx
import pytest
from harness.system import ADMIN_KEY, APP_KEY, CONFIGURATION, System, wait_until

from shared.version import VERSION
from shared.vw.sampling import draw, rank, uniform_hash

Conforms = Callable[[str, httpx.Response], None]

# The request examples of the swagger, v1.0.
RANK_EXAMPLE = {
    "contextFeatures": [{"timeOfDay": "Morning"}],
    "actions": [
        {"id": "NewsArticle", "features": [{"type": "News"}]},
        {"id": "SportsArticle", "features": [{"type": "Sports"}]},
        {"id": "EntertainmentArticle", "features": [{"type": "Entertainment"}]},
    ],
    "excludedActions": ["SportsArticle"],
    "eventId": "75269AD0-BFEE-4598-8196-C57383D38E10",
    "deferActivation": False,
}
CONFIGURATION_EXAMPLE = {
    "rewardWaitTime": "PT10M",
    "defaultReward": 0.0,
    "rewardAggregation": "earliest",
    "explorationPercentage": 0.2,
    "modelExportFrequency": "PT5M",
    "logMirrorEnabled": True,
    "logMirrorSasUri": "https://testblob.blob.core.windows.net/container?se=2020-08-13T00%3A00Z&sp=rwl&sig=signature",
    "logRetentionDays": 7,
}
ACTIONS = [{"id": one, "features": [{"kind": one}]} for one in ("a", "b", "c", "d")]


def ranked(app: httpx.Client, **members: Any) -> dict[str, Any]:
    answer = app.post("rank", json={"actions": ACTIONS} | members)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    assert sum(one["probability"] for one in body["ranking"]) == pytest.approx(1, abs=1e-5)
    return body


def test_the_rank_example(app: httpx.Client, conforms: Conforms) -> None:
    answer = app.post("rank", json=RANK_EXAMPLE)
    assert answer.status_code == 201
    conforms("POST /rank", answer)
    body = answer.json()
    assert set(body) == {"ranking", "eventId", "rewardActionId"}
    probabilities = {one["id"]: one["probability"] for one in body["ranking"]}
    assert set(probabilities) == {"NewsArticle", "SportsArticle", "EntertainmentArticle"}
    assert probabilities["SportsArticle"] == 0
    assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert body["eventId"] == RANK_EXAMPLE["eventId"]
    assert body["rewardActionId"] == body["ranking"][0]["id"] != "SportsArticle"


@pytest.mark.parametrize("value", [1, 0.5, 0, -1])
def test_the_reward_example(app: httpx.Client, conforms: Conforms, value: float) -> None:
    answer = app.post("events/id/reward", json={"value": value})
    assert answer.status_code == 204
    conforms("POST /events/{eventId}/reward", answer)


def test_activate_takes_no_body(app: httpx.Client, conforms: Conforms) -> None:
    answer = app.post("events/id/activate")
    assert answer.status_code == 204
    conforms("POST /events/{eventId}/activate", answer)
    assert app.post("events/id/activate", json={"ignored": 1}).status_code == 204


def test_an_event_nobody_ranked_may_be_rewarded(app: httpx.Client) -> None:
    assert app.post(f"events/{uuid.uuid4()}/reward", json={"value": 1}).status_code == 204


@pytest.mark.parametrize("event_id", ["a b", "ä/日本", "a%b", "x" * 256, "{0}", "😀", "a+b&c=d?e#f"])
def test_event_ids_of_any_characters(app: httpx.Client, event_id: str) -> None:
    assert ranked(app, eventId=event_id)["eventId"] == event_id
    path = f"events/{''.join(f'%{byte:02X}' for byte in event_id.encode())}"
    assert app.post(f"{path}/reward", json={"value": 1}).status_code == 204
    assert app.post(f"{path}/activate").status_code == 204


@pytest.mark.parametrize("members", [{}, {"eventId": None}])
def test_an_event_id_is_made_where_there_is_none(app: httpx.Client, members: dict[str, Any]) -> None:
    made = {ranked(app, **members)["eventId"] for _ in range(3)}
    assert len(made) == 3
    assert all(str(uuid.UUID(one)) == one for one in made)


def test_the_event_id_decides_the_draw(app: httpx.Client) -> None:
    """The probabilities tell which place of the best-first order was drawn, whatever the model."""
    for number in range(50):
        event_id = f"event-{number}"
        served = [one["probability"] for one in ranked(app, eventId=event_id)["ranking"]]
        point = draw(uniform_hash("default"), event_id)
        assert served == rank(sorted(served, reverse=True), point).probabilities


def test_excluded_actions_keep_their_places_with_probability_0(app: httpx.Client) -> None:
    for number in range(20):
        body = ranked(app, excludedActions=["c", "a", "nobody"], eventId=f"excluded-{number}")
        assert [(one["id"], one["probability"]) for one in body["ranking"][::2]] == [("a", 0), ("c", 0)]
        assert {one["id"] for one in body["ranking"][1::2]} == {"b", "d"}
        assert body["rewardActionId"] == body["ranking"][1]["id"]


def test_the_only_action_left_is_certain(app: httpx.Client) -> None:
    body = ranked(app, excludedActions=["a", "b", "c"])
    assert [one["probability"] for one in body["ranking"]] == [0, 0, 0, 1]
    assert body["rewardActionId"] == body["ranking"][3]["id"] == "d"


@pytest.mark.parametrize("members", [{"deferActivation": True}, {"deferActivation": None}, {"contextFeatures": None}])
def test_optional_members(app: httpx.Client, members: dict[str, Any]) -> None:
    ranked(app, **members)


def test_unknown_members_are_ignored(app: httpx.Client, configured: System, admin: httpx.Client) -> None:
    ranked(app, actions=[ACTIONS[0] | {"more": 1}], previousEventId="x", nested={"x": [[]]})
    assert app.post("events/x/reward", json={"value": 1, "more": {}}).status_code == 204
    assert admin.put("configurations/service", json=CONFIGURATION | {"more": 1}).status_code == 200


@pytest.mark.parametrize("name", ["Ocp-Apim-Subscription-Key", "ocp-apim-subscription-key", "X-Functions-Key"])
@pytest.mark.parametrize("key", [APP_KEY, ADMIN_KEY])
def test_key_headers(system: System, name: str, key: str) -> None:
    url = f"{system.url}/personalizer/v1.0/rank"
    assert httpx.post(url, headers={name: key}, json={"actions": ACTIONS}).status_code == 201


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "text/plain", None])
def test_content_types(app: httpx.Client, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    body = b'{"actions":[{"id":"\xc3\xa9","features":[{"x":1}]}]}'
    answer = app.post("rank", content=body, headers=headers)
    assert (answer.status_code, answer.json()["rewardActionId"]) == (201, "é")


@pytest.mark.parametrize("version", ["v1.0", "V1.0", "v1.1-preview.1", "v1.1-preview.2", "v1.1-preview.3"])
def test_versions_of_the_path(system: System, app: httpx.Client, version: str) -> None:
    url = f"{system.url}/personalizer/{version}"
    assert app.post(f"{url}/rank", json={"actions": ACTIONS}).status_code == 201
    assert app.post(f"{url}/events/e/reward", json={"value": 1}).status_code == 204
    assert app.post(f"{url}/events/e/activate").status_code == 204


def test_the_configuration_example(admin: httpx.Client, configured: System, conforms: Conforms) -> None:
    answer = admin.put("configurations/service", json=CONFIGURATION_EXAMPLE)
    assert answer.status_code == 200, answer.text
    conforms("PUT /configurations/service", answer)
    stored = admin.get("configurations/service")
    conforms("GET /configurations/service", stored)
    assert stored.json() == {name: value for name, value in answer.json().items() if name != "modelAfterChange"}
    assert {name: stored.json()[name] for name in CONFIGURATION_EXAMPLE} == CONFIGURATION_EXAMPLE


@pytest.mark.parametrize(
    ("text", "iso"),
    [("PT10M", "PT10M"), ("00:10:00", "PT10M"), ("PT1S", "PT1S"), ("00:00:01", "PT1S"), ("P1DT1H", "P1DT1H")],
)
def test_durations_are_answered_in_iso_8601(admin: httpx.Client, configured: System, text: str, iso: str) -> None:
    body = CONFIGURATION | {"rewardWaitTime": text, "modelExportFrequency": text}
    answer = admin.put("configurations/service", json=body).json()
    assert (answer["rewardWaitTime"], answer["modelExportFrequency"]) == (iso, iso)


def test_a_configuration_that_was_read_can_be_put_again(admin: httpx.Client, configured: System) -> None:
    for version in ("v1.0", "v1.1-preview.3"):
        url = f"{configured.url}/personalizer/{version}/configurations/service"
        before = admin.get(url).json()
        after = admin.put(url, json=before).json()
        edited = "lastConfigurationEditDate"
        assert after.pop(edited) >= before.pop(edited)
        assert after == before


def test_the_policy(admin: httpx.Client, conforms: Conforms) -> None:
    answer = admin.get("configurations/policy")
    assert answer.status_code == 200
    conforms("GET /configurations/policy", answer)
    assert answer.json()["name"] == "default"
    assert re.search("--cb_explore_adf ", answer.json()["arguments"])


def test_model_properties(admin: httpx.Client, conforms: Conforms) -> None:
    answer = admin.get("model/properties")
    assert answer.status_code == 200
    conforms("GET /model/properties", answer)
    created, modified = (datetime.fromisoformat(answer.json()[name]) for name in ("creationTime", "lastModifiedTime"))
    assert created <= modified


def test_health_needs_no_key_and_tells_no_names(system: System) -> None:
    answer = httpx.get(f"{system.url}/health")
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"status", "version", "model", "log"}
    assert body["version"] == VERSION
    assert (body["status"], body["log"]["reachable"]) == ("ok", True)
    for secret in ("default", "interactions", "observations", "127.0.0.1", "personalizer", APP_KEY, ADMIN_KEY):
        assert secret not in answer.text


def learn_from(app: httpx.Client, admin: httpx.Client, actions: list[dict[str, Any]], context: list[Any]) -> None:
    """Ranks and rewards until a model has learned from these events that the first action is the right one."""
    # Their wait time is 2 seconds: a model made after this instant has seen some of them.
    seen = datetime.now(UTC) + timedelta(seconds=5)

    def learned() -> bool:
        for _ in range(10):
            body = ranked(app, actions=actions, contextFeatures=context)
            value = float(body["rewardActionId"] == actions[0]["id"])
            assert app.post(f"events/{body['eventId']}/reward", json={"value": value}).status_code == 204
        best = max(ranked(app, actions=actions, contextFeatures=context)["ranking"], key=itemgetter("probability"))
        made = admin.get("model/properties").json()["lastModifiedTime"]
        return datetime.fromisoformat(made) > seen and best["id"] == actions[0]["id"]

    wait_until(learned, "a model that prefers the rewarded action", 90)


def test_exploration_is_capped_as_configured(app: httpx.Client, admin: httpx.Client, configured: System) -> None:
    learn_from(app, admin, ACTIONS, [{"time": "now"}])
    for share in (0, 0.1, 0.2):
        configured.configure(explorationPercentage=share)
        for number in range(10):
            body = ranked(app, contextFeatures=[{"time": "now"}], eventId=f"share-{number}")
            assert max(one["probability"] for one in body["ranking"]) >= 1 - share - 1e-6


def test_names_that_vw_cannot_take_are_ranked_and_learned(
    app: httpx.Client, admin: httpx.Client, system: System
) -> None:
    """Namespaces whose first byte is above 127 make VW 9.11 write out of bounds."""
    special: dict[str, Any] = {
        "é": {"x": 1},
        "日本": [1, 2],
        "😀": {"ÿ": {"|": 1}},
        "a b:c|d": "\t\n|:",
        ":": {"_x": 1},
    }
    actions = [{"id": one, "features": [special | {"kind": one}]} for one in ("ä|b", "_c", "d:e f", "\0")]
    pids = system.http.pid, system.timers.pid
    learn_from(app, admin, actions, [special])
    for number in range(20):
        assert len(ranked(app, actions=actions, contextFeatures=[special], eventId=str(number))["ranking"]) == 4
    assert (system.http.pid, system.timers.pid) == pids
    for part in (system.http, system.timers):
        part.ready()
    assert system.health()["status"] == "ok"
