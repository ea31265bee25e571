"""Metrics of simulated loops whose every event's fate is known, however the time is cut into runs."""

import random
import socket
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from harness.metrics import Metrics, key, read

from local.azurite import connection_string
from shared.hubs import events
from shared.hubs.events import Interaction, Observation
from shared.hubs.reader import Message
from shared.joined_log.join import EARLY_MS, MEMORY_MS, Joiner
from shared.loops import registry
from shared.loops.artifacts import Artifact
from shared.loops.checkpoint import Checkpoint, Plan, decode, encode
from shared.loops.config import LoopConfig
from shared.loops.model_records import ModelRecord
from shared.monitoring import loop_metrics, metrics, prometheus_text
from shared.monitoring.heartbeat import Heartbeat
from shared.monitoring.metrics import State
from shared.serving.service import Service
from shared.settings import load
from shared.storage import StorageUnavailable
from shared.training.run_files import Batch

WAIT, DEFAULT, START = 10_000, -0.25, 1_700_000_000_000
CONTEXT = msgspec.Raw(b'{"_multi":[{},{},{}]}')
MODEL = ModelRecord("v1", Artifact("v1.vw", ""), Artifact("v1.predict.vw", ""), "2026-01-01T00:00:00Z", "-q ::")


@dataclass
class World:
    """A stream of events, made one after another, and what has to be counted of them."""

    chance: random.Random
    ranks: list[tuple[int, Interaction]] = field(default_factory=list)
    observed: list[tuple[int, Observation]] = field(default_factory=list)
    fates: dict[tuple[str, str], int] = field(default_factory=dict)
    delays: list[int] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    explored: int = 0

    def count(self, kind: str, fate: str) -> None:
        self.fates[kind, fate] = self.fates.get((kind, fate), 0) + 1

    def rank(self, at: int, event_id: str, deferred: bool = False, mode: str = "Online") -> None:
        chosen, p = (2, [0.25, 0.5, 0.25]) if self.chance.random() < 0.5 else (1, [0.5, 0.25, 0.25])
        order = [chosen, *({1, 2, 3} - {chosen})]
        self.explored += chosen == 2 and not deferred and mode == "Online"
        if mode == "LoggingOnly":
            order, p = [1, 2, 3], [1.0, 0.0, 0.0]
        made = Interaction(1, "default", event_id, events.now(), mode, deferred, "1", order, p, CONTEXT)
        self.ranks.append((at, made))

    def reward(self, at: int, event_id: str, value: float, nonce: str) -> None:
        self.observed.append((at, Observation(1, "default", event_id, "", "reward", nonce, value)))

    def event(self, at: int, name: str) -> None:
        """One event of a kind that is drawn, entered into the ledger as what it is."""
        kind = self.chance.choice(["rewarded", "early", "missing", "late", "twice", "orphan", "deferred", "logged"])
        delay, value = self.chance.randrange(WAIT), self.chance.randrange(-8, 9) / 8
        if kind == "orphan":
            self.reward(at, name, value, name)
            return self.count("observations", "orphan")
        mode = "LoggingOnly" if kind == "logged" else "Online"
        self.rank(at, name, deferred=kind == "deferred", mode=mode)
        self.count("ranks", {"deferred": "skipped", "logged": "logged"}.get(kind, "learned"))
        reward = DEFAULT
        if kind in ("rewarded", "early", "twice", "deferred", "logged"):
            delay = -self.chance.randrange(EARLY_MS) if kind == "early" else delay
            self.reward(at + delay, name, value, name)
            self.count("observations", "on_time")
            self.delays.append(max(0, delay))
            reward = value
        if kind == "late":
            self.reward(at + WAIT + 1 + delay, name, value, name)
            self.count("observations", "late")
        if kind == "twice":
            self.rank(at + delay // 2, name)
            self.explored -= self.ranks[-1][1].a[0] == 2
            self.reward(at + delay + 1, name, value, name)
            self.count("ranks", "duplicate")
            self.count("observations", "duplicate")
        if kind in ("missing", "late"):
            self.count("defaulted", "")
        if kind != "deferred":
            self.rewards.append(reward)
        return None

    def expected(self) -> Metrics:
        """What the ledger says, under the names of the metrics. All rewards are eighths: their sums are exact."""
        given = {one.id: one for _, one in reversed(self.ranks) if not one.deferred}
        assert len(given) == len(self.rewards)
        made: Metrics = {}
        for kind, fates in (
            ("ranks", ("learned", "skipped", "logged", "rejected", "duplicate")),
            ("observations", ("on_time", "late", "orphan", "duplicate")),
        ):
            for fate in fates:
                made[key(f"{kind}_total", loop="l", fate=fate)] = self.fates.get((kind, fate), 0)
        made[key("defaulted_total", loop="l")] = self.fates.get(("defaulted", ""), 0)
        for bound in ("1", "5", "15", "60", "300", "900", "3600", "14400", "86400", "172800", "+Inf"):
            within = sum(delay <= float(bound) * 1000 for delay in self.delays)
            made[key("reward_delay_seconds_bucket", loop="l", le=bound)] = within
        made[key("reward_delay_seconds_sum", loop="l")] = sum(self.delays) / 1000
        made[key("reward_delay_seconds_count", loop="l")] = len(self.delays)
        made[key("decisions_total", loop="l")] = len(self.rewards)
        made[key("explored_total", loop="l")] = self.explored
        made[key("exploration_ratio", loop="l")] = self.explored / len(self.rewards)
        made[key("reward_sum", loop="l", policy="online")] = sum(self.rewards)
        made[key("average_reward", loop="l", policy="online")] = sum(self.rewards) / len(self.rewards)
        weight = sum(1 / one.p[0] for one in given.values() if one.a[0] == 1)
        made[key("reward_weight_sum", loop="l", policy="baseline")] = weight
        return made


def simulated(seed: int, count: int = 300) -> World:
    world = World(random.Random(seed))
    at = START
    for number in range(count):
        at += world.chance.randrange(3_000)
        world.event(at, f"event-{number}")
    world.ranks.sort(key=lambda one: one[0])
    world.observed.sort(key=lambda one: one[0])
    return world


async def trained(world: World, cuts: list[int], folder: Path) -> Checkpoint:
    """The checkpoint after runs with these cuts; it is stored and read between them."""
    config = LoopConfig(wait=WAIT / 1000, default_reward=DEFAULT)
    state, joiner = Checkpoint(), Joiner()
    for number, (before, cut) in enumerate(pairwise([0, *cuts])):
        (folder / str(number)).mkdir()
        batch = Batch(Plan("r", cut, [], [], config), joiner, folder / str(number), state.statistics)
        read = (before + WAIT if before else 0), cut + WAIT
        for sequence, (at, observation) in enumerate(world.observed):
            if read[0] < at <= read[1]:
                line = events.encode(observation)
                batch.observe(Message(at, 0, sequence, line), observation, line, recalled=False)
        for at, interaction in world.ranks:
            if before < at <= cut:
                batch.close_interaction(interaction, at, events.encode(interaction))
        batch.settle()
        await batch.close()
        counts, sums = state.counts.plus(batch.counts), batch.statistics
        state = decode(encode(msgspec.structs.replace(state, counts=counts, statistics=sums)))
    return state


@pytest.mark.parametrize("seed", range(3))
async def test_metrics_equal_the_ledger_exactly(seed: int, tmp_path: Path) -> None:
    world = simulated(seed)
    last = world.ranks[-1][0] + 2 * EARLY_MS + MEMORY_MS
    chance = random.Random(seed)
    cuts = sorted({*(chance.randrange(START, last) for _ in range(12)), last})
    (tmp_path / "once").mkdir()
    once = await trained(world, [last], tmp_path / "once")
    assert await trained(world, cuts, tmp_path) == once
    told = read(prometheus_text.encode(loop_metrics.families("l", once, 0)).decode())
    expected = world.expected()
    assert {name: told[name] for name in expected} == expected
    assert [name for name in expected if not expected[name]] == [key("ranks_total", loop="l", fate="rejected")]
    for policy in ("online", "baseline"):
        assert told[key("average_reward_interval", loop="l", policy=policy)] > 0


def test_a_loop_in_which_nothing_happened_has_counters_and_no_averages() -> None:
    told = read(prometheus_text.encode(loop_metrics.families("l", Checkpoint(), 0)).decode())
    assert told[key("ranks_total", loop="l", fate="learned")] == 0
    assert told[key("model_refused", loop="l")] == 0
    assert not [name for name, _ in told if "average" in name or "_age_" in name or "info" in name]


def test_the_model_is_told_with_its_version_and_age() -> None:
    state = Checkpoint(model=MODEL, failure="it was refused", committed=1_700_000_000_500)
    told = read(prometheus_text.encode(loop_metrics.families("l", state, MODEL.born + 90)).decode())
    assert told[key("model_info", loop="l", version="v1")] == 1
    assert told[key("model_created_timestamp_seconds", loop="l")] == MODEL.born
    assert told[key("model_age_seconds", loop="l")] == 90
    assert told[key("model_refused", loop="l")] == 1
    assert told[key("trainer_last_commit_timestamp_seconds", loop="l")] == 1_700_000_000.5


def test_loops_share_a_metric_and_a_damaged_one_is_told() -> None:
    beat = Heartbeat(ticked=1000.0, duration=2.5, behind={"b": 1010.0})
    states = [State("a", Checkpoint()), State("b", None), State("c", Checkpoint(model=MODEL))]
    told = read(prometheus_text.encode(metrics.families(states, beat, 1070.0)).decode())
    assert [told[key("checkpoint_damaged", loop=one)] for one in "abc"] == [0, 1, 0]
    assert [told[key("trainer_lag_seconds", loop=one)] for one in "abc"] == [0, 60, 0]
    assert told[key("trainer_last_tick_timestamp_seconds")] == 1000
    assert told[key("trainer_tick_duration_seconds")] == 2.5
    learned = [key("ranks_total", loop=one, fate="learned") in told for one in "abc"]
    assert learned == [True, False, True]
    silent = read(prometheus_text.encode(metrics.families(states, Heartbeat(), 0)).decode())
    assert key("trainer_last_tick_timestamp_seconds") not in silent


def test_a_trainer_that_stands_still_counts_as_behind() -> None:
    beat = Heartbeat(ticked=1000.0, duration=20.0, behind={"b": 1010.0, "c": 900.0})
    assert [beat.lag(loop, 1200.0) for loop in "abc"] == [0, 190, 300]
    assert [beat.lag(loop, 1201.0) for loop in "abc"] == [201, 201, 301]
    assert Heartbeat().lag("a", 1201.0) == 0


async def test_a_damaged_list_of_loops_is_told(environment: dict[str, str]) -> None:
    service = Service(load(environment))
    assert read((await metrics.report(service)).decode())[key("loops_damaged")] == 0
    await service.storage.put(registry.BLOB, b"{")
    told = read((await metrics.report(service)).decode())
    assert told[key("loops_damaged")] == 1
    assert told[key("decisions_total", loop="default")] == 0
    assert key("loops_damaged") not in read((await metrics.report(service, service.loop())).decode())
    await service.close()


async def test_storage_that_hangs_is_told_before_a_monitor_gives_up(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "LONGEST_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hangs = connection_string(silent.getsockname()[1])
        service = Service(load(environment | {"STORAGE_CONNECTION_STRING": hangs}))
        with pytest.raises(StorageUnavailable):
            await metrics.report(service)
        await service.close()
