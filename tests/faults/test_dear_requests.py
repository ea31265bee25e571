"""Requests that take VW long under their loop's policy: answered as VW would, while all others are answered, too."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from harness import rlc
from harness.stored import Loop
from harness.system import ADMIN_KEY, CONFIGURATION, System, running, wait_until

from shared.errors import ApiError
from shared.loops.config import LoopConfig, Policy
from shared.rank import expense, ranking, slots_ranking, slots_wire, wire
from shared.vw import sampling
from shared.vw.model import Model
from shared.vw.policy import parse

OWNER = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
PATH = "personalizer/v1.1-preview.3"
EPSILON = "--epsilon 0.2"
POLICIES = {
    "cubic": f"--cb_explore_adf {EPSILON} --cubic :::",
    "bag": "--cb_explore_adf --bag 32 -q ::",
    "slots": f"--ccb_explore_adf {EPSILON} --cubic :::",
    "plain": f"--cb_explore_adf {EPSILON}",
}

LONG = expense.MOST_PLAIN + 2_000  # features, which are cheap to predict without crossings


def numbered(count: int, prefix: str = "f") -> dict[str, float]:
    return {f"{prefix}{number}": (number % 7 + 1) / 8 for number in range(count)}


def single(features: int, event_id: str | None = None) -> dict[str, Any]:
    """A request with so many features in its context."""
    actions = [{"id": one, "features": [{"kind": one}]} for one in "ab"]
    return {"eventId": event_id, "contextFeatures": [numbered(features)], "actions": actions}


def several(features: int, event_id: str | None = None) -> dict[str, Any]:
    """The same with two slots."""
    slots = [{"id": one, "baselineAction": action} for one, action in (("top", "a"), ("side", "b"))]
    return single(features, event_id) | {"slots": slots}


class Tenant:
    """A loop with a policy of its own, trained."""

    def __init__(self, system: System, name: str) -> None:
        self.name, self.policy, self.is_multi_slot = name, POLICIES[name], name == "slots"
        url = f"{system.url}/loops/{name}"
        made = httpx.put(url, headers=OWNER, timeout=30)
        assert made.status_code == 201, made.text
        self.key = {"Ocp-Apim-Subscription-Key": made.json()["appKeys"][0]}
        self.app = httpx.Client(base_url=f"{url}/{PATH}/", headers=self.key, timeout=90)
        self.admin = httpx.Client(base_url=f"{url}/{PATH}/", headers=OWNER, timeout=30)
        self.stored = Loop(system, loop=name)
        self._put("configurations/policy", {"name": name, "arguments": self.policy})
        self._put("configurations/service", CONFIGURATION)

    def _put(self, path: str, body: dict[str, Any]) -> None:
        answer = self.admin.put(path, json=body)
        assert answer.status_code == 200, answer.text

    @property
    def config(self) -> LoopConfig:
        stored = self.admin.get("configurations/policy").json()
        return LoopConfig(policy=Policy(stored["name"], stored["arguments"]), exploration=0.2)

    def request(self, features: int, event_id: str | None = None) -> dict[str, Any]:
        return several(features, event_id) if self.is_multi_slot else single(features, event_id)

    def rank(self, body: dict[str, Any]) -> httpx.Response:
        return self.app.post("multislot/rank" if self.is_multi_slot else "rank", json=body)

    def learn(self) -> None:
        for number in range(12):
            event_id = f"{self.name}-{number}"
            assert self.rank(self.request(3, event_id)).status_code == 201
            if self.is_multi_slot:
                told = self.app.post(
                    f"multislot/events/{event_id}/reward", json={"reward": [{"slotId": "top", "value": number % 2}]}
                )
            else:
                told = self.app.post(f"events/{event_id}/reward", json={"value": number % 2})
            assert told.status_code == 204, told.text

    def wait(self) -> None:
        wait_until(lambda: self.stored.counts().get("learned", 0) >= 12, f"{self.name} has learned")

    def expected(self, body: dict[str, Any], folder: Path) -> Any:
        """What Rank answers, by its own model and VW in this process."""
        record, config = self.stored.checkpoint()["model"], self.config
        file = folder / "predict.vw"
        file.write_bytes(self.stored.read(record["predict"]["name"]))
        model = Model(record["version"], file, parse(record["arguments"]).exploration_options(config.exploration))
        data = json.dumps(body).encode()
        if self.is_multi_slot:
            slots = slots_ranking.decide(slots_wire.rank_request(data), config, model)
            return json.loads(slots_ranking.answer(slots))
        decision = ranking.decide(wire.rank_request(data), config, model, sampling.uniform_hash(self.name))
        return json.loads(ranking.answer(decision))

    def dearest(self) -> int:
        """How many features a request may have."""
        config, few, many = self.config, 3, 100_000
        while many - few > 1:
            middle = (few + many) // 2
            few, many = (middle, many) if self._accepts(middle, config) else (few, middle)
        assert few > 300, "there is room for a dear request"
        return few

    def _accepts(self, features: int, config: LoopConfig) -> bool:
        data, arguments = json.dumps(self.request(features)).encode(), config.policy.arguments
        try:
            if self.is_multi_slot:
                slots = slots_ranking.ask(slots_wire.rank_request(data), arguments)
                expense.check(slots.context, len(slots.actions), arguments, len(slots.slots))
            else:
                asked = ranking.ask(wire.rank_request(data), arguments)
                expense.check(asked.context, len(asked.candidates), arguments)
        except ApiError as error:
            return error.code == "PayloadSizeExceeded"
        return True


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("system")) as system:
        yield system


@pytest.fixture(scope="module")
def tenants(system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Tenant]]:
    """All of them have learned, their last models are served, and no more are made."""
    tenants = {name: Tenant(system, name) for name in POLICIES}
    for tenant in tenants.values():
        tenant.learn()
    for tenant in tenants.values():
        tenant.wait()
    system.timers.stop()
    for tenant in tenants.values():
        body = tenant.request(3, "asked")
        expected = tenant.expected(body, tmp_path_factory.mktemp(tenant.name))
        wait_until(lambda: tenant.rank(body).json() == expected, f"{tenant.name}'s model is served")  # noqa: B023
    yield tenants
    for tenant in tenants.values():
        tenant.app.close()
        tenant.admin.close()


@pytest.fixture
def child(system: System, tenants: dict[str, Tenant]) -> Iterator[int]:
    """The process beside that of HTTP, which knows the model of `cubic`."""
    assert tenants["cubic"].rank(single(300)).status_code == 201
    (child,) = system.http.children()
    yield child
    for one in system.http.children():
        os.kill(one, signal.SIGCONT)


@contextmanager
def asking(*calls: Callable[[], httpx.Response]) -> Iterator[list[Future[httpx.Response]]]:
    with ThreadPoolExecutor(len(calls)) as threads:
        yield [threads.submit(call) for call in calls]


def others_answer(system: System, other: Tenant) -> None:
    """Health and another loop's Rank, several times over: one answer more than connections that may be ahead."""
    for number in range(5):
        assert httpx.get(f"{system.url}/health", timeout=30).status_code == 200
        assert other.rank(other.request(3, f"beside-{number}")).status_code == 201


@pytest.mark.parametrize("name", ["cubic", "bag", "slots"])
def test_a_request_near_the_bound_is_answered_as_vw_would(
    tenants: dict[str, Tenant], name: str, tmp_path: Path
) -> None:
    tenant = tenants[name]
    body = tenant.request(tenant.dearest(), "dearest")
    answer = tenant.rank(body)
    assert answer.status_code == 201, answer.text
    assert answer.json() == tenant.expected(body, tmp_path)


@pytest.mark.parametrize("name", ["cubic", "bag", "slots"])
def test_a_request_beyond_the_bound_is_refused_and_told_what_to_change(tenants: dict[str, Tenant], name: str) -> None:
    tenant = tenants[name]
    answer = tenant.rank(tenant.request(tenant.dearest() + 1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidRankRequest")
    message = answer.json()["error"]["message"]
    assert "Send fewer features" in message
    assert "put a learning policy with fewer" in message


def test_a_batch_of_local_inference_is_bound_likewise(tenants: dict[str, Tenant]) -> None:
    tenant = tenants["cubic"]
    for count, status in ((tenant.dearest() - 10, 204), (tenant.dearest() + 10, 400)):
        features = rlc.context(User=numbered(count))
        content = rlc.batch(rlc.decision(f"local-{count}", features=features))
        headers = {"Content-Type": "application/octet-stream"}
        answer = tenant.app.post("logs/interactions", content=content, headers=headers)
        assert answer.status_code == status, answer.text
    assert "fewer features" in answer.json()["error"]["message"]


def test_others_are_answered_meanwhile(system: System, tenants: dict[str, Tenant], child: int) -> None:
    os.kill(child, signal.SIGSTOP)
    with asking(lambda: tenants["cubic"].rank(single(300))) as (dear,):
        others_answer(system, tenants["plain"])
        assert not dear.done()
        os.kill(child, signal.SIGCONT)
        assert dear.result().status_code == 201


def test_a_long_request_is_answered_as_vw_would(tenants: dict[str, Tenant], tmp_path: Path) -> None:
    body = single(LONG, "long")
    answer = tenants["plain"].rank(body)
    assert answer.status_code == 201, answer.text
    assert answer.json() == tenants["plain"].expected(body, tmp_path)
    refused = tenants["plain"].rank(body | {"excludedActions": ["a", "b"]})
    assert (refused.status_code, refused.json()["error"]["target"]) == (400, "excludedActions")


def test_reading_a_long_request_keeps_nobody_waiting(system: System, tenants: dict[str, Tenant], child: int) -> None:
    os.kill(child, signal.SIGSTOP)
    with asking(lambda: tenants["plain"].rank(single(LONG))) as (long,):
        others_answer(system, tenants["plain"])
        assert not long.done()
        os.kill(child, signal.SIGCONT)
        assert long.result().status_code == 201


def test_explanations_of_large_requests_keep_nobody_waiting(
    system: System, tenants: dict[str, Tenant], child: int
) -> None:
    cubic, plain = tenants["cubic"], tenants["plain"]
    explained = CONFIGURATION | {"isInferenceExplainabilityEnabled": True}
    assert plain.admin.put("configurations/service", json=explained).status_code == 200
    wait_until(lambda: plain.rank(single(5)).json().get("inferenceExplanation"), "explanations are on")
    os.kill(child, signal.SIGSTOP)
    with asking(lambda: plain.rank(single(9_000))) as (large,):
        others_answer(system, cubic)
        assert not large.done()
        os.kill(child, signal.SIGCONT)
        assert [one["id"] for one in large.result().json()["inferenceExplanation"]]
    assert plain.admin.put("configurations/service", json=CONFIGURATION).status_code == 200


def test_a_loop_that_asks_again_meanwhile_is_told_to_wait(tenants: dict[str, Tenant], child: int) -> None:
    os.kill(child, signal.SIGSTOP)
    with asking(*[lambda: tenants["cubic"].rank(single(300))] * 2) as both:
        wait_until(lambda: any(one.done() for one in both), "one of them is refused")
        os.kill(child, signal.SIGCONT)
        refused, served = sorted((one.result() for one in both), key=lambda answer: -answer.status_code)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "OperationNotAllowed")
    assert int(refused.headers["Retry-After"]) >= 1
    assert "send fewer of them" in refused.json()["error"]["message"]
    assert served.status_code == 201


def test_a_process_that_is_killed_fails_one_request(
    system: System, tenants: dict[str, Tenant], child: int, tmp_path: Path
) -> None:
    cubic = tenants["cubic"]
    os.kill(child, signal.SIGSTOP)
    with asking(*[lambda: cubic.rank(single(300))] * 2) as both:
        wait_until(lambda: any(one.done() for one in both), "one is refused: the other one is asked of the process")
        os.kill(child, signal.SIGKILL)
        statuses = sorted(one.result().status_code for one in both)
    assert statuses == [409, 503]
    body = single(300, "after the kill")
    assert cubic.rank(body).json() == cubic.expected(body, tmp_path)
    assert system.http.children() != [child]
    assert len(system.http.children()) == 1


def test_policies_of_a_loop_are_tried_one_at_a_time(system: System, tenants: dict[str, Tenant], child: int) -> None:
    plain, bag = tenants["plain"], tenants["bag"]

    def put(tenant: Tenant) -> httpx.Response:
        return tenant.admin.put("configurations/policy", json={"name": "again", "arguments": tenant.policy})

    with asking(lambda: put(plain)) as (first,):
        tried = wait_until(lambda: set(system.http.children()) - {child}, "the policy is tried").pop()
        os.kill(tried, signal.SIGSTOP)
        refused = put(plain)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "OperationNotAllowed")
        assert int(refused.headers["Retry-After"]) >= 1
        assert put(bag).status_code == 200
        others_answer(system, bag)
        os.kill(tried, signal.SIGCONT)
        assert first.result().status_code == 200


def test_it_ends_with_the_process_that_asks(system: System, tenants: dict[str, Tenant], child: int) -> None:
    with asking(lambda: tenants["cubic"].rank(single(tenants["cubic"].dearest()))) as (dear,):
        wait_until(lambda: runs(child), "the process predicts")
        system.http.kill()
        assert isinstance(dear.exception(), httpx.TransportError)
    wait_until(lambda: not Path(f"/proc/{child}").exists() or state(child) == "Z", "the process has ended")
    system.http.start()
    system.http.ready()
    assert tenants["cubic"].rank(single(300)).status_code == 201


def runs(process: int) -> bool:
    """Whether it has used the processor lately."""
    before = used(process)
    time.sleep(0.05)
    return used(process) > before


def used(process: int) -> int:
    """Ticks of processor time."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def state(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
