"""Clients that rank by themselves: they fetch the model, and send their decisions and outcomes in batches."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import vowpalwabbit
from harness import rlc
from harness.slots import CONFIG as MULTI_SLOT
from harness.stored import Loop
from harness.system import ADMIN_KEY, CONFIGURATION, System, running, wait_until

PATH = "personalizer/v1.1-preview.3"
OWNER = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
SLOTS = rlc.context(_slots=[{"_id": "top"}, {"_id": "side"}])
TWO_SLOTS = [("top", [1, 0], [0.75, 0.25]), ("side", [0], [1.0])]


class Client:
    """One client of a loop of its own. Without a key of the administrator's it can only log."""

    def __init__(self, system: System, loop: str, **configuration: Any) -> None:
        url = f"{system.url}/loops/{loop}"
        made = httpx.put(url, headers=OWNER, timeout=30)
        assert made.status_code == 201, made.text
        self.admin = httpx.Client(base_url=f"{url}/{PATH}/", headers=OWNER, timeout=30)
        key = {"Ocp-Apim-Subscription-Key": made.json()["appKeys"][0], "Content-Type": "application/octet-stream"}
        self._app = httpx.Client(base_url=f"{url}/{PATH}/logs/", headers=key, timeout=30)
        self.url, self.stored = url, Loop(system, loop=loop)
        self.configure(**configuration)

    def configure(self, **changed: Any) -> None:
        answer = self.admin.put("configurations/service", json=CONFIGURATION | changed)
        assert answer.status_code == 200, answer.text

    def send(self, path: str, *events: bytes) -> httpx.Response:
        return self._app.post(path, content=rlc.batch(*events))

    def log(self, path: str, *events: bytes) -> None:
        answer = self.send(path, *events)
        assert (answer.status_code, answer.content) == (204, b""), answer.text

    def settled(self, **counts: int) -> list[dict[str, Any]]:
        """The lines of the joined log, once these are all the counts."""
        wait_until(lambda: self.stored.counts() == counts, f"{counts} is counted", 60)
        return [json.loads(line) for line in self.stored.joined_log().splitlines()]

    def trace(self, event_id: str) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{self.url}/events/{event_id}", headers=OWNER, timeout=30).json()
        return found

    def delete(self) -> None:
        assert httpx.delete(self.url, headers=OWNER, timeout=30).status_code == 204

    def close(self) -> None:
        self.admin.close()
        self._app.close()


@pytest.fixture
def client(system: System, request: pytest.FixtureRequest) -> Iterator[Client]:
    client = Client(system, request.node.name.replace("_", "-").removeprefix("test-")[:60].strip("-"))
    yield client
    client.delete()
    client.close()


def test_batches_are_joined_learned_and_traced(client: Client, tmp_path: Path) -> None:
    liked = {"x": 1, "y": 2}
    events = {f"{like}-{chosen}-{n}": (like, chosen) for like in liked for chosen in (1, 2) for n in range(5)}
    decisions = [
        rlc.decision(event_id, [chosen, 3 - chosen], features=rlc.context(like), model="mine")
        for event_id, (like, chosen) in events.items()
    ]
    deferred = [rlc.decision("shown", deferred=True), rlc.decision("hidden", deferred=True)]
    rewards = [rlc.outcome(event_id, float(liked[like] == chosen)) for event_id, (like, chosen) in events.items()]
    client.log("interactions", *decisions, *deferred)
    client.log("observations", *rewards, rlc.outcome("shown", taken=True), rlc.outcome("hidden", 1.0))
    assert client.trace("x-1-0")["status"] in {"waiting", "closing", "learned"}

    lines = client.settled(learned=21, rewarded=20, skipped=1, matched=22)
    by_id = {line["EventId"]: line for line in lines}
    assert by_id.keys() == {*events, "shown", "hidden"}
    for event_id, (like, chosen) in events.items():
        line = by_id[event_id]
        assert (line["_label_Action"], line["_label_probability"], line["VWState"]["m"]) == (chosen, 0.5, "mine")
        assert line["_label_cost"] == -float(liked[like] == chosen)
        assert line["c"] == rlc.context(like)
    assert by_id["hidden"]["_skipLearn"]

    trace = client.trace("x-2-0")
    assert (trace["status"], trace["chosenAction"], trace["reward"], trace["model"]) == (
        "learned",
        "right",
        0.0,
        "mine",
    )
    assert [one["value"] for one in trace["observations"]] == [0.0]

    head, fetched = client.admin.head("model"), client.admin.get("model")
    assert int(head.headers["Content-Length"]) == len(fetched.content) > 0
    assert head.headers["Last-Modified"] == fetched.headers["Last-Modified"]
    file = tmp_path / "fetched.vw"
    file.write_bytes(fetched.content)
    model = vowpalwabbit.Workspace(arg_list=["-i", str(file), "--testonly", "--json", "--quiet"])
    for like, best in liked.items():
        pmf = model.predict(json.dumps(rlc.context(like)))
        assert pmf.index(max(pmf)) == best - 1
    model.finish()


def test_a_repeated_batch_counts_once(client: Client) -> None:
    client.configure(rewardAggregation="sum")
    for _ in range(3):
        client.log("interactions", rlc.decision("e"), rlc.decision("f"))
        client.log("observations", rlc.outcome("e", 0.25), rlc.outcome("e", 0.5))
    [first, second] = client.settled(learned=2, rewarded=1, matched=2, duplicate_ranks=4, duplicate_observations=4)
    costs = {line["EventId"]: line["_label_cost"] for line in (first, second)}
    assert costs == {"e": -0.75, "f": 0}


def test_modes_are_the_clients(client: Client) -> None:
    client.log(
        "interactions",
        rlc.decision("imitates", [2, 1], mode=rlc.APPRENTICE),
        rlc.decision("logs", mode=rlc.LOGGING_ONLY),
        rlc.decision("passes", passed=0.25),
    )
    client.log("observations", *(rlc.outcome(name, 0.5) for name in ("imitates", "logs", "passes")))
    lines = {line["EventId"]: line for line in client.settled(learned=2, rewarded=2, logged=1, matched=3)}
    assert (lines["imitates"]["_label_cost"], lines["imitates"]["_original_label_cost"]) == (0, -0.5)
    assert lines["logs"]["_skipLearn"]
    assert lines["passes"]["pdrop"] == 0.75


def test_several_slots(client: Client) -> None:
    policy = {"name": "slots", "arguments": MULTI_SLOT.policy.arguments}
    assert client.admin.put("configurations/policy", json=policy).status_code == 200
    for path, wrong in (("interactions", rlc.decision("e")), ("observations", rlc.outcome("e", 1.0))):
        refused = client.send(path, wrong)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "InvalidMultiSlotApiAccess")
    client.log("interactions", rlc.slots_decision("e", TWO_SLOTS, SLOTS))
    client.log("observations", rlc.outcome("e", 0.25, 0), rlc.outcome("e", 0.5, "side"))
    [line] = client.settled(learned=1, rewarded=1, matched=2)
    assert [(one["_id"], one["_label_cost"]) for one in line["_outcomes"]] == [("top", -0.25), ("side", -0.5)]
    assert [slot["reward"] for slot in client.trace("e")["slots"]] == [0.25, 0.5]


def test_what_is_refused_does_not_keep_the_others_of_its_batch_from_the_log(client: Client) -> None:
    wrong = {"interactions": rlc.decision("bad", [1, 1]), "observations": rlc.outcome("bad", 2.0)}
    for path, event in wrong.items():
        refused = client.send(path, event)
        assert refused.status_code == 400
        assert refused.json()["error"]["message"].startswith("Event 1 of the batch, 'bad': ")
    for path, slots in (
        ("interactions", rlc.slots_decision("e", TWO_SLOTS, SLOTS)),
        ("observations", rlc.outcome("e", 1.0, 0)),
    ):
        refused = client.send(path, slots)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "InvalidMultiSlotApiAccess")
    client.log("observations", wrong["observations"], rlc.outcome("e", 1.0, 0), rlc.outcome("next", 1.0))
    client.log("interactions", wrong["interactions"], rlc.slots_decision("e", TWO_SLOTS, SLOTS), rlc.decision("next"))
    assert [line["EventId"] for line in client.settled(learned=1, rewarded=1, matched=1)] == ["next"]


def test_without_the_event_log_nothing_is_promised(tmp_path: Path) -> None:
    with running(tmp_path, LOG_TIMEOUT_SECONDS="0.5") as system, closing(Client(system, "away")) as client:
        client.log("interactions", rlc.decision("before"))
        client.log("observations", rlc.outcome("before", 1.0))
        system.event_hubs.kill()
        for path, events in (
            ("interactions", [rlc.decision("e"), rlc.decision("f")]),
            ("observations", [rlc.outcome("e", 1.0), rlc.outcome("f", 1.0)]),
        ):
            refused = client.send(path, *events)
            assert refused.status_code == 503
            assert int(refused.headers["Retry-After"]) >= 1
        system.event_hubs.start()
        wait_until(lambda: client.send("interactions", rlc.decision("after")).status_code == 204, "it is back")
