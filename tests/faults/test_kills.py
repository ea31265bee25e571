"""SIGKILL at random instants under load: what was acknowledged is joined once, and the model's weights agree."""

import asyncio
import gzip
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from harness.load import Load
from harness.metrics import differences
from harness.stored import Loop
from harness.system import ADMIN_KEY, CONTAINER, Part, System, running, wait_until

from shared.joined_log import summarised_lines
from shared.joined_log.summarising import Summarising
from shared.loops import summaries, summary, summary_names
from shared.loops.blob_names import DEFAULT_HOME
from shared.loops.summary import DAY_MS, FIVE_MINUTES_MS, HOUR_MS, Summary
from shared.settings import load
from shared.storage import Storage

WAIT = 8
FATES = ("shown", "skipped", "matched", "rewarded", "late", "orphans", "duplicate_ranks", "bytes")
POLICY = "--cb_explore_adf --cb_type mtr --epsilon 0.2 -q Fi"


@contextmanager
def audited(system: System, seed: int, wait: float) -> Iterator[Load]:
    """Load for as long as the block lasts; then the joined log and the model have to agree with the ledger."""
    print(f"seed {seed}")
    with Load(system, seed) as load:
        yield load
    loop = Loop(system)
    loop.wait_until_done()
    assert load.failures == []
    assert load.ledger.contradictions(loop.joined(), wait) == []
    assert loop.weights() == loop.replayed()
    assert differences(loop, system) == []
    assert summary.encode(summarised(system)) == summary.encode(resummarised(loop))


def summarised(system: System, container: str = CONTAINER) -> Summary:
    """All that the summaries of the loop say, by five minutes."""

    async def read() -> Summary:
        unused = {"APP_KEYS": "k", "ADMIN_KEYS": "l", "EVENT_HUBS_CONNECTION_STRING": "unused"}
        storage = Storage(load(unused | system.settings | {"STORAGE_CONTAINER": container}))
        end = int(time.time() * 1000) // HOUR_MS * HOUR_MS + HOUR_MS
        start = end - DAY_MS
        found = await summaries.over(storage, DEFAULT_HOME, start, end, FIVE_MINUTES_MS, features_from=start)
        await storage.close()
        assert (found.missing, found.damaged) == ([], [])
        return found.summary

    return asyncio.run(read())


def resummarised(loop: Loop) -> Summary:
    """The same, made from the log."""
    made = Summarising(0.0)
    for line in loop.joined_log().splitlines(keepends=True):
        assert summarised_lines.join(made, summarised_lines.read(line))
    for name in loop.names("logs/late/"):
        cut = summary_names.time_of(name.rpartition("/")[2])
        for line in gzip.decompress(loop.read(name)).splitlines():
            assert summarised_lines.leave(made, cut, summarised_lines.read_late(line))
    return made.finished()


def check_undisturbed(system: System) -> None:
    """Another trainer, with a storage of its own, has to make the same of the same hubs in a run without kills."""
    for part in system.parts:
        if part not in (system.storage, system.event_hubs):
            part.end()
    loop, reference = Loop(system), Loop(system, "undisturbed")
    system.blobs("undisturbed").create_container()
    reference.write(reference.name("config.json"), loop.read(loop.name("config.json")))
    trainer = system.more_timers(STORAGE_CONTAINER="undisturbed")
    trainer.start()
    reference.wait_until_done()
    trainer.end()
    assert reference.counts() == loop.counts()
    assert reference.checkpoint()["sums"] == loop.checkpoint()["sums"]
    assert sorted(reference.joined()) == sorted(loop.joined())
    assert reference.weights() == loop.weights()
    shown, expected = (summarised(system, container) for container in (CONTAINER, "undisturbed"))
    assert shown.stretches == expected.stretches
    assert [shown.fate(name) for name in FATES] == [expected.fate(name) for name in FATES]


def kill_in_training(chance: random.Random, *timers: Part) -> Part:
    """Kills the first of these processes whose VW learns in its child, which then sees its input end."""
    victim: Part = wait_until(lambda: next((part for part in timers if part.learners()), None), "a training run")
    time.sleep(chance.uniform(0, 0.2))
    victim.kill()
    return victim


def change_policy(system: System, rate: float) -> None:
    """Puts another policy than the loop has: its log is learned anew while the old model serves."""
    policy = {"name": "changed", "arguments": f"{POLICY} -l {rate}"}
    with system.client(ADMIN_KEY) as admin:
        wait_until(lambda: admin.put("configurations/policy", json=policy).is_success, "the policy is changed")


def kill_all(system: System, rounds: int, chance: random.Random, rates: Iterator[float] | None = None) -> int:
    """Kills every part `rounds` times in any order, the timers as often again while they train; the number of kills.

    rates: before every fourth kill the policy gets the next one.
    """
    victims = [*system.parts, None] * rounds
    chance.shuffle(victims)
    for number, victim in enumerate(victims):
        if rates and number % 4 == 0:
            change_policy(system, next(rates))
        time.sleep(chance.uniform(0.2, 1.2))
        part = victim or system.timers
        if victim is None:
            kill_in_training(chance, part)
        else:
            part.kill()
        time.sleep(chance.uniform(0, 1))
        part.start()
        part.ready()
    return len(victims)


def check_kills(data: Path, seed: int, rounds: int, rates: Iterator[float] | None = None) -> None:
    # Many calls end in the middle of an outage: some of their events are withdrawn, some stored without an answer.
    with running(data, RANK_REQUIRES_LOG="true", LOG_TIMEOUT_SECONDS="0.5") as system:
        system.configure(rewardWaitTime=f"PT{WAIT}S")
        with audited(system, seed, WAIT) as load:
            kill_all(system, rounds, random.Random(seed), rates)
            told = load.ledger.acknowledged
            wait_until(lambda: load.ledger.acknowledged > told + 20, "the system serves again by itself")
        check_undisturbed(system)


def test_what_was_acknowledged_before_a_kill_is_joined_once_and_learned_once(tmp_path: Path) -> None:
    check_kills(tmp_path, seed=20, rounds=4)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5))
def test_hundreds_of_kills(tmp_path: Path, seed: int) -> None:
    check_kills(tmp_path, seed, rounds=20)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5, 8))
def test_hundreds_of_kills_while_the_log_is_learned_anew(tmp_path: Path, seed: int) -> None:
    check_kills(tmp_path, seed, rounds=20, rates=(0.5 / number for number in count(1)))


def test_two_trainers_at_once_learn_everything_once(tmp_path: Path) -> None:
    chance = random.Random(2)
    with running(tmp_path, RANK_REQUIRES_LOG="true") as system:
        system.configure()
        second = system.more_timers()
        second.start()
        second.ready()
        with audited(system, 2, 2.0):
            for _ in range(2):
                time.sleep(2)
                victim = kill_in_training(chance, system.timers, second)
                victim.start()
                victim.ready()
        assert "Another trainer was faster" in system.timers.log() + second.log()
        check_undisturbed(system)


def test_sigterm_loses_no_acknowledged_event(tmp_path: Path) -> None:
    with running(tmp_path, RANK_REQUIRES_LOG="true") as system:
        system.configure(rewardWaitTime="PT4S")
        with audited(system, 3, 4.0) as load:
            for _ in range(3):
                told = load.ledger.acknowledged
                wait_until(lambda: load.ledger.acknowledged > told + 50, "the system serves")  # noqa: B023
                assert system.http.stop() == 0
                system.http.start()
                system.http.ready()
