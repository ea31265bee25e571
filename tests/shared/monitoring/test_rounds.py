"""The rounds of all loops over real storage: what is judged, told, logged, stored and left alone."""

import json
import logging
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from harness import traffic
from harness.traffic import EPSILON, START, Loop

from shared.admin import logs
from shared.auth import Keys
from shared.loops import checkpoint, monitoring_names, stored, summary_names
from shared.loops.blob_names import Home
from shared.loops.checkpoint import Checkpoint, Summarised
from shared.loops.registry import Registry
from shared.loops.summary import DAY_MS, HOUR_MS, Summary, encode
from shared.monitoring import blobs, heartbeat, rounds
from shared.monitoring.alarms.catalogue import HOURLY
from shared.monitoring.alarms.history import History
from shared.monitoring.headline import Headline
from shared.monitoring.rounds import Rounds
from shared.serving.loop import Serving
from shared.storage import Storage
from shared.training import summary_merging

HOME = Home("default")
CALM = Loop()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds follow each other at once, and no loop rests."""
    monkeypatch.setattr(rounds, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(rounds, "REST", 0)
    monkeypatch.setattr(rounds, "IDLE_REST", 0)


class Counting(Storage):
    """Counts what is asked of the storage."""

    reads, lists, writes = 0, 0, 0

    async def read(self, name: str, unless: str | None = None):  # type: ignore[no-untyped-def]
        self.reads += 1
        return await super().read(name, unless)

    async def names(self, prefix: str) -> list[str]:
        self.lists += 1
        return await super().names(prefix)

    async def replace(self, name: str, data: bytes, etag: str | None) -> str:
        self.writes += 1
        return await super().replace(name, data, etag)


@pytest.fixture
async def storage(settings):  # type: ignore[no-untyped-def]
    made = Counting(settings)
    yield made
    await made.close()


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[list[dict[str, str]]]:
    """The lines of the event alarm."""
    found: list[dict[str, str]] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            line = json.loads(record.getMessage())
            if line["event"] == "alarm":
                found.append(line)

    logger, handler = logging.getLogger("shared.monitoring"), Handler()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield found
    logger.removeHandler(handler)


class Lived:
    """A loop whose summaries are stored: whole days rolled up, and the hours of the last one."""

    def __init__(self, storage: Storage, home: Home = HOME) -> None:
        self.storage, self.home, self.hours, self.chance = storage, home, 0, random.Random(7)
        self._day = Summary(span=HOUR_MS)

    async def live(self, loop: Loop, hours: int) -> None:
        """So many hours, of which the last run is committed at their end."""
        for _ in range(hours):
            made = traffic.hour(loop, self.hours, self.chance)
            at = START + self.hours * HOUR_MS
            await self._put(summary_names.HOURS, at, made)
            self._day.merge(made)
            self.hours += 1
            if self.hours % 24 == 0:
                for kind in summary_names.OF_DAY:
                    await self._put(kind, at, summary_merging.shown_by(self._day, kind))
                self._day = Summary(span=HOUR_MS)
        await self.commit()

    async def commit(self, **changes: object) -> None:
        found = await stored.read_checkpoint(self.storage, self.home)
        made = {"cut": self.now_ms, "summarised": Summarised(), "statistics": checkpoint.Statistics()} | changes
        await self.storage.replace(checkpoint.name(self.home), checkpoint.encode(Checkpoint(**made)), found.etag)

    async def configure(self) -> None:
        await self.storage.put(stored.config_name(self.home), EPSILON.encoded())

    async def beat(self, lag: float = 0.0) -> None:
        """The trainer's heartbeat at the end of the hours."""
        behind = {"default": self.now - lag} if lag else {}
        await self.storage.put(heartbeat.BLOB, json.dumps({"ticked": self.now, "behind": behind}).encode())

    @property
    def now_ms(self) -> int:
        return START + self.hours * HOUR_MS

    @property
    def now(self) -> float:
        return self.now_ms / 1000

    async def _put(self, kind: str, at: int, made: Summary) -> None:
        await self.storage.put(summary_names.rolled_up(self.home, kind, at, Summarised()), encode(made))

    async def alarms(self) -> History:
        return (await blobs.alarms(self.storage, self.home)).value

    async def headline(self) -> Headline:
        return (await blobs.told(self.storage, self.home)).value


def going(storage: Storage) -> Rounds:
    return Rounds(storage, Registry(storage, Keys()), EPSILON)


@pytest.fixture
async def lived(storage: Storage) -> Lived:
    made = Lived(storage)
    await made.configure()
    return made


async def test_a_calm_loop_gets_a_headline_and_no_alarm(lived: Lived, told: list[dict[str, str]]) -> None:
    await lived.live(CALM, 24 * 9)
    await going(lived.storage).go(lived.now)
    headline, alarms = await lived.headline(), await lived.alarms()
    assert headline.verdict is not None
    assert headline.verdict.kind == "working"
    assert headline.lift is not None
    assert headline.lift.lower > 0
    assert (headline.through, headline.alarms, alarms.judged) == (lived.now_ms, [], lived.now_ms)
    points = [one for one in headline.points if one is not None]
    assert (len(headline.points), len(points)) == (14 * 4, 9 * 4)
    assert headline.online == pytest.approx(sum(points) / len(points), rel=0.1)
    assert told == []


async def test_a_fault_raises_its_alarm_and_ends_it_with_one_line_each(
    lived: Lived, told: list[dict[str, str]]
) -> None:
    going_round = going(lived.storage)
    await lived.live(CALM, 24 * 9)
    await going_round.go(lived.now)
    for loop, hours in ((CALM._replace(late=0.4), 30), (CALM, 30)):
        for _ in range(hours // 3):
            await lived.live(loop, 3)
            await going_round.go(lived.now)
            await going_round.go(lived.now)
    assert [(one["name"], one["before"], one["state"], one["loop"]) for one in told] == [
        ("rewards-late", "ok", "warning", "default"),
        ("rewards-late", "warning", "ok", "default"),
    ]
    alarms = await lived.alarms()
    assert [one.state for one in alarms.changes] == ["warning", "ok"]
    assert alarms.changes[0].cause == told[0]["cause"]
    assert (alarms.changes[1].at - alarms.changes[0].at) % HOUR_MS == 0


async def test_another_process_goes_on_where_the_first_has_stopped(lived: Lived, told: list[dict[str, str]]) -> None:
    await lived.live(CALM, 24 * 9)
    await going(lived.storage).go(lived.now)
    for _ in range(8):
        await lived.live(CALM._replace(late=0.4), 3)
        for one in (going(lived.storage), going(lived.storage)):
            await one.go(lived.now)
    assert [one["name"] for one in told] == ["rewards-late"]


async def test_of_two_that_go_round_at_once_one_writes_and_one_line_is_written(
    lived: Lived, told: list[dict[str, str]]
) -> None:
    one, other = going(lived.storage), going(lived.storage)
    await lived.live(CALM, 24 * 9)
    for each in (one, other):
        await each.go(lived.now)
    for _ in range(8):
        await lived.live(CALM._replace(late=0.4), 3)
        for each in (one, other, one, other):
            await each.go(lived.now)
    assert [line["name"] for line in told] == ["rewards-late"]
    assert (await lived.alarms()).judged == (await lived.headline()).through == lived.now_ms


async def test_a_loop_that_has_not_changed_costs_one_conditional_read(lived: Lived) -> None:
    storage, going_round = lived.storage, going(lived.storage)
    assert isinstance(storage, Counting)
    await lived.live(CALM, 24 * 9)
    await going_round.go(lived.now)
    storage.reads = storage.lists = storage.writes = 0
    for _ in range(10):
        await going_round.go(lived.now)
    # Each round: the list of loops, the heartbeat, the checkpoint.
    assert (storage.reads, storage.lists, storage.writes) == (30, 0, 0)


async def test_an_idle_loop_is_judged_until_its_windows_are_empty_and_not_again(lived: Lived) -> None:
    storage, going_round = lived.storage, going(lived.storage)
    assert isinstance(storage, Counting)
    await lived.live(CALM, 24 * 9)
    writes = []
    for hour in range(60):
        lived.hours = 24 * 9 + hour
        await lived.beat()
        storage.writes = 0
        await going_round.go(lived.now)
        writes.append(storage.writes)
    assert max(index for index, count in enumerate(writes) if count) == 27
    alarms = await lived.alarms()
    assert {alarms.standing(alarm).state for alarm in HOURLY if alarm.name != "little-exploration"} == {"unknown"}


async def test_a_loop_without_runs_gets_nothing(storage: Storage) -> None:
    await going(storage).go(1.0)
    assert await storage.names("loops/") == []


async def test_a_trainer_that_stands_still_is_told_without_any_new_hour(
    lived: Lived, told: list[dict[str, str]]
) -> None:
    going_round = going(lived.storage)
    await lived.live(CALM, 24 * 9)
    await lived.beat()
    await going_round.go(lived.now)
    for minutes in (5, 15, 16):
        await going_round.go(lived.now + 60 * minutes)
    assert [(one["name"], one["state"]) for one in told] == [("trainer-behind", "warning")]
    headline = await lived.headline()
    assert headline.verdict is not None
    assert headline.verdict.kind == "trainer-stalled"
    assert [one.name for one in headline.alarms] == ["trainer-behind"]


async def test_deleting_the_log_erases_what_was_told(lived: Lived) -> None:
    going_round = going(lived.storage)
    await lived.live(CALM, 24 * 9)
    await going_round.go(lived.now)
    await logs.delete(Serving("default", HOME, lived.storage, EPSILON))
    names = (monitoring_names.alarms(HOME), monitoring_names.headline(HOME))
    assert [await lived.storage.size(name) for name in names] == [None, None]
    for _ in range(3):
        await going_round.go(lived.now)
    headline = await lived.headline()
    assert headline.verdict is not None
    assert headline.verdict.kind == "no-data"
    assert (await lived.alarms()).changes == []


@pytest.mark.parametrize("name", ["alarms.json", "headline.json"])
async def test_what_is_damaged_is_made_again(name: str, lived: Lived) -> None:
    await lived.live(CALM, 24 * 9)
    await going(lived.storage).go(lived.now)
    await lived.storage.put(f"loops/{HOME}/{name}", b"{")
    await lived.live(CALM, 1)
    await going(lived.storage).go(lived.now)
    assert (await lived.alarms()).judged == (await lived.headline()).through == lived.now_ms


async def test_a_damaged_checkpoint_is_an_alarm(lived: Lived, told: list[dict[str, str]]) -> None:
    going_round = going(lived.storage)
    await lived.live(CALM, 24 * 9)
    await going_round.go(lived.now)
    await lived.storage.put(checkpoint.name(HOME), b"{")
    for _ in range(3):
        await going_round.go(lived.now)
    assert [(one["name"], one["state"]) for one in told] == [("checkpoint-damaged", "critical")]
    await lived.storage.put(checkpoint.name(HOME), checkpoint.encode(Checkpoint(cut=lived.now_ms)))
    for _ in range(2):
        await going_round.go(lived.now)
    assert told[-1]["state"] == "ok"


async def test_a_loop_that_was_deleted_meanwhile_leaves_nothing(lived: Lived) -> None:
    await lived.live(CALM, 2)
    kept = await blobs.alarms(lived.storage, HOME)
    await lived.storage.delete(checkpoint.name(HOME))
    await blobs.keep_alarms(lived.storage, HOME, kept, History())
    assert await lived.storage.size(monitoring_names.alarms(HOME)) is None


async def test_a_busy_loop_rests_in_proportion_to_what_it_took(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "REST", 1e6)
    going_round = going(lived.storage)
    await lived.live(CALM, 24)
    await going_round.go(lived.now)
    before = await lived.headline()
    await lived.live(CALM, 1)
    await going_round.go(lived.now)
    assert await lived.headline() == before


async def test_the_longer_a_loop_is_idle_the_longer_it_is_left_alone(
    lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "IDLE_REST", 1e6)
    going_round = going(lived.storage)
    await lived.live(CALM, 24)
    await going_round.go(lived.now)
    before = await lived.headline()
    await going_round.go(lived.now)
    await lived.live(CALM, 1)
    await going_round.go(lived.now)
    assert await lived.headline() == before
    monkeypatch.setattr(rounds, "IDLE_SECONDS", 0.0)
    assert (await going(lived.storage).go(lived.now), await lived.headline()) != (None, before)


async def test_a_round_that_takes_long_is_left_for_the_next_time(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "LONGEST_SECONDS", -1.0)
    going_round = going(lived.storage)
    await lived.live(CALM, 24)
    await going_round.go(lived.now)
    assert (await lived.headline()).verdict is None
    monkeypatch.setattr(rounds, "LONGEST_SECONDS", 20.0)
    monkeypatch.setattr(rounds, "EVERY_SECONDS", 1e6)
    await going_round.go(lived.now)
    assert (await lived.headline()).verdict is not None


def test_the_times_of_the_harness_are_in_the_past() -> None:
    assert datetime.fromtimestamp(START / 1000, UTC).timestamp() < time.time()
    assert START % DAY_MS == 0
