"""Erasing a person's events against the whole service: every byte is looked at, and the model is compared."""

import gzip
import json
import time
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from harness.stored import Loop
from harness.system import ADMIN_KEY, CONTAINER, System, running, wait_until

POLICY = {"name": "plain", "arguments": "--cb_explore_adf --epsilon 0.2 --power_t 0.5 -q ::"}
ACTIONS = [{"id": one, "features": [{"kind": one}]} for one in "abc"]
PERSON = "person-6fd3a1"


@pytest.fixture
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("erasures")) as made:
        made.configure()
        with made.client(ADMIN_KEY) as admin:
            assert admin.put("configurations/policy", json=POLICY).status_code == 200
        yield made


def visit(system: System, first: int, last: int) -> None:
    """Ranks with rewards, every fifth of the person's."""
    with system.client() as client:
        for number in range(first, last):
            user = PERSON if number % 5 == 0 else f"other-{number % 7}"
            event = f"secret-{number}" if user == PERSON else f"event-{number}"
            body = {"eventId": event, "contextFeatures": [{"user": {"id": user}}], "actions": ACTIONS}
            chosen = client.post("rank", json=body).json()["rewardActionId"]
            assert client.post(f"events/{event}/reward", json={"value": float(chosen == "b")}).status_code == 204


def call(system: System, method: str, path: str, body: Any = None, **query: str) -> httpx.Response:
    headers = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
    url = f"{system.url}/loops/default/{path}"
    return httpx.request(method, url, headers=headers, json=body, params=query, timeout=60)


def done(system: System, name: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        told: dict[str, Any] = call(system, "GET", f"erasures/{name}").json()
        return told if told["status"] not in ("waiting", "running") else None

    return wait_until(look, "it has ended", 120)


def everything(system: System) -> Iterator[tuple[str, bytes]]:
    """Every blob of the container, unpacked."""
    blobs = system.blobs(CONTAINER)
    for name in blobs.list_blob_names():
        data = blobs.download_blob(name).readall()
        yield name, data
        if data.startswith(b"\x1f\x8b"):
            yield name, _unpacked(data)


def _unpacked(data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return b""


def naming(system: System, *texts: str) -> list[str]:
    return sorted({name for name, data in everything(system) if any(text.encode() in data for text in texts)})


def test_a_person_is_erased_with_proof_and_the_model_never_knew_them(system: System) -> None:
    loop = Loop(system)
    visit(system, 0, 60)
    loop.wait_until_done()
    assert naming(system, PERSON)
    selection = [{"feature": "user.id", "value": PERSON}]
    counted = call(system, "PUT", "erasures/look", selection, dryRun="true")
    assert counted.status_code == 202
    told = done(system, "look")
    assert (told["status"], told["counts"]["joined"], told["counts"]["totalJoined"]) == ("done", 12, 60)
    assert len(loop.joined()) == 60

    assert call(system, "PUT", "erasures/request 7", selection).status_code == 202
    visit(system, 61, 65)  # others, while it is done
    told = done(system, "request%207")
    assert (told["status"], told["model"]) == ("done", "learnedAnew"), told
    loop.wait_until_done()
    assert {line.event_id for line in loop.joined()} == {f"event-{n}" for n in range(65) if n % 5}
    assert naming(system, PERSON, "secret-") == []
    assert loop.weights() == loop.replayed()
    counts = loop.counts()
    assert (counts["learned"], counts["erased_lines"]) == (64, 12)

    traced = call(system, "GET", "events/secret-5").json()
    assert set(traced) == {"eventId", "loop", "status", "erasedAt"}
    assert traced["status"] == "erased"
    assert call(system, "GET", "events/event-6").json()["status"] == "learned"
    again = call(system, "PUT", "erasures/request 7", selection)
    assert (again.status_code, again.json()["status"]) == (202, "done")
    other = call(system, "PUT", "erasures/request 7", [{"eventId": "x"}])
    assert (other.status_code, other.json()["error"]["code"]) == (409, "ErasureAlreadyExists")
    with system.client() as client:
        assert client.post("events/secret-10/reward", json={"value": 1}).status_code == 204
    loop.wait_until_done()
    assert naming(system, "secret-10") == []
    assert loop.counts()["erased_observations"] == 1


def test_open_events_go_and_a_selection_of_everything_is_refused(system: System) -> None:
    loop = Loop(system)
    visit(system, 1, 5)
    loop.wait_until_done()
    everyone = [{"feature": "user.id", "value": f"other-{number}"} for number in range(7)]
    call(system, "PUT", "erasures/all", everyone)
    told = done(system, "all")
    assert told["status"] == "refused"
    assert '"all": true' in told["reason"]
    assert len(loop.joined()) == 4
    call(system, "PUT", "erasures/yes", {"selection": everyone, "all": True})
    assert done(system, "yes")["status"] == "done"
    assert loop.joined() == []
    with system.client(ADMIN_KEY) as admin:
        configuration = admin.get("configurations/service").json()
        assert admin.put("configurations/service", json=configuration | {"rewardWaitTime": "PT20S"}).status_code == 200
    time.sleep(1.5)
    visit(system, 5, 9)
    call(system, "PUT", "erasures/open", [{"feature": "user.id", "value": PERSON}])
    told = done(system, "open")
    assert (told["status"], told["counts"]["pending"]) == ("done", 1), told
    loop.wait_until_done()
    assert {line.event_id for line in loop.joined()} == {"event-6", "event-7", "event-8"}
    assert loop.counts()["erased"] == 1
    assert naming(system, PERSON, "secret-") == []


def test_two_erasures_at_once_and_a_change_of_policy_leave_a_model_that_knows_neither(system: System) -> None:
    loop = Loop(system)
    visit(system, 0, 40)
    loop.wait_until_done()
    with system.client(ADMIN_KEY) as admin:
        other = {"name": "other", "arguments": "--cb_explore_adf --epsilon 0.1 --power_t 0.5"}
        assert admin.put("configurations/policy", json=other).status_code == 200
    for number in (1, 2):
        selection = [{"feature": "user.id", "value": f"other-{number}"}]
        assert call(system, "PUT", f"erasures/{number}", selection).status_code == 202
    told = [done(system, str(number)) for number in (1, 2)]
    assert [(one["status"], one["model"]) for one in told] == [("done", "learnedAnew")] * 2, told
    loop.wait_until_done()
    assert naming(system, "other-1", "other-2") == []
    assert loop.weights() == loop.replayed()
    undone = call(system, "POST", "undo")
    assert undone.json()["model"] in ("learnedAnew", "kept")
    loop.wait_until_done()
    assert loop.weights() == loop.replayed()


def test_what_means_nothing_or_is_no_selection_is_told(system: System) -> None:
    for body in ([], {"selection": []}, [{}], 5, [{"feature": "", "value": "x"}], [{"eventId": "x", "feature": "y"}]):
        refused = call(system, "PUT", "erasures/x", body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "InvalidSelection"), body
    for query in ({"dryRun": ""}, {"dryRun": "maybe"}, {"dry_run": "true"}):
        refused = call(system, "PUT", "erasures/x", [{"eventId": "x"}], **query)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "InvalidRequest"), query
    assert call(system, "GET", "erasures/x").json()["error"]["code"] == "ErasureNotFound"
    loop = Loop(system)
    visit(system, 0, 6)
    odd = "line\n\x01\u2028\u00e9"
    for name, selection in {
        "nobody": [{"eventId": "nobody"}],
        "unknown": [{"feature": "no.such.feature", "value": PERSON}],
        "control%01%0A": [{"eventId": odd}, {"feature": odd, "value": odd}],
        "long": [{"eventId": "x" * 1_024}, {"feature": "user.id", "value": ""}],
    }.items():
        assert call(system, "PUT", f"erasures/{name}", selection).status_code == 202, name
        told = done(system, name)
        counts = told["counts"]
        assert (told["status"], counts["joined"], counts["late"], counts["pending"]) == ("done", 0, 0, 0), name
        assert "nobody" not in json.dumps(told | {"id": ""})
    loop.wait_until_done()
    assert len(loop.joined()) == 6


def test_an_evaluation_that_is_under_way_or_names_an_erased_action_ends_as_failed(system: System) -> None:
    loop = Loop(system)
    visit(system, 0, 30)
    loop.wait_until_done()
    asked = {
        "name": "before",
        "startTime": "2020-01-01T00:00:00Z",
        "endTime": "2100-01-01T00:00:00Z",
        "enableOfflineExperimentation": False,
        "policies": [],
    }
    with system.client(ADMIN_KEY) as admin:
        made = admin.post("evaluations", json=asked)
        assert made.status_code == 201, made.text
        where = f"evaluations/{made.json()['id']}"
        selection = [{"feature": "user.id", "value": PERSON}]
        assert call(system, "PUT", "erasures/beside", selection).status_code == 202
        assert done(system, "beside")["status"] == "done"

        def look() -> Any:
            told = admin.get(where).json()
            return told if told["status"] in ("completed", "failed") else None

        ended = wait_until(look, "it ends")
    assert ended["status"] == "completed" or "Events were erased" in json.dumps(ended)
    loop.wait_until_done()
    assert naming(system, PERSON) == []
    assert loop.weights() == loop.replayed()
