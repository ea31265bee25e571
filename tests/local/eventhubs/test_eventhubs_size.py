"""A partition with a million events: bounded memory, quick start, quick reads from anywhere."""

import time

import pytest
from raw_client import RawClient, body

from local.eventhubs.codec import frames
from local.eventhubs.process import EventHubsProcess


def resident(server: EventHubsProcess) -> int:
    """Bytes."""
    with open(f"/proc/{server.process.pid}/statm") as file:
        return int(file.read().split()[1]) * 4096


def first_number(server: EventHubsProcess, selector: str) -> tuple[int, float]:
    """Number of the first event that a new reader gets, and the seconds that took."""
    with RawClient(server.port) as client:
        client.open()
        began = time.perf_counter()
        client.attach_consumer("events/Partitions/0", 1, f"amqp.annotation.x-opt-{selector}")
        number = int(body(client.read(frames.TRANSFER).payload).split()[0])
        return number, time.perf_counter() - began


@pytest.mark.parametrize("count", [20_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_size_costs_neither_memory_nor_start_up(folder, count, capsys):
    with EventHubsProcess(folder, "events:1") as server:
        idle = resident(server)
        with RawClient(server.port) as client:
            client.open()
            client.fill("events/Partitions/0", count, b"x" * 2048)
        written = resident(server)
    began = time.perf_counter()
    with EventHubsProcess(folder, "events:1") as server:
        started = time.perf_counter() - began
        found, times = zip(
            *(first_number(server, f"sequence-number >= '{count * part // 100}'") for part in range(0, 100, 3)),
            strict=True,
        )
        assert list(found) == [count * part // 100 for part in range(0, 100, 3)]
        with RawClient(server.port) as client:
            client.open()
            client.attach_consumer("events/Partitions/0", count, window=count)
            began = time.perf_counter()
            for number in range(count):
                payload = client.read(frames.TRANSFER).payload
                if number % 1000 == 0:
                    assert int(body(payload).split()[0]) == number
            read = time.perf_counter() - began
        after = resident(server)
    with capsys.disabled():
        print(f"\n{count} events of 2 KiB")
        print(f"start {started:.2f} s, seek at most {max(times) * 1e3:.0f} ms, read all {read:.1f} s")
        print(f"resident MiB: idle {idle >> 20}, after writing {written >> 20}, after reading {after >> 20}")
    assert max(written, after) - idle < 40 << 20
