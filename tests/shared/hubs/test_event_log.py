"""The group commit, against a hub whose every answer the test decides."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ApiError
from shared.hubs import event_log
from shared.hubs.event_log import MESSAGE_BYTES, EventLog, LogUnavailable, MessageRefused

SOON, NEVER = 0.03, 1e6


class Hub:
    """What is stored, by partition. While `answering` is cleared, sends hang; while `failing`, they raise."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, bytes]] = []
        self.calls = 0
        self.answering = asyncio.Event()
        self.answering.set()
        self.failing = False

    async def send(self, partition: int, message: bytes) -> None:
        self.calls += 1
        await self.answering.wait()
        await asyncio.sleep(0)
        if self.failing:
            raise OSError("the hub is away")
        self.messages.append((partition, message))

    def stored(self, partition: int = 0) -> bytes:
        return b"".join(message for where, message in self.messages if where == partition)


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "FIRST_RETRY_SECONDS", 0.001)
    monkeypatch.setattr(event_log, "LAST_RETRY_SECONDS", 0.002)


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not happened():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


def line(number: int) -> bytes:
    return b"%d\n" % number


async def test_an_idle_log_sends_at_once_and_answers_when_stored() -> None:
    hub = Hub()
    log = EventLog(hub.send, NEVER, 0)
    assert await log.append(3, b"a\n")
    assert hub.messages == [(3, b"a\n")]
    assert log.reachable


async def test_a_busy_lane_gathers_before_it_sends_again_and_an_idle_one_does_not() -> None:
    hub = Hub()
    log = EventLog(hub.send, NEVER, 0)
    await asyncio.gather(log.append(0, line(1)), log.append(0, line(2)))
    later = [asyncio.create_task(log.append(0, line(3)))]
    for _ in range(10):
        await asyncio.sleep(0)
    later.append(asyncio.create_task(log.append(0, line(4))))
    await asyncio.gather(*later)
    assert hub.messages == [(0, line(1) + line(2)), (0, line(3) + line(4))]
    await log.flush()
    alone = asyncio.create_task(log.append(0, line(5)))
    for _ in range(10):
        await asyncio.sleep(0)
    assert alone.done()


async def test_what_queues_up_during_a_send_is_one_message_in_order() -> None:
    hub = Hub()
    log = EventLog(hub.send, NEVER, 0)
    hub.answering.clear()
    appends = [asyncio.create_task(log.append(0, line(0)))]
    await until(lambda: hub.calls == 1)
    appends += [asyncio.create_task(log.append(0, line(number))) for number in range(1, 100)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in appends)
    hub.answering.set()
    assert all(await asyncio.gather(*appends))
    assert hub.messages == [(0, line(0)), (0, b"".join(line(number) for number in range(1, 100)))]


async def test_a_message_holds_no_more_than_fits_unless_one_event_is_larger() -> None:
    hub = Hub()
    log = EventLog(hub.send, NEVER, 0)
    hub.answering.clear()
    sizes = [10, MESSAGE_BYTES // 2, MESSAGE_BYTES // 2, 1, 3 * MESSAGE_BYTES, 5]
    appends = [asyncio.create_task(log.append(0, bytes([48 + index]) * size)) for index, size in enumerate(sizes)]
    await until(lambda: hub.calls == 1)
    hub.answering.set()
    await asyncio.gather(*appends)
    assert hub.stored() == b"".join(bytes([48 + index]) * size for index, size in enumerate(sizes))
    assert all(len(message) <= MESSAGE_BYTES or len(set(message)) == 1 for _, message in hub.messages)
    assert len(hub.messages) < len(sizes)


class StrictHub(Hub):
    """Takes messages of so many bytes at most, which the log does not know."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    async def send(self, partition: int, message: bytes) -> None:
        if len(message) <= self._most:
            return await super().send(partition, message)
        await asyncio.sleep(0)
        raise OSError("the hub is away") if self.failing else MessageRefused("too large")


async def test_an_event_that_the_hub_never_takes_is_singled_out_and_the_others_are_stored(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hub = StrictHub(200)
    log = EventLog(hub.send, NEVER, 0)
    lines = [line(number) for number in range(20)] + [b"x" * 300 + b"\n"] + [line(number) for number in range(20, 40)]
    answers = await asyncio.gather(*(log.append(0, one) for one in lines), return_exceptions=True)
    [refusal] = [one for one in answers if one is not True]
    assert isinstance(refusal, ApiError)
    assert (refusal.status, answers[20]) == (413, refusal)
    assert "EVENT_HUBS_MAX_EVENT_BYTES" in refusal.message
    assert hub.stored() == b"".join(line(number) for number in range(40))
    assert log.refused == 1
    assert log.reachable
    [told] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "an event of 301 bytes was refused" in told.getMessage()


async def test_a_refused_event_that_was_kept_gives_back_its_room() -> None:
    hub = StrictHub(200)
    hub.failing = True
    log = EventLog(hub.send, SOON, 1000)
    assert not await log.append(0, b"x" * 800, keep=True)
    hub.failing = False
    await log.flush()
    hub.failing = True
    assert not await log.append(0, b"y" * 100 + b"\n", keep=True)
    assert (log.refused, log.dropped) == (1, 0)
    hub.failing = False
    await log.flush()
    assert hub.stored() == b"y" * 100 + b"\n"


async def test_an_event_beyond_the_setting_is_refused_before_it_is_queued() -> None:
    hub = Hub()
    log = EventLog(hub.send, NEVER, 0, largest=100)
    with pytest.raises(ApiError, match="EVENT_HUBS_MAX_EVENT_BYTES allows 100"):
        await log.append(0, b"x" * 101)
    hub.answering.clear()
    appends = [asyncio.create_task(log.append(0, line(number))) for number in range(100)]
    await until(lambda: hub.calls == 1)
    hub.answering.set()
    assert all(await asyncio.gather(*appends))
    assert max(len(message) for _, message in hub.messages) <= 100


async def test_partitions_do_not_wait_for_each_other() -> None:
    hub = Hub()

    async def send(partition: int, message: bytes) -> None:
        if partition == 1:
            await asyncio.Event().wait()
        await hub.send(partition, message)

    log = EventLog(send, NEVER, 0)
    stuck = asyncio.create_task(log.append(1, b"a"))
    await asyncio.sleep(0)
    assert await log.append(0, b"b")
    stuck.cancel()


async def test_a_failed_send_is_repeated_until_it_succeeds() -> None:
    hub = Hub()
    hub.failing = True
    log = EventLog(hub.send, NEVER, 0)
    appends = [asyncio.create_task(log.append(0, line(number))) for number in range(3)]
    await until(lambda: hub.calls > 3)
    assert not log.reachable
    hub.failing = False
    assert all(await asyncio.gather(*appends))
    assert hub.stored() == b"0\n1\n2\n"
    assert log.reachable


@pytest.mark.parametrize("hangs", [True, False])
async def test_an_event_not_to_be_kept_is_withdrawn_when_its_time_is_over(hangs: bool) -> None:
    hub = Hub()
    hub.failing = not hangs
    if hangs:
        hub.answering.clear()
    log = EventLog(hub.send, SOON, 1000)
    with pytest.raises(LogUnavailable):
        await log.append(0, b"withdrawn\n")
    assert not (hangs and log.reachable)
    hub.failing = True
    hub.answering.set()
    await log.flush()
    assert log.reachable, "nothing waits any more"
    hub.failing = False
    assert await log.append(0, b"next\n")
    assert hub.stored() == b"next\n"


@pytest.mark.parametrize("hangs", [True, False])
async def test_a_kept_event_outlives_its_append_and_arrives_in_order(hangs: bool) -> None:
    hub = Hub()
    hub.failing = not hangs
    if hangs:
        hub.answering.clear()
    log = EventLog(hub.send, SOON, 1000)
    assert not await log.append(0, b"first\n", keep=True)
    assert not log.reachable
    hub.failing = False
    hub.answering.set()
    assert await log.append(1, b"elsewhere\n", keep=True)
    await log.append(0, b"second\n", keep=True)
    await log.flush()
    assert hub.stored() == b"first\nsecond\n"
    assert (log.reachable, log.dropped) == (True, 0)


@pytest.mark.parametrize("hangs", [True, False])
async def test_once_the_log_is_known_to_be_away_a_kept_event_does_not_wait(hangs: bool) -> None:
    hub = Hub()
    hub.failing = not hangs
    if hangs:
        hub.answering.clear()
    log = EventLog(hub.send, SOON, 1000)
    await log.append(0, b"", keep=True)
    log._timeout = NEVER
    assert not await log.append(0, b"x", keep=True)


async def test_the_buffer_is_bounded_and_its_room_comes_back() -> None:
    hub = Hub()
    hub.failing = True
    log = EventLog(hub.send, SOON, 10)
    appends = [log.append(0, b"%d234\n" % number, keep=True) for number in range(4)]
    assert await asyncio.gather(*appends) == [False] * 4
    assert log.dropped == 2
    assert not await log.append(0, b"12345\n", keep=True)
    assert log.dropped == 3
    hub.failing = False
    await log.flush()
    assert hub.stored() == b"0234\n1234\n"
    hub.failing = True
    assert not await log.append(0, b"0123456789", keep=True)
    assert log.dropped == 3, "all of the room is free again"
    hub.failing = False
    await log.flush()


async def test_dropped_events_take_no_memory_while_the_log_is_away() -> None:
    hub = Hub()
    hub.answering.clear()
    log = EventLog(hub.send, SOON, 0)
    for _ in range(100):
        await log.append(0, b"x", keep=True)
    assert log.dropped == 100
    assert len(log._lanes[0]._queue) == 0
    hub.answering.set()
    await log.flush()


async def test_withdrawn_events_take_no_memory_while_a_send_hangs() -> None:
    hub = Hub()
    hub.answering.clear()
    log = EventLog(hub.send, SOON, 0)
    for _ in range(5):
        await asyncio.gather(*(log.append(0, b"x") for _ in range(20)), return_exceptions=True)
    assert len(log._lanes[0]._queue) == 0
    hub.answering.set()
    await log.flush()


async def test_a_cancelled_append_is_withdrawn_and_changes_no_account() -> None:
    hub = Hub()
    hub.answering.clear()
    log = EventLog(hub.send, NEVER, 10)
    in_flight = asyncio.create_task(log.append(0, b"in flight\n", keep=True))
    await until(lambda: hub.calls == 1)
    queued = asyncio.create_task(log.append(0, b"queued\n", keep=True))
    other = asyncio.create_task(log.append(0, b"other\n", keep=True))
    await asyncio.sleep(0)
    for task in (in_flight, queued):
        task.cancel()
    await asyncio.gather(in_flight, queued, return_exceptions=True)
    hub.answering.set()
    assert await other
    assert hub.stored() == b"in flight\nother\n"
    assert log._kept_bytes == 0


async def test_a_lane_whose_task_was_cancelled_loses_nothing() -> None:
    hub = Hub()
    hub.answering.clear()
    log = EventLog(hub.send, NEVER, 0)
    first = asyncio.create_task(log.append(0, b"first\n"))
    await until(lambda: hub.calls == 1)
    log._lanes[0].task.cancel()
    await asyncio.gather(log._lanes[0].task, return_exceptions=True)
    hub.answering.set()
    assert await log.append(0, b"second\n")
    assert await first
    assert hub.stored() == b"first\nsecond\n"


async def test_many_short_bursts_leave_one_timer() -> None:
    hub = Hub()
    log = EventLog(hub.send, NEVER, 0)
    for number in range(100):
        await log.append(0, line(number))
    assert len(log._lanes[0]._waiting) == 0
    timers = [handle for handle in asyncio.get_running_loop()._scheduled if not handle.cancelled()]
    assert len(timers) <= 2


steps = st.one_of(
    st.tuples(st.just("append"), st.integers(0, 1), st.booleans()),
    st.tuples(st.sampled_from(["fail", "work", "hang", "answer", "wait", "cancel"])),
)


@given(st.lists(steps, max_size=30))
def test_acknowledged_and_kept_events_arrive_and_dropped_ones_are_counted(script: list[tuple[object, ...]]) -> None:
    """Whatever the hub does: True means stored, False means stored later or counted, in order within a partition."""

    async def play() -> None:
        hub = Hub()
        log = EventLog(hub.send, 0.002, 12)
        appends: list[tuple[int, int, bool, asyncio.Task[bool]]] = []
        for step in script:
            match step:
                case ("append", partition, keep):
                    number = len(appends) + 100
                    task = asyncio.create_task(log.append(partition, line(number), keep=keep))
                    appends.append((partition, number, keep, task))
                case ("fail",) | ("work",):
                    hub.failing = step == ("fail",)
                case ("hang",):
                    hub.answering.clear()
                case ("answer",):
                    hub.answering.set()
                case ("cancel",) if appends:
                    appends[-1][3].cancel()
            await asyncio.sleep(0.003 if step == ("wait",) else 0)
        hub.failing = False
        hub.answering.set()
        results = await asyncio.gather(*(task for *_, task in appends), return_exceptions=True)
        await log.flush()
        assert log._kept_bytes == 0
        assert log.reachable
        lost = 0
        for partition in (0, 1):
            numbers = [int(text) for text in hub.stored(partition).split()]
            assert numbers == sorted(set(numbers))
            mine = [
                (one[1], one[2], result) for one, result in zip(appends, results, strict=True) if one[0] == partition
            ]
            for number, keep, result in mine:
                assert number in numbers or result is not True
                assert keep or result is not False
                lost += result is False and number not in numbers
        assert lost <= log.dropped

    asyncio.run(play())
