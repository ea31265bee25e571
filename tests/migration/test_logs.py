"""Old logs become part of the joined log: every event once, in order, wherever the log is read."""

import asyncio
import gzip
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from harness.exports import START, line, slots_line, write
from harness.migration import Aside, run
from harness.system import Part

from local import services
from local.__main__ import lock
from shared.joined_log import log_reading
from shared.settings import load
from shared.storage import Storage


def ids(aside: Aside) -> list[str]:
    return [one.event_id for one in aside.loop.joined()]


def names(first: int, last: int) -> list[str]:
    return [f"e{number:06d}" for number in range(first, last)]


def test_every_event_is_in_the_log_once_however_often_it_is_imported(aside: Aside, tmp_path: Path) -> None:
    early = write(tmp_path / "logs" / "day_0.json", [line(number) for number in range(500)])
    late = tmp_path / "logs" / "day_1.json.gz"
    late.write_bytes(gzip.compress("".join(json.dumps(line(number)) + "\n" for number in range(400, 1000)).encode()))
    done = aside.run("import", "--logs", early)
    assert done.status == 0, done.stderr
    assert "500 of 500 events" in done.stdout
    again = aside.run("import", "--logs", tmp_path / "logs")
    assert again.status == 0, again.stderr
    assert "500 of 1,100 events" in again.stdout
    assert "in the log already, or a second time in these files  600  day_0.json:1, day_0.json:2" in again.stdout
    assert ids(aside) == names(0, 1000)
    assert aside.run("import", "--logs", tmp_path / "logs").status == 0
    assert ids(aside) == names(0, 1000)


def test_files_out_of_order_are_put_in_order(aside: Aside, tmp_path: Path) -> None:
    hours = [[line(hour * 360 + number) for number in range(3)] for hour in range(10)]
    mixed = [one for number in range(3) for hour in reversed(hours) for one in hour[number : number + 1]]
    done = aside.run("import", "--logs", write(tmp_path / "mixed.json", mixed))
    assert done.status == 0, done.stderr
    expected = [one["EventId"] for hour in hours for one in hour]
    assert sorted(ids(aside)) == expected
    assert [name[:-3] for name in ids(aside)] == [name[:-3] for name in expected]


def test_the_log_of_a_loop_that_never_trained_has_it(aside: Aside, tmp_path: Path) -> None:
    aside.run("import", "--logs", write(tmp_path / "a.json", [line(number) for number in range(5)]))

    async def read(through: int, since: int = 0) -> bytes:
        storage = Storage(load(aside.settings | {"APP_KEYS": "a", "EVENT_HUBS_CONNECTION_STRING": "e"}))
        runs = [lines async for lines in log_reading.committed(storage, "default", through, since)]
        await storage.close()
        return b"".join(runs)

    start = round(START.timestamp() * 1000)
    assert asyncio.run(read(0)).count(b"\n") == 5
    assert asyncio.run(read(start * 2, since=start)).count(b"\n") == 5
    assert asyncio.run(read(start * 2, since=start + 60_000)) == b""


def test_a_dry_run_reads_all_and_writes_nothing(aside: Aside, tmp_path: Path) -> None:
    log = write(tmp_path / "a.json", ["not JSON", line(1), line(1), {"RewardValue": 1.0, "EventId": "x"}, "", line(2)])
    (tmp_path / "readme.md").write_text("hello")
    done = aside.run("import", "--dry-run", "--logs", tmp_path)
    assert done.status == 0, done.stderr
    assert "logs: 2 of 5 events to be written" in done.stdout
    for told in ("not JSON", "a.json:1", "an observation whose decision is not in the log", "a.json:4", "readme.md"):
        assert told in done.stdout
    assert aside.loop.names("") == []
    alone = run("import", "--dry-run", "--logs", log)
    assert "logs: 2 of 5 events to be written" in alone.stdout


def test_what_would_be_deleted_at_once_is_not_imported(aside: Aside, tmp_path: Path) -> None:
    old = (START - timedelta(days=100)).isoformat()
    log = write(tmp_path / "a.json", [line(1, Timestamp=old), line(2)])
    rehearsed, alone = aside.run("import", "--dry-run", "--logs", log), run("import", "--dry-run", "--logs", log)
    done = aside.run("import", "--logs", log)
    assert [one.status for one in (rehearsed, alone, done)] == [1, 1, 1]
    for dry in (rehearsed, alone):
        assert "1 of 2 events to be written; 1 would be left out because of their age" in dry.stdout
    assert "1 of 2 events written in 1 part; 1 were left out because of their age" in done.stdout
    assert "older than logRetentionDays (90)" in done.stdout
    assert "a.json:1" in done.stdout
    assert "--retention-days -1 keeps all of them" in done.stdout
    assert ids(aside) == ["e000002"]


def test_the_named_retention_keeps_old_events_or_leaves_them_out_as_asked(tmp_path: Path) -> None:
    old = (START - timedelta(days=100)).isoformat()
    log = write(tmp_path / "a.json", [line(1, Timestamp=old), line(2)])
    needed = re.search(r"--retention-days (\d+) for now", run("import", "--dry-run", "--logs", log).stdout)
    assert needed
    for days, kept in (("-1", 2), (needed[1], 2), ("90", 1)):
        done = run("import", "--dry-run", "--logs", log, "--retention-days", days)
        assert (done.status, f"{kept} of 2 events to be written" in done.stdout) == (0, True), done.stdout


def test_nothing_to_import_is_an_error(aside: Aside, tmp_path: Path) -> None:
    done = aside.run("import", "--logs", write(tmp_path / "a.json", ["{}", slots_line(1)]), tmp_path / "missing.json")
    assert done.status == 1
    assert "nothing could be imported" in done.stdout
    missing = next(told for told in done.stdout.splitlines() if "No such file" in told)
    assert missing.endswith(str(tmp_path / "missing.json"))
    assert "multi-slot, the loop's policy is not" in done.stdout


def test_the_report_counts_and_advises_in_plain_sentences(aside: Aside, tmp_path: Path) -> None:
    other = {"G": {"x": 1}, "_multi": [{"T": {"t": 1}}] * 3}
    done = aside.run("import", "--logs", write(tmp_path / "a.json", [line(1, c=other)]))
    assert "1 of 1 events written in 1 part\n" in done.stdout
    assert "advice: a model that learned features of another layout gives them no weight when Rank is" in done.stdout
    assert "Rank is called; keep these events" in done.stdout


def test_damaged_and_binary_files_are_told_and_the_others_imported(aside: Aside, tmp_path: Path) -> None:
    whole = gzip.compress("".join(json.dumps(line(number)) + "\n" for number in range(2000)).encode())
    (tmp_path / "cut.json.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "binary.log").write_bytes(b"VWFB\0\0")
    write(tmp_path / "good.json", [line(5000)])
    done = aside.run("import", "--logs", tmp_path)
    assert done.status == 1, done.stderr
    assert "damaged" in done.stdout
    assert "a binary joined log" in done.stdout
    assert "e005000" in ids(aside)


def test_an_unknown_loop_and_missing_settings_are_told(aside: Aside, tmp_path: Path) -> None:
    log = write(tmp_path / "a.json", [line(1)])
    unknown = aside.run("import", "--loop", "nobody", "--logs", log)
    assert (unknown.status, "There is no loop nobody" in unknown.stderr) == (1, True)
    nowhere = run("import", "--logs", log)
    assert (nowhere.status, "--data .data" in nowhere.stderr) == (1, True)
    malformed = run("import", "--logs", log, STORAGE_CONNECTION_STRING="bad")
    assert (malformed.status, malformed.stderr.count("\n")) == (1, 1)
    assert malformed.stderr.startswith("STORAGE_CONNECTION_STRING is malformed")
    no_data = run("import", "--logs", log, "--data", tmp_path)
    assert (no_data.status, "not the data folder of a local run" in no_data.stderr) == (1, True)
    nothing = run("import")
    assert (nothing.status, "name what to import" in nothing.stderr) == (2, True)


def test_the_data_of_a_local_run_is_found(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "azurite").mkdir(parents=True)
    log = write(tmp_path / "a.json", [line(1), line(2)])
    stopped = run("import", "--logs", log, "--data", data)
    assert "2 of 2 events" in stopped.stdout, stopped.stderr
    with running_storage(data):
        found = run("import", "--logs", log, "--data", data)
    assert "0 of 2 events" in found.stdout, found.stderr


@contextmanager
def running_storage(data: Path) -> Iterator[None]:
    """A storage that runs on the data, which is held as a local run holds it."""
    with lock(data):
        storage = Part(services.storage(data), data)
        storage.start()
        storage.ready()
        try:
            yield
        finally:
            storage.end()
