"""A data folder of an earlier version, with events that were open when it ended, goes on with today's code."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from harness import stored
from harness import system as harness
from harness.data_folder import EXPECTED, LOOPS, MOVED, MOVED_EVENTS, Client, counts
from harness.stored import Loop
from harness.system import ADMIN_KEY, System, wait_until

from local import services

FOLDERS = sorted((Path(__file__).parents[1] / "data").glob("*.tar.xz"))
# The folders were written by `python -m local`, whose hubs have one partition, longer ago than its hubs keep events.
PARTITIONS, RETENTION_HOURS = 1, 1_000_000
# An event that is ranked before the trainer starts.
TODAY = "-today"
ARGUMENTS = "--cb_explore_adf --cb_type mtr --epsilon 0.2 -q ::"


class Older(NamedTuple):
    system: System
    expected: dict[str, Any]

    def client(self, loop: str) -> Client:
        return Client(self.system.url, loop, ADMIN_KEY)

    def trace(self, loop: str, event_id: str) -> str:
        """The status of an event."""
        url, headers = f"{self.system.url}/loops/{loop}/events/{event_id}", {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
        status: str = httpx.get(url, headers=headers, timeout=30).json()["status"]
        return status

    def counts(self, loop: str) -> dict[str, int]:
        return counts(self.system.url, loop, ADMIN_KEY)


@pytest.fixture(params=FOLDERS, ids=[path.name.partition(".")[0] for path in FOLDERS])
def older(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Older]:
    """The system on a copy of the folder. Its trainer has not started yet."""
    for module in (harness, stored):
        monkeypatch.setattr(module, "PARTITIONS", PARTITIONS)
    monkeypatch.setattr(services, "RETENTION_HOURS", RETENTION_HOURS)
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    system = System(tmp_path / "data")
    serving = [system.storage, system.event_hubs, system.http]
    try:
        for part in serving:
            part.start()
        for part in serving:
            part.ready()
        yield Older(system, json.loads((tmp_path / EXPECTED).read_text()))
    finally:
        system.end()


def test_it_goes_on_without_loss(older: Older) -> None:
    for loop, before in older.expected.items():
        client = older.client(loop)
        put = {name: value for name, value in before["service"].items() if name != "modelRetrainDays"}
        assert put.items() <= client.get("configurations/service").items()
        assert client.get("configurations/policy") == before["policy"]
        assert older.counts(loop) == before["counts"]
        served = list(before["asked"].values())[-1]
        assert client.probabilities(f"{loop}{TODAY}") == pytest.approx(served, abs=1e-6)
    assert len(Loop(older.system, loop=MOVED).joined()) == MOVED_EVENTS
    older.system.timers.start()
    for loop in LOOPS:
        check_learned(older, loop)
        for event_id in (f"{loop}-0", f"{loop}-open-0"):
            assert older.trace(loop, event_id) == "learned"
    assert older.trace(MOVED, "moved-0") == "imported"


def test_what_it_has_imported_is_learned_again_with_another_policy(older: Older) -> None:
    older.system.timers.start()
    client, kept = older.client(MOVED), Loop(older.system, loop=MOVED)
    client.put("configurations/policy", {"name": "other", "arguments": ARGUMENTS})
    client.visit("visit")
    wait_until(lambda: older.counts(MOVED).get("ranks learned") == 1, "the visit is learned")
    assert kept.checkpoint()["model"]["arguments"] == ARGUMENTS
    assert len(kept.joined()) == MOVED_EVENTS + len(older.expected[MOVED]["asked"]) + 1
    assert kept.weights() == kept.replayed()


def check_learned(older: Older, loop: str) -> None:
    """What was open is learned once, with the rewards that it had; what was learned before is not learned again."""
    before, kept = older.expected[loop], Loop(older.system, loop=loop)
    rewards = before["rewards"] | before["open"] | {f"{loop}-unrewarded": 0.0}
    wait_until(lambda: older.counts(loop).get("ranks learned") == len(rewards), f"{loop} learns its open events")
    asked = dict.fromkeys(before["asked"], 0.0)
    lines = [json.loads(line) for line in kept.joined_log().splitlines()]
    found = [(line["EventId"], _reward(line)) for line in lines if line["EventId"] != f"{loop}{TODAY}"]
    assert sorted(found) == sorted((rewards | asked).items())
    matched = len(before["rewards"]) + len(before["open"])
    counted = older.counts(loop)
    assert counted.pop("ranks skipped") - len(asked) in (0, 1), "the event of today may have been closed"
    assert counted == {"ranks learned": len(rewards), "observations on_time": matched}
    assert kept.weights() == kept.replayed()


def _reward(line: dict[str, Any]) -> float:
    first = line["_outcomes"][0] if "_outcomes" in line else line
    return 0.0 - first["_label_cost"]
