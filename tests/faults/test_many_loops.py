"""Many loops and one trainer: each learns its own events, all of them and once, whatever becomes of the others."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from harness.load import ACTIONS
from harness.stored import Loop
from harness.system import ADMIN_KEY, CONFIGURATION, System, running, wait_until

NAMES = [f"loop-{number}" for number in range(20)]
EVENTS = 24
# A pair of readers has eight links here, each with its own connection.
MOST_SOCKETS = 60
IDS = [action["id"] for action in ACTIONS]


class Site:
    """The user of one loop, whose visitors like one of the actions."""

    def __init__(self, system: System, name: str) -> None:
        self.name, self.liked, self._system = name, IDS[NAMES.index(name) % len(IDS)], system
        self.stored = Loop(system, loop=name)
        self.rewards: dict[str, float] = {}
        headers = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
        self._client = httpx.Client(base_url=f"{system.url}/loops/{name}", headers=headers, timeout=60)

    def create(self) -> None:
        assert self._client.put("").status_code == 201
        self.stored = Loop(self._system, loop=self.name)
        self.configure()

    def delete(self) -> None:
        assert self._client.delete("").status_code == 204

    def close(self) -> None:
        self._client.close()

    def configure(self, **changed: Any) -> None:
        body = CONFIGURATION | {"rewardWaitTime": "PT1S"} | changed
        answer = self._client.put("personalizer/v1.0/configurations/service", json=body)
        assert answer.status_code == 200, answer.text

    def rank(self, event_id: str) -> dict[str, Any]:
        body = {"eventId": event_id, "contextFeatures": [{"day": "any"}], "actions": ACTIONS}
        answer = self._client.post("personalizer/v1.0/rank", json=body)
        assert answer.status_code == 201, answer.text
        self.rewards[event_id] = 0.0
        decision: dict[str, Any] = answer.json()
        return decision

    def preferred(self) -> str:
        """The action that is served most."""
        ranking = self.rank(f"asked-{len(self.rewards)}")["ranking"]
        best: str = max(ranking, key=lambda one: one["probability"])["id"]
        return best

    def visit(self, count: int) -> None:
        """The ids are the same in every loop."""
        for number in range(len(self.rewards), len(self.rewards) + count):
            event_id = f"visit-{number}"
            if self.rank(event_id)["rewardActionId"] == self.liked:
                path = f"personalizer/v1.0/events/{event_id}/reward"
                assert self._client.post(path, json={"value": 1}).status_code == 204
                self.rewards[event_id] = 1.0

    def wait(self) -> None:
        counts = self.stored.counts
        wait_until(lambda: counts().get("learned", 0) >= len(self.rewards), f"{self.name} is learned; {counts()}")

    def check(self) -> None:
        """Everything is joined once, learned once, and nothing else is."""
        assert {line.event_id: line.reward for line in self.stored.joined()} == self.rewards
        rewarded = sum(reward > 0 for reward in self.rewards.values())
        counts = {"learned": len(self.rewards), "rewarded": rewarded, "matched": rewarded}
        assert self.stored.counts() == {name: count for name, count in counts.items() if count}
        assert self.stored.weights() == self.stored.replayed()

    def blobs(self) -> dict[str, str]:
        """The ETag of every blob."""
        return {blob.name: blob.etag for blob in self.stored.listed()}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("system"), CLOCK_SKEW_SECONDS="0.2") as system:
        system.configure()
        yield system


@pytest.fixture(scope="module")
def sites(system: System) -> Iterator[list[Site]]:
    """Loops that have learned what their visitors like."""
    sites = [Site(system, name) for name in NAMES]
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(Site.create, sites))
        list(threads.map(lambda site: site.visit(EVENTS), sites))
    for site in sites:
        site.wait()
    yield sites
    for site in sites:
        site.close()


def sockets(system: System) -> int:
    descriptors = Path(f"/proc/{system.timers.pid}/fd")
    links = [os.readlink(descriptor) for descriptor in descriptors.iterdir() if descriptor.exists()]
    return sum(link.startswith("socket:") for link in links)


def test_each_loop_learns_its_own_events_once(system: System, sites: list[Site]) -> None:
    for site in sites:
        site.check()
    assert sockets(system) <= MOST_SOCKETS


def test_each_loop_prefers_what_its_visitors_like(sites: list[Site]) -> None:
    for site in sites:
        wait_until(lambda: site.preferred() == site.liked, f"{site.name} serves what it has learned")  # noqa: B023


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.soak)])
def test_a_trainer_that_is_killed_loses_and_repeats_nothing(system: System, sites: list[Site], kills: int) -> None:
    chance = random.Random(kills)
    for _ in range(kills):
        for site in chance.sample(sites, 6):
            site.visit(chance.randrange(1, 4))
        wait_until(system.timers.children, "a training run")
        time.sleep(chance.uniform(0, 0.5))
        system.timers.kill()
        for site in chance.sample(sites, 2):
            site.visit(1)
        system.timers.start()
        system.timers.ready()
    for site in sites:
        site.wait()
        site.check()


def test_a_loop_that_is_deleted_while_it_learns_does_not_come_back(system: System, sites: list[Site]) -> None:
    deleted, other = sites[5], sites[6]
    for site in (deleted, other):
        site.visit(8)
    deleted.delete()
    other.wait()
    assert deleted.stored.name("checkpoint.json") not in deleted.blobs()
    deleted.rewards.clear()
    deleted.create()
    deleted.visit(12)
    deleted.wait()
    deleted.check()


def test_changed_reward_settings_are_learned_from_the_log(sites: list[Site]) -> None:
    site = sites[3]
    before = site.stored.checkpoint()["model"]
    site.configure(defaultReward=-0.5)
    wait_until(lambda: site.stored.checkpoint()["model"]["rewards"]["default"] == -0.5, "it learns the log anew")
    assert [model["since"] for model in (before, site.stored.checkpoint()["model"])] == [0, 0]
    site.rewards = {event_id: reward or -0.5 for event_id, reward in site.rewards.items()}
    assert site.stored.weights() == site.stored.replayed(_defaulted)
    version = site.stored.checkpoint()["model"]["version"]
    time.sleep(3)
    assert site.stored.checkpoint()["model"]["version"] == version


def _defaulted(line: dict[str, Any]) -> dict[str, Any]:
    return line if line.get("o") else line | {"_label_cost": 0.5}


def test_a_model_that_is_to_be_kept_is_kept(sites: list[Site]) -> None:
    site = sites[4]
    name = site.stored.name("config.json")
    config = json.loads(site.stored.read(name))
    site.stored.write(name, json.dumps(config | {"default_reward": -0.5, "retrain_days": 0}).encode())
    time.sleep(3)
    site.visit(1)
    site.wait()
    last = site.stored.checkpoint()["model"]
    assert (last["rewards"]["default"], last["since"]) == (-0.5, 0)
    assert site.stored.weights() == site.stored.replayed()
