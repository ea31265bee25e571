"""Undoing a change of policy or model, against the whole service."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from harness.stored import Loop
from harness.system import ADMIN_KEY, System, running

FIRST = {"name": "first", "arguments": "--cb_explore_adf --epsilon 0.2 --power_t 0.5 -q ::"}
SECOND = {"name": "second", "arguments": "--cb_explore_adf --epsilon 0.1 --power_t 0 -l 0.01"}
ACTIONS = [{"id": one, "features": [{"kind": one}]} for one in "abc"]
EXPORTED = (Path(__file__).parents[1] / "data" / "vw-9.1.0.vw").read_bytes()


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("undo"), IMPORT_UNSIGNED_MODELS="true") as made:
        made.configure()
        yield made


@pytest.fixture
def admin(system: System) -> Iterator[httpx.Client]:
    """An administrator's client of the loop default, which has learned by the first policy alone."""
    with system.client(ADMIN_KEY) as client:
        assert client.delete("model").status_code == 204
        assert client.delete("logs").status_code == 204
        assert client.put("configurations/policy", json=FIRST).status_code == 200
        visit(system, 30)
        yield client


_visits = iter(range(1_000_000))


def visit(system: System, number: int) -> None:
    """So many ranks with rewards, which are learned when it returns."""
    with system.client() as client:
        for one in (f"v{next(_visits)}" for _ in range(number)):
            body = {"eventId": one, "contextFeatures": [{"day": one[-1]}], "actions": ACTIONS}
            chosen = client.post("rank", json=body).json()["rewardActionId"]
            assert client.post(f"events/{one}/reward", json={"value": float(chosen == "b")}).status_code == 204
    Loop(system).wait_until_done()


def undo(system: System, loop: str = "default", key: str = ADMIN_KEY) -> httpx.Response:
    return httpx.post(f"{system.url}/loops/{loop}/undo", headers={"Ocp-Apim-Subscription-Key": key}, timeout=60)


def undone(system: System) -> dict[str, Any]:
    answer = undo(system)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def configured(admin: httpx.Client) -> tuple[Any, Any]:
    share = admin.get("configurations/service").json()["explorationPercentage"]
    return admin.get("configurations/policy").json(), share


def model(system: System) -> str:
    return str(Loop(system).checkpoint()["model"]["version"])


def test_the_model_comes_back_and_learns_once_what_was_logged_since(system: System, admin: httpx.Client) -> None:
    before, loop, was = model(system), Loop(system), configured(admin)
    assert admin.put("configurations/policy", json=SECOND).status_code == 200
    visit(system, 20)
    assert model(system) != before
    assert configured(admin) == (SECOND, 0.1)
    told = undone(system)
    assert (told["policy"], told["explorationPercentage"], told["model"]) == (*was, "restored")
    assert told["events"] == 20
    assert configured(admin) == was
    visit(system, 10)
    state = loop.checkpoint()
    assert loop.weights() == loop.replayed()  # all sixty lines, each once
    assert state["model"]["learned"] == 60
    refused = undo(system)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "NothingToUndo")


def test_a_change_that_has_not_replaced_the_model_yet_is_undone(system: System, admin: httpx.Client) -> None:
    before = model(system)
    assert admin.put("configurations/policy", json=SECOND).status_code == 200
    told = undone(system)
    assert (told["policy"], told["model"] in ("kept", "restored")) == (FIRST, True)
    visit(system, 5)
    state, loop = Loop(system).checkpoint(), Loop(system)
    assert state["model"]["learned"] == 35
    assert state["model"]["version"] > before
    assert loop.weights() == loop.replayed()


def test_a_deleted_model_comes_back(system: System, admin: httpx.Client) -> None:
    policy = configured(admin)
    for _ in range(2):
        assert admin.delete("model").status_code == 204
    visit(system, 5)
    told = undone(system)
    assert (told["model"], told["events"]) == ("restored", 5)
    assert configured(admin) == policy
    visit(system, 5)
    loop = Loop(system)
    assert loop.checkpoint()["model"]["learned"] == 40
    assert loop.weights() == loop.replayed()


def test_an_imported_model_goes_with_its_policy(system: System, admin: httpx.Client) -> None:
    policy = configured(admin)
    assert admin.put("model", content=EXPORTED, headers={"Content-Type": "application/octet-stream"}).is_success
    assert configured(admin) != policy
    visit(system, 5)
    assert undone(system)["model"] == "restored"
    assert configured(admin) == policy
    visit(system, 5)
    loop = Loop(system)
    assert loop.weights() == loop.replayed()


def test_exploration_that_was_configured_since_stays(system: System, admin: httpx.Client) -> None:
    assert admin.put("configurations/policy", json=SECOND).status_code == 200
    system.configure(explorationPercentage=0.33)
    told = undone(system)
    assert (told["policy"]["name"], told["explorationPercentage"]) == ("first", 0.33)
    system.configure(explorationPercentage=0.2)


def test_the_first_change_of_a_new_loop_is_undone_without_a_model(system: System) -> None:
    headers = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
    assert httpx.put(f"{system.url}/loops/fresh", headers=headers, timeout=60).status_code == 201
    assert undo(system, "fresh").json()["error"]["code"] == "NothingToUndo"
    with httpx.Client(base_url=f"{system.url}/loops/fresh/personalizer/v1.0/", headers=headers, timeout=60) as client:
        policy = client.get("configurations/policy").json()
        assert client.put("configurations/policy", json=policy).status_code == 200  # changes nothing
        assert undo(system, "fresh").status_code == 409
        assert client.put("configurations/policy", json=SECOND).status_code == 200
        told = undo(system, "fresh").json()
        assert (told["policy"], told["model"]) == (client.get("configurations/policy").json(), "none")
        assert client.get("configurations/policy").json()["name"] == policy["name"]


def test_undo_is_an_administrator_s(system: System) -> None:
    app_key = base64.b64encode(b"nobody").decode()
    assert undo(system, key=app_key).status_code == 401
    assert undo(system, key=system.settings["APP_KEYS"].split(",")[0]).status_code == 403
    assert undo(system, "nowhere").status_code == 404
