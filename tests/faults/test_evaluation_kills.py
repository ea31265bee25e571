"""An evaluator that is killed at any moment goes on where it was, and comes to the same numbers."""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from harness.stored import Loop
from harness.system import System, running, wait_until

KILLS = 8
ACTIONS = [{"id": one, "features": [{"kind": one}]} for one in "abc"]
NOW = datetime.now(UTC)
ASKED = {
    "name": "killed",
    "startTime": (NOW - timedelta(hours=1)).isoformat(),
    "endTime": (NOW + timedelta(hours=1)).isoformat(),
    "policies": [
        {"name": "one", "arguments": "--cb_explore_adf --squarecb --gamma_scale 20 -q Fj"},
        {"name": "two", "arguments": "--cb_explore_adf --squarecb --interactions auto --unweighted --explore_first"},
        {"name": "three", "arguments": "--cb_explore_adf --epsilon 0.1 -q Fi"},
    ],
}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("killed")) as made:
        made.configure()
        with made.client() as client:
            for number in range(150):
                body = {"eventId": f"e{number}", "contextFeatures": [{"n": number % 3}], "actions": ACTIONS}
                assert client.post("rank", json=body).status_code == 201
                client.post(f"events/e{number}/reward", json={"value": float(number % 2)})
        Loop(made).wait_until_done()
        yield made


def result(admin: httpx.Client, name: str) -> dict[str, Any] | None:
    told: dict[str, Any] = admin.get(f"evaluations/{name}").json()
    assert told["status"] in ("pending", "completed"), told
    return told if told["status"] == "completed" else None


def test_killed_at_any_moment_it_comes_to_the_same(system: System) -> None:
    draw = random.Random(7)
    with system.client(system.settings["ADMIN_KEYS"]) as admin:
        calm = admin.post("evaluations", json=ASKED).json()["id"]
        undisturbed = wait_until(lambda: result(admin, calm), "the evaluation has ended", 120)
        name = admin.post("evaluations", json=ASKED).json()["id"]
        kills = 0
        while kills < KILLS and result(admin, name) is None:
            time.sleep(draw.uniform(0.1, 2.0))
            system.evaluator.kill()
            kills += 1
            system.evaluator.start()
            system.evaluator.ready()
        killed = wait_until(lambda: result(admin, name), "the evaluation has ended", 180)
        assert kills >= 3
    assert killed["policyResults"] == undisturbed["policyResults"]
    assert [blob for blob in Loop(system).names("evaluations/") if not blob.endswith(".json")] == []


def test_an_evaluation_that_is_deleted_in_the_middle_leaves_nothing(system: System) -> None:
    before = Loop(system).names("evaluations/")
    with system.client(system.settings["ADMIN_KEYS"]) as admin:
        name = admin.post("evaluations", json=ASKED).json()["id"]
        wait_until(lambda: len(Loop(system).names("evaluations/")) > len(before) + 1, "a part is stored", 60)
        assert admin.delete(f"evaluations/{name}").status_code == 204
        assert admin.get(f"evaluations/{name}").status_code == 404
        other = admin.post("evaluations", json=ASKED).json()["id"]
        wait_until(lambda: result(admin, other), "the next one has ended", 120)
        assert admin.delete(f"evaluations/{other}").status_code == 204
    assert Loop(system).names("evaluations/") == before
