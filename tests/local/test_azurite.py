import http.client
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import AzureError, ResourceModifiedError
from azure.storage.blob import BlobSasPermissions, BlobServiceClient, ContainerClient, generate_blob_sas

from local import azurite
from local.services import free_port


@contextmanager
def serving(data: Path, journal_bytes: int = 8 << 20) -> Iterator[tuple[subprocess.Popen[bytes], ContainerClient]]:
    """Azurite on a folder, killed at the end as `kill -9` does."""
    port = free_port()
    settings = os.environ | {"AZURITE_JOURNAL_BYTES": str(journal_bytes)}
    process = subprocess.Popen(azurite.command(port, data), env=settings, stdout=subprocess.DEVNULL)
    text = azurite.connection_string(port)
    with process, BlobServiceClient.from_connection_string(text, retry_total=0) as service:
        try:
            wait_until_up(service)
            yield process, service.get_container_client("loops")
        finally:
            process.send_signal(signal.SIGKILL)


def wait_until_up(service: BlobServiceClient) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            service.get_service_properties()
        except AzureError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


class Writer(threading.Thread):
    """Overwrites and deletes its own few blobs until the server is gone, and keeps a ledger of what was answered."""

    def __init__(self, container: ContainerClient, prefix: str, ledger: dict[str, bytes | None]) -> None:
        super().__init__()
        self.container = container
        self.names = [f"{prefix}/{index}" for index in range(4)]
        self.ledger = ledger
        self.in_doubt: set[str] = set()
        self.answered = 0

    def run(self) -> None:
        dice = random.Random(self.names[0])
        while not self.in_doubt:
            name = dice.choice(self.names)
            keep = self.ledger.get(name) is None or dice.random() < 0.8
            content = dice.randbytes(dice.choice([10, 5_000])) if keep else None
            try:
                self.change(name, content)
            except AzureError:
                self.in_doubt.add(name)
            else:
                self.ledger[name] = content
                self.answered += 1

    def change(self, name: str, content: bytes | None) -> None:
        if content is None:
            self.container.delete_blob(name)
        else:
            self.container.upload_blob(name, content, overwrite=True)


def read_back(container: ContainerClient) -> dict[str, bytes]:
    return {name: container.download_blob(name).readall() for name in container.list_blob_names()}


@pytest.mark.parametrize("journal_bytes", [8 << 20, 1], ids=["one journal", "many snapshots"])
def test_every_answered_change_survives_a_kill(tmp_path: Path, journal_bytes: int) -> None:
    ledger: dict[str, bytes | None] = {}
    with serving(tmp_path) as (_, container):
        container.create_container()
    for _ in range(4):
        with serving(tmp_path, journal_bytes) as (process, container):
            writers = [Writer(container, f"writer{index}", ledger) for index in range(3)]
            for writer in writers:
                writer.start()
            while sum(writer.answered for writer in writers) < 40:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            for writer in writers:
                writer.join()
        in_doubt = set().union(*(writer.in_doubt for writer in writers))
        with serving(tmp_path) as (_, container):
            found = read_back(container)
        expected = {name: content for name, content in ledger.items() if content is not None and name not in in_doubt}
        assert {name: content for name, content in found.items() if name not in in_doubt} == expected
        ledger.update({name: found.get(name) for name in in_doubt})


def test_a_conditional_write_holds_across_a_kill(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, container):
        container.create_container()
        first = container.upload_blob("checkpoint", b"1").get_blob_properties().etag
        blob = container.get_blob_client("checkpoint")
        second = blob.upload_blob(b"2", overwrite=True, etag=first, match_condition=MatchConditions.IfNotModified)[
            "etag"
        ]
    with serving(tmp_path) as (_, container):
        blob = container.get_blob_client("checkpoint")
        assert blob.get_blob_properties().etag == second
        with pytest.raises(ResourceModifiedError):
            blob.upload_blob(b"3", overwrite=True, etag=first, match_condition=MatchConditions.IfNotModified)
        blob.upload_blob(b"3", overwrite=True, etag=second, match_condition=MatchConditions.IfNotModified)
        assert blob.download_blob().readall() == b"3"


def test_a_torn_last_line_of_the_journal_is_left_out(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, container):
        container.create_container()
        container.upload_blob("kept", b"1")
    with (tmp_path / "journal.jsonl").open("a") as journal:
        journal.write('["$BLOBS_COLLECTION$",1,{"na')
    with serving(tmp_path) as (_, container):
        assert read_back(container) == {"kept": b"1"}
        container.upload_blob("next", b"2")
    with serving(tmp_path) as (_, container):
        assert read_back(container) == {"kept": b"1", "next": b"2"}


def test_an_interrupted_installation_is_done_again(tmp_path: Path) -> None:
    folder = tmp_path / "tool"

    def fail(part: Path) -> None:
        (part / "half").touch()
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        azurite._once(folder, "a tool", fail)
    assert not folder.exists()
    azurite._once(folder, "a tool", lambda part: (part / "whole").touch())
    assert [path.name for path in folder.iterdir()] == ["whole"]
    assert azurite._once(folder, "a tool", fail) == folder


def on_disk(data: Path) -> int:
    return sum(file.stat().st_size for file in (data / "__blobstorage__").rglob("*") if file.is_file())


def test_what_was_overwritten_or_deleted_leaves_the_disk_and_what_stays_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURITE_GARBAGE_SECONDS", "0.2")
    dice = random.Random(5)
    kept: dict[str, bytes] = {}
    with serving(tmp_path) as (_, container):
        container.create_container()
        for number in range(150):
            container.upload_blob("changes", dice.randbytes(50_000), overwrite=True)
            if number % 10 == 0:
                kept[f"stays/{number}"] = dice.randbytes(5_000)
                container.upload_blob(f"stays/{number}", kept[f"stays/{number}"])
            if number % 3 == 0:
                container.upload_blob("passes", dice.randbytes(50_000))
                container.delete_blob("passes")
        live = 50_000 + sum(map(len, kept.values()))
        deadline = time.monotonic() + 20
        while on_disk(tmp_path) > 1.5 * live:
            assert time.monotonic() < deadline, f"{on_disk(tmp_path)} bytes for {live}"
            time.sleep(0.1)
        assert {name: container.download_blob(name).readall() for name in kept} == kept
    with serving(tmp_path) as (_, container):
        assert {name: container.download_blob(name).readall() for name in kept} == kept


def files_with(data: Path, content: bytes) -> list[str]:
    return [file.name for file in (data / "__blobstorage__").iterdir() if content in file.read_bytes()]


def wait_for_files(data: Path, content: bytes, count: int) -> None:
    deadline = time.monotonic() + 20
    while len(files_with(data, content)) != count:
        assert time.monotonic() < deadline, files_with(data, content)
        time.sleep(0.1)


def half_put(container: ContainerClient, name: str, half: bytes) -> http.client.HTTPConnection:
    """Writes the first half of a blob."""
    service = container.credential
    may = {"permission": BlobSasPermissions(write=True, create=True), "expiry": datetime.now(UTC) + timedelta(hours=1)}
    token = generate_blob_sas(
        service.account_name, container.container_name, name, account_key=service.account_key, **may
    )
    url = urlsplit(container.get_blob_client(name).url)
    connection = http.client.HTTPConnection(url.netloc, timeout=20)
    connection.putrequest("PUT", f"{url.path}?{token}")
    connection.putheader("x-ms-blob-type", "BlockBlob")
    connection.putheader("Content-Length", str(2 * len(half)))
    connection.endheaders(half)
    return connection


def test_what_was_written_behind_an_empty_blob_leaves_the_disk_as_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Azurite writes both into one file."""
    monkeypatch.setenv("AZURITE_GARBAGE_SECONDS", "0.2")
    with serving(tmp_path) as (_, container):
        container.create_container()
        for name in ("marker", "passes", "stays"):
            container.upload_blob(name, b"" if name == "marker" else f"what {name}".encode())
        container.delete_blob("marker")
        container.delete_blob("passes")
        wait_for_files(tmp_path, b"what passes", 0)
        assert read_back(container) == {"stays": b"what stays"}


def test_what_was_written_in_parallel_leaves_the_disk_as_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else is written in parallel later."""
    monkeypatch.setenv("AZURITE_GARBAGE_SECONDS", "0.2")
    with serving(tmp_path) as (_, container):
        container.create_container()
        connection = half_put(container, "slow", b"slow" * 10_000)
        wait_for_files(tmp_path, b"slow", 1)
        container.upload_blob("passes", b"what passes")
        connection.send(b"slow" * 10_000)
        assert connection.getresponse().status == 201
        connection.close()
        container.upload_blob("stays", b"what stays")
        container.delete_blob("passes")
        wait_for_files(tmp_path, b"what passes", 0)
        assert read_back(container) == {"slow": b"slow" * 20_000, "stays": b"what stays"}


def test_what_a_kill_left_of_a_write_leaves_the_disk_with_the_next_start(tmp_path: Path) -> None:
    text = b"what a person sent"
    with serving(tmp_path) as (_, container):
        container.create_container()
        container.upload_blob("stays", b"what stays")
        connection = half_put(container, "passes", text * 10_000)
        wait_for_files(tmp_path, text, 1)
    connection.close()
    assert len(files_with(tmp_path, text)) == 1
    with serving(tmp_path) as (_, container):
        assert read_back(container) == {"stays": b"what stays"}
        assert files_with(tmp_path, text) == []


def test_nothing_is_lost_to_garbage_collection_while_blobs_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURITE_GARBAGE_SECONDS", "0.05")
    ledger: dict[str, bytes | None] = {}
    with serving(tmp_path) as (process, container):
        container.create_container()
        writers = [Writer(container, f"writer{number}", ledger) for number in range(6)]
        for writer in writers:
            writer.start()
        time.sleep(5)
        process.send_signal(signal.SIGKILL)
        for writer in writers:
            writer.join()
    doubtful = {name for writer in writers for name in writer.in_doubt}
    with serving(tmp_path) as (_, container):
        for name, data in ledger.items():
            if name not in doubtful and data is not None:
                assert container.download_blob(name).readall() == data


def test_what_a_lost_power_supply_leaves_in_the_journal_is_left_out(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, container):
        container.create_container()
        container.upload_blob("kept", b"kept")
    with (tmp_path / "journal.jsonl").open("ab") as journal:
        journal.write(bytes(500) + b"\n" + bytes(40))
    for _ in range(2):
        with serving(tmp_path) as (_, container):
            assert read_back(container) == {"kept": b"kept"}
