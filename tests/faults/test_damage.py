"""Missing, truncated and changed blobs: the last good model stays in service, and nothing is learned twice or lost."""

import json
import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec
import pytest
from harness.load import ACTIONS
from harness.stored import Loop
from harness.system import ADMIN_KEY, CONFIGURATION, System, running, wait_until

from shared.loops import checkpoint

Damage = Callable[[Loop, str], None]


def remove(loop: Loop, name: str) -> None:
    loop.delete(name)


def truncate(loop: Loop, name: str) -> None:
    data = loop.read(name)
    loop.write(name, data[: len(data) // 2])


def flip(loop: Loop, name: str) -> None:
    """Changes one bit of the second half, which in a model are weights."""
    data = bytearray(loop.read(name))
    data[random.Random(len(data)).randrange(len(data) // 2, len(data))] ^= 1
    loop.write(name, bytes(data))


DAMAGES = [remove, truncate, flip]


def soak(damage: Damage) -> Any:
    """A parameter for the long version only."""
    return pytest.param(damage, marks=pytest.mark.soak)


class Service:
    """A system, its loop, and one visitor, all of whose events have to be joined and learned once."""

    def __init__(self, system: System) -> None:
        self.system, self.loop = system, Loop(system)
        self.rewards: dict[str, float] = {}

    def visit(self) -> str:
        """Ranks and rewards; the event's id."""
        event_id = f"visit-{len(self.rewards) + 1}"
        self.rank(event_id)
        self.rewards[event_id] = len(self.rewards) / 1000
        self.reward(event_id, self.rewards[event_id])
        return event_id

    def rank(self, event_id: str) -> None:
        with self.system.client() as client:
            assert client.post("rank", json={"eventId": event_id, "actions": ACTIONS}).status_code == 201
        self.rewards[event_id] = 0.0

    def reward(self, event_id: str, value: float) -> None:
        with self.system.client() as client:
            assert client.post(f"events/{event_id}/reward", json={"value": value}).status_code == 204

    def train(self) -> None:
        """Three visits, learned."""
        for _ in range(3):
            self.visit()
        self.loop.wait_until_done()

    def model(self) -> Any:
        """The checkpoint's record of the current model."""
        return self.loop.checkpoint()["model"]

    def is_fresh(self) -> bool:
        health = self.system.health()
        return bool(health["status"] == "ok" and health["model"]["refreshed"] and health["model"]["trained"])

    def is_stale(self) -> bool:
        """Whether health says that it serves a model, but not the one it should."""
        health = self.system.health()
        return bool(health["status"] == "degraded" and not health["model"]["refreshed"] and health["model"]["trained"])

    def start_timers(self) -> None:
        self.system.timers.start()
        self.system.timers.ready()

    def check(self) -> None:
        """Everything is joined once, learned once and served."""
        joined = [(line.event_id, line.reward) for line in self.loop.joined()]
        assert sorted(joined) == sorted(self.rewards.items())
        assert self.loop.counts()["learned"] == len(self.rewards)
        assert self.loop.weights() == self.loop.replayed()
        wait_until(self.is_fresh, "the current model is served")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("system")) as system:
        system.configure(rewardWaitTime="PT1S")
        service = Service(system)
        service.train()
        service.check()
        yield service


@contextmanager
def unpublished(service: Service) -> Iterator[None]:
    """Trains a model that Rank cannot have seen when the block begins; no other follows."""
    service.visit()
    os.kill(service.system.http.pid, signal.SIGSTOP)
    try:
        service.loop.wait_until_done()
        service.system.timers.kill()
        yield
    finally:
        os.kill(service.system.http.pid, signal.SIGCONT)


def test_damaged_models_leave_the_last_good_one_in_service(service: Service) -> None:
    good = service.model()["version"]
    for damage in DAMAGES:
        with unpublished(service):
            damage(service.loop, service.model()["predict"]["name"])
        wait_until(service.is_stale, "health tells of the damage")
        visit = service.visit()
        service.start_timers()
    service.loop.wait_until_done()
    assert [line.model for line in service.loop.joined() if line.event_id == visit] == [good]
    service.check()


def test_a_new_process_with_a_damaged_model_ranks_at_random(service: Service) -> None:
    service.system.timers.kill()
    flip(service.loop, service.model()["predict"]["name"])
    service.system.http.kill()
    service.system.http.start()
    service.system.http.ready()
    assert service.system.health()["status"] == "degraded"
    assert service.system.health()["model"] == {"trained": False, "ageSeconds": None, "refreshed": False}
    visit = service.visit()
    service.start_timers()
    service.loop.wait_until_done()
    assert [line.model for line in service.loop.joined() if line.event_id == visit] == ["N/A"]
    service.check()


@pytest.mark.parametrize("damage", [soak(remove), soak(truncate), flip])
def test_a_damaged_trainer_state_is_learned_again_from_the_log(service: Service, damage: Damage) -> None:
    service.system.timers.kill()
    damage(service.loop, service.model()["trainer"]["name"])
    service.visit()
    service.start_timers()
    service.loop.wait_until_done()
    service.check()


def test_a_damaged_configuration_is_told_and_can_be_put_again(service: Service) -> None:
    service.loop.write(service.loop.name("config.json"), b'{"wait":')
    wait_until(lambda: not service.system.health()["model"]["refreshed"], "health tells of the configuration")
    with service.system.client(ADMIN_KEY) as admin:
        answer = admin.get("configurations/service")
        assert answer.status_code == 503
        assert "put the service configuration again" in answer.json()["error"]["message"]
    service.visit()
    service.system.configure()
    service.train()
    wait_until(lambda: service.system.health()["model"]["refreshed"], "health is well again")


@pytest.mark.parametrize("damage", [remove, soak(truncate), flip])
def test_a_damaged_checkpoint_is_restored_from_its_copy(service: Service, damage: Damage) -> None:
    service.system.timers.kill()
    damage(service.loop, service.loop.name("checkpoint.json"))
    wait_until(service.is_stale, "health tells of the damage")
    service.visit()
    service.start_timers()
    service.loop.wait_until_done()
    service.check()


def test_a_checkpoint_that_is_lost_during_a_run_is_restored_with_the_run(service: Service) -> None:
    wait_until(lambda: stops_before_commit(service), "a run is stopped when its log is stored, but not committed")
    remove(service.loop, service.loop.name("checkpoint.json"))
    service.start_timers()
    service.train()
    service.check()


def stops_before_commit(service: Service) -> bool:
    """Kills the timers if they are in a run whose log is stored, and tells whether it is not committed."""
    service.visit()
    plan = service.loop.checkpoint().get("plan")
    if not plan or not is_logged(service.loop, plan["run"]):
        return False
    service.system.timers.kill()
    if service.loop.checkpoint()["plan"] == plan:
        return True
    service.start_timers()
    return False


def is_logged(loop: Loop, run: str) -> bool:
    return any(f"/{run}." in name for name in loop.names("logs/"))


def error(answer: httpx.Response) -> str:
    """The message of a refusal with the code of what cannot be done now."""
    assert answer.status_code == 503, answer.text
    assert answer.json()["error"]["code"] == "OperationNotAllowed"
    assert int(answer.headers["Retry-After"]) > 0
    message: str = answer.json()["error"]["message"]
    return message


def test_a_checkpoint_of_a_later_version_is_refused_by_name_and_left(service: Service) -> None:
    service.system.timers.kill()
    name = service.loop.name("checkpoint.json")
    good = service.loop.read(name)
    state = checkpoint.decode(good)
    later = checkpoint.encode(msgspec.structs.replace(state, v=checkpoint.LATEST + 1))
    service.loop.write(name, later)
    wait_until(service.is_stale, "health says that the model may not be the newest")
    visit = service.visit()
    service.start_timers()
    with service.system.client(ADMIN_KEY) as admin:
        for answer in (admin.get("model/properties"), admin.get("model"), admin.delete("model")):
            assert f"{name} is of format {checkpoint.LATEST + 1}" in error(answer)
        assert admin.get("configurations/service").status_code == 200
    wait_until(lambda: "It was not trained" in service.system.timers.log(), "the trainer says that it leaves it")
    assert service.loop.read(name) == later
    service.loop.write(name, good)
    service.loop.wait_until_done()
    assert [line.model for line in service.loop.joined() if line.event_id == visit] == [state.model.version]
    service.check()


def test_a_configuration_of_a_later_version_is_refused_by_name_and_left(service: Service) -> None:
    name = service.loop.name("config.json")
    good = service.loop.read(name)
    later = json.dumps(json.loads(good) | {"v": 2, "wait": {"of another": "shape"}}).encode()
    service.loop.write(name, later)
    with service.system.client(ADMIN_KEY) as admin:
        for answer in (
            admin.get("configurations/service"),
            admin.put("configurations/service", json=CONFIGURATION),
            admin.get("configurations/policy"),
            admin.delete("configurations/policy"),
        ):
            assert f"{name} is of format 2" in error(answer)
    service.visit()
    assert service.loop.read(name) == later
    service.loop.write(name, good)
    service.loop.wait_until_done()
    service.check()


def test_a_list_of_loops_that_is_lost_or_damaged_ends_no_loop(service: Service) -> None:
    def call(method: str, path: str, key: str = ADMIN_KEY, **body: Any) -> httpx.Response:
        headers = {"Ocp-Apim-Subscription-Key": key}
        return httpx.request(method, f"{service.system.url}/{path}", headers=headers, timeout=30, **body)

    made = call("PUT", "loops/shop")
    key = made.json()["appKeys"][0]
    rank, body = "loops/shop/personalizer/v1.0/rank", {"actions": ACTIONS}
    assert call("POST", rank, key, json=body).status_code == 201
    good = service.loop.read("loops.json")
    for damage in (remove, truncate):
        damage(service.loop, "loops.json")
        for answer in (call("GET", "loops"), call("PUT", "loops/new"), call("DELETE", "loops/shop")):
            assert "loops.json, the list of loops, is" in error(answer)
        assert call("POST", rank, key, json=body).status_code == 201
        assert "personalizer_loops_damaged 1" in call("GET", "metrics").text
        service.system.http.kill()
        service.system.http.start()
        service.system.http.ready()
        for answer in (call("POST", rank, key, json=body), call("GET", "loops/shop"), call("GET", "loops")):
            assert "loops.json, the list of loops, is" in error(answer)
        service.visit()
        service.loop.write("loops.json", good)
        wait_until(lambda: call("POST", rank, key, json=body).status_code == 201, "the loop is known again")
    assert "personalizer_loops_damaged 0" in call("GET", "metrics").text
    mended = {"shop": {"created": json.loads(good)["shop"]["created"]}}
    service.loop.write("loops.json", json.dumps(mended).encode())
    fresh = call("POST", "loops/shop/keys/app/2").json()["key"]
    assert call("POST", rank, fresh, json=body).status_code == 201
    assert call("DELETE", "loops/shop").status_code == 204
