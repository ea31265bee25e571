"""What a run on one machine leaves on the disk, against what it has to keep."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from azure.storage.blob import BlobServiceClient
from harness.stored import Loop
from harness.system import CONFIGURATION, PROJECT, System, running

from local import azurite, releasing, services
from shared.settings import load
from shared.storage import Storage

MINUTES = float(os.environ.get("DISK_MINUTES", "60"))
RATE, WAIT = 110, 30  # decisions/s, and seconds until their rewards are complete
KEY, OWNER = {"Ocp-Apim-Subscription-Key": "local-app-key"}, {"Ocp-Apim-Subscription-Key": "local-admin-key"}
ACTIONS = [
    {"id": f"action-{number}", "features": [{f"feature{one}": number * one / 7 for one in range(5)}]}
    for number in range(10)
]


def test_what_every_loop_is_done_with_may_go(tmp_path: Path) -> None:
    with running(tmp_path) as system:
        system.configure()
        before_any = asyncio.run(looked(system))
        with system.client() as client:
            for number in range(20):
                assert client.post("rank", json={"eventId": f"e{number}", "actions": ACTIONS}).status_code == 201
        Loop(system).wait_until_done()
        after = asyncio.run(looked(system))
        state = Loop(system).checkpoint()
    assert sum(one + 1 for one in before_any.through["interactions"]) == 0
    assert after.through == {"interactions": state["interactions"], "observations": state["observations"]}
    assert sum(after.through["interactions"]) > sum(before_any.through["interactions"])
    assert 0 <= time.time() * 1000 - after.before - (2 + releasing.MARGIN_SECONDS) * 1000 < 60_000


async def looked(system: System) -> releasing.Release:
    settings = load(system.settings)
    storage = Storage(settings)
    try:
        return await releasing.look(settings, storage)
    finally:
        await storage.close()


def test_in_a_partition_that_a_loop_does_not_know_nothing_may_go() -> None:
    assert releasing.least([[5, 7], [3, 9]]) == [3, 7]
    assert releasing.least([[5, 7], []]) == []


@pytest.mark.soak
def test_the_disk_holds_little_more_than_what_is_live(tmp_path: Path) -> None:
    ratios = []
    with served(tmp_path) as url, loaded(url):
        for third in range(3):
            time.sleep(MINUTES * 20)
            used, live = occupied(tmp_path), listed(tmp_path) + needed(tmp_path)
            ratios.append(used / live)
            print(f"{MINUTES / 3 * (third + 1):.0f} min: {used / 1e6:.1f} MB on disk, {live / 1e6:.1f} MB live")
    assert max(ratios) <= 3, ratios
    assert ratios[2] <= 1.1 * ratios[0], ratios


@contextmanager
def served(data: Path) -> Iterator[str]:
    """`make run` on a folder; its address."""
    command = [sys.executable, "-m", "local", "--port", "0", "--data", str(data)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = next(line for line in process.stdout if line.startswith("ready: ")).split()[1]
            settings = CONFIGURATION | {"rewardWaitTime": f"PT{WAIT}S", "modelExportFrequency": "PT5S"}
            path = f"{url}/personalizer/v1.0/configurations/service"
            assert httpx.put(path, json=settings, headers=OWNER, timeout=30).status_code == 200
            yield url
        finally:
            process.terminate()
            process.communicate()


@contextmanager
def loaded(url: str) -> Iterator[None]:
    """Decisions at a steady rate, each rewarded."""
    stop, threads = threading.Event(), 4

    def visit(number: int) -> None:
        due = time.monotonic()
        with httpx.Client(base_url=f"{url}/personalizer/v1.0", headers=KEY, timeout=30) as client:
            while not stop.is_set():
                event_id = f"{number}-{due:.6f}"
                client.post("/rank", json={"eventId": event_id, "actions": ACTIONS})
                client.post(f"/events/{event_id}/reward", json={"value": (number + due) % 1})
                due += threads / RATE
                time.sleep(max(0.0, due - time.monotonic()))

    visitors = [threading.Thread(target=visit, args=(number,)) for number in range(threads)]
    for visitor in visitors:
        visitor.start()
    try:
        yield
    finally:
        stop.set()
        for visitor in visitors:
            visitor.join()


def occupied(data: Path) -> int:
    return sum(
        file.stat().st_size for part in ("azurite", "eventhubs") for file in (data / part).rglob("*") if file.is_file()
    )


def listed(data: Path) -> int:
    """Bytes of all blobs."""
    port = services.storage_port(data)
    assert port is not None
    with BlobServiceClient.from_connection_string(azurite.connection_string(port)) as service:
        return sum(
            blob.size
            for container in service.list_containers()
            for blob in service.get_container_client(container.name).list_blobs()
        )


def needed(data: Path) -> int:
    """Bytes of the events of the hubs that are too young to be deleted, from the rate at which they come."""
    total, young = 0, WAIT + releasing.MARGIN_SECONDS + releasing.LOOK_SECONDS
    for partition in (data / "eventhubs").glob("*/*/"):
        files = sorted(partition.glob("*.segment"))
        if len(files) > 1:
            (_, first, begun), (_, last, ended) = ([*map(int, file.stem.split("-"))] for file in (files[0], files[-1]))
            total += round((last - first) / (ended - begun) * 1000 * young)
    return total
