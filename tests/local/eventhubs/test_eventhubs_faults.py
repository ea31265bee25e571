"""What a client was told has happened: kills, damaged files and failing disks, judged by the client's own ledger."""

import os
import random
import resource
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from raw_client import ACCEPTED, REJECTED, RawClient, body, data

from local.eventhubs.codec import frames
from local.eventhubs.codec.encode import binary, described
from local.eventhubs.codec.messages import BATCH_FORMAT
from local.eventhubs.process import EventHubsProcess

HUBS = ("events:2",)


class Ledger:
    """One producer that sends without waiting, in batches of 1 to 5, and remembers what was acknowledged."""

    def __init__(self, port: int, name: str, partition: int) -> None:
        self.partition = str(partition)
        self.sent: list[list[str]] = []
        self.acknowledged: list[str] = []
        self._name = name
        self._room = threading.Semaphore(200)
        self._client = RawClient(port)
        self._client.open()
        self._client.attach_producer(f"events/Partitions/{partition}")
        self.threads = [threading.Thread(target=target) for target in (self._send, self._listen)]
        for thread in self.threads:
            thread.start()

    def _send(self) -> None:
        try:
            for delivery in range(100_000):
                bodies = [f"{self._name} {delivery} {part}" for part in range(delivery % 5 + 1)]
                self.sent.append(bodies)
                filler = "." * (delivery % 700)
                batch = b"".join(described(0x75, binary(data(f"{text} {filler}".encode()))) for text in bodies)
                self._client.transfer(delivery, batch, BATCH_FORMAT)
                self._room.acquire()
        except OSError:
            pass

    def _listen(self) -> None:
        try:
            while True:
                disposition = self._client.read(frames.DISPOSITION).fields
                assert disposition[4].descriptor == ACCEPTED
                self.acknowledged += self.sent[disposition.number(1)]
                self._room.release()
        except OSError:
            self._client.close()
            self._room.release()


def events(server: EventHubsProcess, partition: str) -> list[str]:
    """All events of a partition, in the order of the log."""
    found: list[str] = []
    with RawClient(server.port) as client:
        client.open()
        client.attach_consumer(f"events/Partitions/{partition}", credit=1_000_000)
        client.socket.settimeout(0.3)
        while True:
            try:
                found.append(body(client.read(frames.TRANSFER).payload).decode())
            except TimeoutError:
                return found


def check(stored: list[str], ledgers: list[Ledger]) -> None:
    """Every acknowledged event is there once and in order, nothing that was not sent, no part of a batch."""
    keys = [text.rsplit(" ", 1)[0] for text in stored]
    assert max(Counter(keys).values(), default=1) == 1
    position = {key: index for index, key in enumerate(keys)}
    known = set()
    for ledger in ledgers:
        places = [position[key] for key in ledger.acknowledged]
        assert places == sorted(places)
        for batch in ledger.sent:
            known.update(batch)
            assert len({key in position for key in batch}) == 1
    assert set(keys) <= known


def test_every_acknowledged_event_survives_kills_at_random_instants(folder):
    ledgers: list[Ledger] = []
    randomness = random.Random(11)
    for life in range(8):
        server = EventHubsProcess(folder, *HUBS)
        born = [Ledger(server.port, f"life{life} producer{number}", number % 2) for number in range(4)]
        ledgers += born
        while not all(ledger.acknowledged for ledger in born):
            time.sleep(0.001)
        time.sleep(randomness.uniform(0, 0.15))
        server.kill()
        for ledger in born:
            for thread in ledger.threads:
                thread.join()
    with EventHubsProcess(folder, *HUBS) as server:
        for partition in ("0", "1"):
            check(events(server, partition), [ledger for ledger in ledgers if ledger.partition == partition])
        log = server.log.read_text()
    assert sum(len(ledger.acknowledged) for ledger in ledgers) > 200
    assert "damage" not in log


def segment(folder: Path, partition: int = 0) -> Path:
    return max((folder / "events" / str(partition)).glob("*.segment"))


def send(server: EventHubsProcess, first: int, count: int) -> None:
    with RawClient(server.port) as client:
        client.open()
        client.attach_producer("events/Partitions/0")
        for number in range(first, first + count):
            client.transfer(number, data(f"{number} ".encode()))
        for _ in range(count):
            assert client.outcome().descriptor == ACCEPTED


def stored_numbers(server: EventHubsProcess) -> list[int]:
    return [int(text.split(" ")[0]) for text in events(server, "0")]


def test_a_tampered_file_is_reported_and_everything_else_is_served(folder):
    with EventHubsProcess(folder, *HUBS) as server:
        send(server, 0, 50)
        server.kill()
    path = segment(folder)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with EventHubsProcess(folder, *HUBS) as server:
        send(server, 50, 50)
        stored = stored_numbers(server)
        log = server.log.read_text()
    (lost,) = set(range(100)) - set(stored)
    assert stored == [number for number in range(100) if number != lost]
    assert f"sequence numbers {lost} to {lost} (1 events) are lost" in log
    assert str(path) in log


@pytest.mark.parametrize("running", [True, False])
def test_a_truncated_file_is_reported_and_sequence_numbers_go_on(folder, running):
    server = EventHubsProcess(folder, *HUBS)
    send(server, 0, 50)
    if not running:
        server.stop()
    os.truncate(segment(folder), segment(folder).stat().st_size * 3 // 5)
    if not running:
        server = EventHubsProcess(folder, *HUBS)
    with server:
        send(server, 50, 50)
        stored = stored_numbers(server)
        log = server.log.read_text()
    kept = len([number for number in stored if number < 50])
    assert 25 <= kept < 35
    assert stored == [*range(kept), *range(50, 100)]
    assert f"sequence numbers {kept} to 49 ({50 - kept} events) are lost" in log


def test_a_disk_that_takes_no_more_means_rejections_and_no_lost_acknowledgement(folder):
    with EventHubsProcess(folder, *HUBS) as server, RawClient(server.port) as client:
        send(server, 0, 10)
        client.open()
        client.attach_producer("events/Partitions/0")
        _, most = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (5000, most))
        accepted, rejected = list(range(10)), []
        for number in range(10, 30):
            client.transfer(number, data(f"{number} ".encode() + b"x" * 600))
            outcome = client.outcome()
            (accepted if outcome.descriptor == ACCEPTED else rejected).append(number)
            if outcome.descriptor == REJECTED:
                assert "nothing was kept" in outcome.value[0].value[1]
                resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (3000, most))
            if len(rejected) == 3:
                resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (most, most))
        assert len(rejected) >= 3
        assert accepted[-1] == 29
        assert stored_numbers(server) == accepted
        assert "sends are rejected" in server.log.read_text()
        server.kill()
        with EventHubsProcess(folder, *HUBS) as again:
            assert stored_numbers(again) == accepted


def test_retention_deletes_old_segments_while_the_server_runs(folder):
    with EventHubsProcess(folder, *HUBS, options=("--retention-bytes", "1")) as server:
        with RawClient(server.port) as client:
            client.open()
            client.attach_producer("events/Partitions/0")
            for number in range(21):
                client.transfer(number, data(f"{number} ".encode() + b"x" * 1_000_000))
                assert client.outcome().descriptor == ACCEPTED
        assert len(list(segment(folder).parent.glob("*.segment"))) == 1
        stored = stored_numbers(server)
        assert stored[0] > 0
        assert stored == list(range(stored[0], 21))
