"""What is stored about a person is found and handed over, line by line."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from harness.stored import Loop
from harness.system import ADMIN_KEY, System, running

ACTIONS = [{"id": one, "features": [{"kind": one}]} for one in "ab"]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("search")) as made:
        made.configure()
        with made.client() as client:
            for number in range(40):
                body = {"eventId": f"e{number}", "contextFeatures": [{"user": {"id": number % 4}}], "actions": ACTIONS}
                assert client.post("rank", json=body).status_code == 201
                client.post(f"events/e{number}/reward", json={"value": 1})
            client.post("events/nobody/reward", json={"value": 1})
        Loop(made).wait_until_done()
        yield made


def search(system: System, body: Any, key: str = ADMIN_KEY) -> httpx.Response:
    url = f"{system.url}/loops/default/events/search"
    return httpx.post(url, headers={"Ocp-Apim-Subscription-Key": key}, json=body, timeout=60)


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line)["EventId"] for line in answer.text.splitlines()]


def test_events_are_found_by_feature_and_id(system: System) -> None:
    expected = {f"e{number}" for number in range(40) if number % 4 == 2}
    for value in (2, "2"):
        found = ids(search(system, [{"feature": "user.id", "value": value}]))
        assert (set(found), len(found)) == (expected, 10)
    both = {"selection": [{"feature": "user.id", "value": 2}, {"eventId": "e1"}]}
    assert set(ids(search(system, both))) == expected | {"e1"}
    assert search(system, [{"feature": "user.name", "value": "x"}]).text == ""


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"selection": []},
        [{}],
        [{"eventId": ""}],
        [{"feature": "x"}],
        [{"value": "x"}],
        [{"eventId": "x", "feature": "y", "value": "z"}],
        [{"feature": "x", "value": {"a": 1}}],
        {"selection": [{"eventId": "x"}], "token": "!"},
        5,
    ],
)
def test_what_is_no_selection_gets_a_sentence(system: System, body: Any) -> None:
    answer = search(system, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidSelection"), answer.text


def test_only_an_administrator_may_search(system: System) -> None:
    body = [{"eventId": "e1"}]
    assert search(system, body, "wrong").status_code == 401
    assert search(system, body, system.settings["APP_KEYS"].split(",")[0]).status_code == 403
