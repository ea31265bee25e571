"""What Azure's service took beside its contract is taken over HTTP, and what it answered is answered."""

import gzip
import http.client
import json
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from harness.stored import Loop
from harness.system import ADMIN_KEY, APP_KEY, System

ACTIONS = [{"id": one, "features": [{"kind": one}]} for one in "abcd"]
VERSIONS = ("v1.0", "v1.1-preview.1", "v1.1-preview.2", "v1.1-preview.3")
OWNER = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}


class Own:
    """A loop of its own, `loops/NAME/personalizer/v1.1-preview.3/`."""

    def __init__(self, system: System, policy: dict[str, str] | None = None) -> None:
        self.name = f"lenient-{uuid.uuid4().hex[:8]}"
        self.url = f"{system.url}/loops/{self.name}"
        made = httpx.put(self.url, headers=OWNER, timeout=30)
        assert made.status_code == 201, made.text
        self.keys: dict[str, list[str]] = made.json()
        self.client = httpx.Client(base_url=f"{self.url}/personalizer/v1.1-preview.3/", headers=OWNER, timeout=30)
        self.stored = Loop(system, loop=self.name)
        if policy:
            assert self.client.put("configurations/policy", json=policy).status_code == 200

    def end(self) -> None:
        self.client.close()
        assert httpx.delete(self.url, headers=OWNER, timeout=30).status_code == 204


@pytest.fixture(scope="module")
def single(system: System) -> Iterator[Own]:
    own = Own(system)
    yield own
    own.end()


@pytest.fixture(scope="module")
def slots(system: System) -> Iterator[Own]:
    own = Own(system, {"name": "slots", "arguments": "--ccb_explore_adf --epsilon 0.2 --cb_type mtr -q ::"})
    yield own
    own.end()


def ranked(client: httpx.Client, body: Any, **headers: str) -> dict[str, Any]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post("rank", content=content, headers=headers)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("digits", ["101", "1.0", "1e3", "-5"])
def test_numeric_ids_are_text(single: Own, digits: str) -> None:
    body = (
        f'{{"eventId":{digits}7,"actions":[{{"id":{digits},"features":[{{"x":1}}]}},{{"id":2,"features":[{{"x":2}}]}}]'
    )
    answer = ranked(single.client, f'{body},"excludedActions":[2]}}'.encode())
    assert (answer["eventId"], answer["rewardActionId"]) == (f"{digits}7", digits)
    assert answer["ranking"] == [{"id": digits, "probability": 1}, {"id": "2", "probability": 0}]
    assert single.client.post(f"events/{digits}7/reward", json={"value": "0.5"}).status_code == 204


def test_numeric_ids_and_text_for_numbers_in_multi_slot_calls(slots: Own) -> None:
    actions = [{"id": number, "features": [{"kind": number}]} for number in (1, 2, 3)]
    wanted = [{"id": 10, "baselineAction": 1, "excludedActions": [2, 3]}, {"ID": "11", "BaselineAction": "2"}]
    body = {"actions": actions, "slots": wanted, "EVENTID": 77, "deferActivation": "True"}
    answer = slots.client.post("multislot/rank", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["eventId"] == "77"
    assert [one["id"] for one in answer.json()["slots"]] == ["10", "11"]
    assert answer.json()["slots"][0]["rewardActionId"] == "1"
    reward = {"Reward": [{"slotId": 10, "value": "1.0"}, {"SlotId": "11", "Value": 0.5}]}
    assert slots.client.post("multislot/events/77/reward", json=reward).status_code == 204
    twice = {"reward": [{"slotId": "10", "SlotId": "11", "value": 1}]}
    assert slots.client.post("multislot/events/77/reward", json=twice).json()["error"]["code"] == "InvalidRewardRequest"


@pytest.mark.parametrize("value", ["1.0", " -1 ", "5e-1", "0"])
def test_text_is_taken_for_the_reward(app: httpx.Client, value: str) -> None:
    assert app.post("events/e/reward", json={"value": value}).status_code == 204
    assert app.post("events/e/reward", json={"Value": value}).status_code == 204


def test_names_in_another_case_name_the_same(single: Own) -> None:
    """An event id that is not understood would make orphans of its rewards."""
    event_id = str(uuid.uuid4())
    features = [{"EventId": "x", "id": 5}]
    actions = [{"ID": "a", "Features": features}, {"Id": "b", "FEATURES": features}]
    body = {"EventId": event_id, "Actions": actions, "ExcludedActions": ["a"], "DeferActivation": "true", "More": 1}
    answer = ranked(single.client, body | {"ContextFeatures": features})
    assert (answer["eventId"], answer["rewardActionId"]) == (event_id, "b")
    trace = httpx.get(f"{single.url}/events/{event_id}", headers=OWNER, timeout=30).json()
    assert trace["context"] == features
    assert trace["actions"] == [{"id": "b", "features": features}]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_encodings_that_show_themselves(app: httpx.Client, encoding: str) -> None:
    body = json.dumps({"eventId": "Ångström 😀", "actions": ACTIONS}, ensure_ascii=False)
    assert ranked(app, body.encode(encoding))["eventId"] == "Ångström 😀"
    assert app.post("events/e/reward", content='{"value":1}'.encode(encoding)).status_code == 204


def test_a_declared_charset(app: httpx.Client) -> None:
    body = json.dumps({"eventId": "Ã©", "actions": ACTIONS}, ensure_ascii=False).encode("latin-1")
    kind = "application/json; charset={}"
    assert ranked(app, body, **{"Content-Type": kind.format("ISO-8859-1")})["eventId"] == "Ã©"
    assert ranked(app, body, **{"Content-Type": kind.format("utf-8")})["eventId"] == "é"
    refused = app.post("rank", content=body, headers={"Content-Type": kind.format("shift_jis")})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BadRequest")
    assert "charset 'shift_jis' is not known here; send UTF-8" in refused.json()["error"]["message"]


def test_utf8_that_is_declared_as_utf16_is_taken(app: httpx.Client) -> None:
    body = json.dumps({"eventId": "é", "actions": ACTIONS}, ensure_ascii=False).encode()
    assert ranked(app, body, **{"Content-Type": "application/json; charset=utf-16"})["eventId"] == "é"
    refused = app.post("rank", content=b"x", headers={"Content-Type": "application/json; charset=utf-16"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BadRequest")
    assert "declares charset=utf-16, and it is not in that; send UTF-8" in refused.json()["error"]["message"]


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "deflate", "identity, br"])
def test_a_body_that_is_compressed_is_refused_with_its_coding(admin: httpx.Client, coding: str) -> None:
    body = gzip.compress(json.dumps({"actions": ACTIONS}).encode())
    for method, path in (("POST", "rank"), ("PUT", "configurations/service"), ("PUT", "model")):
        refused = admin.request(method, path, content=body, headers={"Content-Encoding": coding})
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BadRequest")
        said = f"compression is not taken; send the body without Content-Encoding: {coding}."
        assert said in refused.json()["error"]["message"]


@pytest.mark.parametrize("coding", ["identity", "utf-8"])
def test_a_body_that_is_not_compressed_is_taken_whatever_it_is_called(app: httpx.Client, coding: str) -> None:
    ranked(app, {"actions": ACTIONS}, **{"Content-Encoding": coding})


def test_half_a_character_of_an_event_id_is_the_same_in_a_path(single: Own) -> None:
    event_id = f"{uuid.uuid4()}é"
    assert ranked(single.client, {"eventId": f"{event_id}\ud83d", "actions": ACTIONS})["eventId"] == f"{event_id}\ufffd"
    url = f"{single.url}/personalizer/v1.0/events/{quote(event_id)}%ED%A0%BD/reward"
    assert httpx.post(url, headers=OWNER, json={"value": 1}, timeout=30).status_code == 204
    trace = httpx.get(f"{single.url}/events/{quote(event_id)}%ED%A0%BD", headers=OWNER, timeout=30).json()
    assert trace["eventId"] == f"{event_id}\ufffd"
    assert [one["value"] for one in trace["observations"]] == [1]


def test_a_title_cut_inside_an_emoji(single: Own) -> None:
    cut = "\ud83d"
    event_id = str(uuid.uuid4())
    actions = [{"id": f"a{cut}", "features": [{f"title{cut}": f"news {cut}"}]}]
    answer = ranked(single.client, {"eventId": event_id, "actions": actions})
    assert answer["rewardActionId"] == "a\ufffd"
    trace = httpx.get(f"{single.url}/events/{event_id}", headers=OWNER, timeout=30).json()
    assert trace["actions"] == [{"id": "a\ufffd", "features": [{"title\ufffd": "news \ufffd"}]}]


@pytest.mark.parametrize("mode", ["Online", "Apprentice", "LoggingOnly"])
def test_excluded_actions_keep_their_places(single: Own, mode: str) -> None:
    configuration = single.client.get("configurations/service").json()
    assert single.client.put("configurations/service", json=configuration | {"learningMode": mode}).status_code == 200
    for _ in range(5):
        answer = ranked(single.client, {"actions": ACTIONS, "excludedActions": ["a", "c"]})
        assert [(one["id"], one["probability"]) for one in answer["ranking"][::2]] == [("a", 0), ("c", 0)]
        assert answer["rewardActionId"] == answer["ranking"][1]["id"]
        assert sum(one["probability"] for one in answer["ranking"]) == pytest.approx(1)


def test_the_range_of_an_empty_log_and_of_an_unsorted_one(system: System) -> None:
    own = Own(system)
    try:
        answer = own.client.get("logs/properties")
        assert (answer.status_code, answer.json()) == (200, {})
        blobs = {
            "2026/01/01/10/20260101T104000000Z_part2.dsjson.gz": [
                "2026-01-01T10:40:00.0000000Z",
                "2026-01-01T10:01:00",
            ],
            "2026/01/01/10/20260101T102000000Z_part1.dsjson.gz": ["2026-01-01T12:20:00+02:00", "2026-01-01T10:10:00"],
            "2026/01/01/12/20260101T120000000Z.dsjson.gz": ["2026-01-01T09:59:00Z", "2026-01-01T11:00:00Z"],
            "2026/01/03/08/20260103T085000000Z_part.dsjson.gz": ["2026-01-03T08:50:00", "2026-01-03T08:00:00Z"],
        }
        for name, times in blobs.items():
            lines = [json.dumps({"EventId": at, "Timestamp": at}) for at in times]
            own.stored.write(own.stored.name(f"logs/{name}"), gzip.compress("\n".join([*lines, ""]).encode()))
        answer = own.client.get("logs/properties")
        expected = {"from": "2026-01-01T09:59:00Z", "to": "2026-01-03T08:50:00Z"}
        assert (answer.status_code, answer.json()) == (200, {"dateRange": expected})
    finally:
        own.end()


@pytest.mark.parametrize("chunked", [True, False])
def test_a_model_without_a_body_says_why(admin: httpx.Client, system: System, chunked: bool) -> None:
    url = f"{system.url}/personalizer/v1.1-preview.3/model"
    answer = admin.put(url, content=iter([b"PK\x03\x04"]) if chunked else b"")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidModelImportFormat")
    assert "The body is empty." in answer.json()["error"]["message"]
    assert "Content-Length" in answer.json()["error"]["message"]


@pytest.mark.parametrize("version", VERSIONS)
def test_status_tells_whether_the_key_is_good(system: System, single: Own, version: str) -> None:
    path, wanted = f"personalizer/{version}/status", {"service", "apiStatus", "apiStatusMessage"}
    good = [(f"{system.url}/{path}", APP_KEY), (f"{system.url}/{path}", ADMIN_KEY)]
    good += [(f"{single.url}/{path}", key) for key in (*single.keys["appKeys"], *single.keys["adminKeys"], ADMIN_KEY)]
    for url, key in good:
        answer = httpx.get(url, headers={"Ocp-Apim-Subscription-Key": key}, timeout=30)
        assert answer.status_code == 200, url
        assert answer.json().keys() == wanted
        assert all(isinstance(value, str) for value in answer.json().values())
    for url, headers in (
        (f"{system.url}/{path}", {}),
        (f"{single.url}/{path}", {"Ocp-Apim-Subscription-Key": APP_KEY}),
    ):
        refused = httpx.get(url, headers=headers, timeout=30)
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "Unauthorized")


@pytest.mark.parametrize("blank", [" ", "\t", "   "])
def test_a_key_followed_by_a_blank(system: System, blank: str) -> None:
    host = httpx.URL(system.url)
    connection = http.client.HTTPConnection(host.host, host.port or 80, timeout=30)
    headers = {"Ocp-Apim-Subscription-Key": APP_KEY + blank}
    connection.request("GET", "/personalizer/v1.0/status", headers=headers)
    assert connection.getresponse().status == 200
    connection.close()


def test_an_answer_without_a_body_has_no_content_type(app: httpx.Client) -> None:
    for path, body in (("events/e/reward", {"value": 1}), ("events/e/activate", None)):
        answer = app.post(path, json=body)
        assert (answer.status_code, answer.content) == (204, b"")
        assert "content-type" not in answer.headers
