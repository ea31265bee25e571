"""The durable log of a partition: order, positions, crashes, damage, retention."""

import errno
import itertools
import logging
import os
import shutil
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_client import body, data

from local.eventhubs.codec import messages
from local.eventhubs.disk import writing
from local.eventhubs.disk.cursor import Cursor, Start
from local.eventhubs.disk.partition_log import PartitionLog, Retention
from local.eventhubs.disk.release import Release

START = 1_700_000_000_000
SEQUENCE, OFFSET, TIME = range(3)
Stopped = Callable[..., None]
EVERYTHING = Start(SEQUENCE, 0)


def append(log: PartitionLog, *bodies: bytes, now: int = START) -> None:
    """One append of all bodies."""
    write = log.stamp([[messages.event(data(body)) for body in bodies]], now)
    log.perform(write)
    log.succeeded(write)


def filled(folder: Path, count: int, segment_size: int = 1000, size: int = 100) -> PartitionLog:
    log = PartitionLog(folder, segment_size)
    for number in range(count):
        append(log, b"%d " % number + b"x" * size, now=START + number)
    return log


def read(log: PartitionLog, start: Start = EVERYTHING) -> list[tuple[int, int, bytes]]:
    """Sequence number, time and first word of every event from `start` on."""
    cursor, found = Cursor(log, start), []
    while records := cursor.read(7):
        found += [(record.sequence, record.enqueued, body(record.message).split(b" ")[0]) for record in records]
    cursor.close()
    return found


def expected(*numbers: int) -> list[tuple[int, int, bytes]]:
    return [(number, START + number, b"%d" % number) for number in numbers]


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.segment"))


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("templates")


@pytest.fixture
def stopped(folder: Path, templates: Path) -> Stopped:
    """Make `folder` the log of a stopped server with a number of events; written once, then copied."""

    def copy(count: int, segment_size: int = 1000) -> None:
        template = templates / f"{count}-{segment_size}"
        if not template.exists():
            filled(template, count, segment_size).close()
        shutil.copytree(template, folder)

    return copy


@pytest.fixture
def reports(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, "eventhubs")
    return caplog


def test_events_survive_in_order_across_segments_and_restarts(stopped, folder, reports):
    stopped(30)
    log = PartitionLog(folder, 1000)
    append(log, b"30", now=START + 30)
    assert read(log) == expected(*range(31))
    assert len(segments(folder)) > 3
    assert log.head.last.sequence == 30
    assert not reports.messages


def test_a_cursor_waits_at_the_end_and_goes_on(folder):
    log = PartitionLog(folder)
    cursor = Cursor(log, Start(SEQUENCE, 0))
    assert cursor.read(10) == []
    for number in range(3):
        append(log, b"a", b"b")
        assert [record.sequence for record in cursor.read(10)] == [2 * number, 2 * number + 1]
        assert cursor.read(10) == []


def test_the_time_never_goes_back(folder):
    log = PartitionLog(folder)
    for now in (START + 5, START, START + 7, START - 1000):
        append(log, b"x", now=now)
    log.close()
    log = PartitionLog(folder)
    append(log, b"x", now=START)
    assert [time - START for _, time, _ in read(log)] == [5, 5, 7, 7, 7]


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3), st.integers(0, 400)), min_size=1, max_size=40),
    st.integers(200, 3000),
    st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
def test_every_position_is_found_by_sequence_number_offset_and_time(tmp_path, appends, segment_size, reopen):
    shutil.rmtree(tmp_path / "log", ignore_errors=True)
    log, now, keys = PartitionLog(tmp_path / "log", segment_size), START, []
    for count, wait, size in appends:
        now += wait
        write = log.stamp([[messages.event(data(b"x" * size))] * count], now)
        log.perform(write)
        log.succeeded(write)
        keys += write.keys
    if reopen:
        log.close()
        log = PartitionLog(tmp_path / "log", segment_size)
    for field in (SEQUENCE, OFFSET, TIME):
        for value in sorted({key[field] + step for key in keys for step in (0, 1)}):
            first = read(log, Start(field, value))[:1]
            wanted = next((key for key in keys if key[field] >= value), None)
            assert [sequence for sequence, _, _ in first] == ([wanted.sequence] if wanted else [])
    log.close()


@pytest.mark.parametrize("cut", range(0, 360, 7))
def test_a_torn_tail_is_cut_back_to_the_last_whole_append(folder, reports, cut):
    log = filled(folder, 3, segment_size=10_000)
    size = log.segments[-1].size
    log.perform(log.stamp([[messages.event(data(b"never acknowledged"))] * 2], START + 3))
    log.close()
    (folder / "head").write_bytes(log.head.encode())
    (path,) = segments(folder)
    with path.open("r+b") as file:
        file.truncate(min(size + cut, path.stat().st_size - 1))
    log = PartitionLog(folder)
    assert read(log) == expected(0, 1, 2)
    assert path.stat().st_size == size
    assert ["torn tail" in message for message in reports.messages] == [True] * (cut > 0)
    append(log, b"3", now=START + 3)
    assert read(log) == expected(0, 1, 2, 3)


def test_a_whole_append_that_was_not_acknowledged_in_time_is_kept(folder, reports):
    log = filled(folder, 3)
    known = log.head
    append(log, b"3", now=START + 3)
    log.close()
    (folder / "head").write_bytes(known.encode())
    assert read(PartitionLog(folder)) == expected(0, 1, 2, 3)
    assert not reports.messages


def damaged(folder: Path, path: Path, position: int) -> PartitionLog:
    content = bytearray(path.read_bytes())
    content[position] ^= 0x40
    path.write_bytes(content)
    return PartitionLog(folder, 1000)


@pytest.mark.parametrize("position", range(0, 900, 23))
def test_a_tampered_byte_costs_one_event_and_is_reported(stopped, folder, reports, position):
    stopped(20)
    path = segments(folder)[1]
    log = damaged(folder, path, position)
    lost = [number for number in range(20) if number not in [sequence for sequence, _, _ in read(log)]]
    assert len(lost) == 1
    assert read(log) == expected(*(number for number in range(20) if number not in lost))
    (message,) = reports.messages
    assert str(path) in message
    assert f"sequence numbers {lost[0]} to {lost[0]} (1 events) are lost" in message


@pytest.mark.parametrize("position", [0, 5, 10, 40, 150])
def test_a_tampered_byte_in_the_last_segment_is_reported_at_start(stopped, folder, reports, position):
    stopped(5, segment_size=10_000)
    log = damaged(folder, segments(folder)[0], position)
    assert len(reports.messages) == 1
    assert "(1 events) are lost" in reports.messages[0]
    append(log, b"5", now=START + 5)
    assert read(log) == expected(*({0, 1, 2, 3, 4, 5} - {position // 240 if position < 240 else 1}))


def test_the_last_acknowledged_event_is_not_forgotten_when_it_is_damaged(folder, reports):
    log = filled(folder, 5, segment_size=10_000)
    size = log.segments[0].size
    log.close()
    log = damaged(folder, segments(folder)[0], size - 1)
    assert "sequence numbers 4 to 4 (1 events) are lost" in reports.messages[0]
    append(log, b"5", now=START + 5)
    assert read(log) == expected(0, 1, 2, 3, 5)
    log.close()
    assert read(PartitionLog(folder)) == expected(0, 1, 2, 3, 5)


@pytest.mark.parametrize("which", [0, 1, -1])
@pytest.mark.parametrize("kept", [0, 1, 300, 999])
def test_a_truncated_segment_costs_its_end_and_no_sequence_number_is_given_twice(stopped, folder, reports, which, kept):
    stopped(18)
    path = segments(folder)[which]
    first = int(path.name[:20])
    following = [int(other.name[:20]) for other in segments(folder) if other > path] or [18]
    kept = min(kept, path.stat().st_size - 1)
    with path.open("r+b") as file:
        file.truncate(kept)
    log = PartitionLog(folder, 1000)
    survivors = [number for number in range(18) if number not in range(first, following[0])]
    (message,) = reports.messages
    assert str(path) in message
    assert f" to {following[0] - 1} (" in message
    append(log, b"18", now=START + 18)
    found = read(log)
    assert [event for event in found if event[0] not in range(first, following[0])] == expected(*survivors, 18)
    assert found == sorted(found)
    assert len(reports.messages) == 1


def test_a_deleted_segment_is_reported(stopped, folder, reports):
    stopped(20)
    path = segments(folder)[1]
    lost = range(int(path.name[:20]), int(segments(folder)[2].name[:20]))
    path.unlink()
    log = PartitionLog(folder, 1000)
    assert read(log) == expected(*(number for number in range(20) if number not in lost))
    assert f"sequence numbers {lost[0]} to {lost[-1]}" in reports.messages[0]


def test_deleting_everything_but_the_head_does_not_reuse_sequence_numbers(stopped, folder):
    stopped(20)
    for path in segments(folder):
        path.unlink()
    log = PartitionLog(folder, 1000)
    append(log, b"20", now=START + 20)
    assert read(log) == expected(20)


@pytest.mark.parametrize("content", [None, b"", b"x" * 36])
def test_a_lost_head_file_costs_nothing(stopped, folder, content):
    stopped(20)
    (folder / "head").unlink()
    if content is not None:
        (folder / "head").write_bytes(content)
    log = PartitionLog(folder, 1000)
    append(log, b"20", now=START + 20)
    assert read(log) == expected(*range(21))


def test_a_body_that_looks_like_a_record_does_not_mislead_recovery(folder):
    log = PartitionLog(folder)
    append(log, b"0", now=START)
    inner = segments(folder)[0].read_bytes()
    append(log, b"1 " + inner, now=START + 1)
    append(log, b"2", now=START + 2)
    size = log.segments[0].size
    log.close()
    position = len(inner) + 10
    assert position < size
    log = damaged(folder, segments(folder)[0], position)
    assert read(log) == expected(0, 2)


def test_a_failed_write_leaves_nothing_and_the_log_goes_on(folder, reports):
    log = filled(folder, 3)
    write = log.stamp([[messages.event(data(b"lost"))]], START + 3)
    shutil.move(folder, folder.with_name("gone"))
    log._writer.close()
    with pytest.raises(OSError, match="No such file"):
        log.perform(write)
    log.failed()
    shutil.move(folder.with_name("gone"), folder)
    append(log, b"3", now=START + 3)
    assert read(log) == expected(0, 1, 2, 3)
    log.close()
    assert read(PartitionLog(folder)) == expected(0, 1, 2, 3)
    assert not reports.messages


def test_retention_by_time_deletes_whole_segments_that_are_too_old(folder):
    log = filled(folder, 20)
    cursor = Cursor(log, Start(SEQUENCE, 0))
    assert cursor.read(1)[0].sequence == 0
    log.expire(Retention(seconds=0.010), now=START / 1000 + 0.020)
    first = log.first_sequence
    assert 5 <= first <= 10
    assert read(log) == expected(*range(first, 20))
    assert len(segments(folder)) == len(log.segments)
    reopened = PartitionLog(folder)
    assert reopened.first_sequence == first
    following = [record.sequence for records in iter(lambda: cursor.read(100), []) for record in records]
    assert following[-1] == 19
    log.expire(Retention(seconds=0), now=START)
    assert log.segments


def test_what_is_released_leaves_in_whole_segments(folder, tmp_path):
    log = filled(folder, 50)
    second, third = log.segments[1].first, log.segments[2].first
    log.release(through=second.sequence - 2, before=START + 10_000)
    assert log.first_sequence == 0
    log.release(through=third.sequence, before=second.enqueued)
    assert log.first_sequence == 0
    log.release(through=third.sequence, before=START + 10_000)
    assert log.first_sequence == third.sequence
    assert read(log) == expected(*range(third.sequence, 50))
    log.release(through=1_000, before=START + 49)
    assert len(log.segments) == 1
    told = Release(5, {"interactions": [3, -1]})
    told.write(tmp_path / "released.json")
    assert Release.read(tmp_path / "released.json") == told
    for damage in ("", "[]", '{"before": 1}', '{"before": 1, "through": {"a": [null]}}'):
        (tmp_path / "released.json").write_text(damage)
        assert Release.read(tmp_path / "released.json") is None


def test_the_last_segment_is_released_and_no_sequence_number_is_given_twice(folder):
    log = filled(folder, 3)
    behind, again = Cursor(log, EVERYTHING), Cursor(log, Start(SEQUENCE, 3))
    assert len(behind.read(10)) == 3
    write = log.stamp([[messages.event(data(b"3"))]], START + 3)
    log.release(through=1_000, before=START + 10_000)
    assert len(segments(folder)) == 1, "what is being written stays"
    log.perform(write)
    log.succeeded(write)
    log.release(through=2, before=START + 10_000)
    log.release(through=3, before=START + 3)
    assert len(segments(folder)) == 1
    log.release(through=3, before=START + 4)
    assert [file.stat().st_size for file in segments(folder)] == [0]
    assert (log.first_sequence, log.head.last.sequence) == (4, 3)
    assert read(log) == []
    log.close()
    log = PartitionLog(folder)
    assert (log.first_sequence, log.head.last.sequence) == (4, 3)
    append(log, b"4", now=START + 4)
    assert read(log) == expected(4)
    log.release(through=4, before=START + 5)
    append(log, b"5", now=START + 5)
    append(log, b"6", now=START + 6)
    assert read(log) == read(PartitionLog(folder)) == expected(5, 6)
    for cursor in (behind, again):
        cursor.close()


def test_a_reader_goes_on_behind_a_segment_that_was_released(folder):
    log = filled(folder, 3)
    cursor = Cursor(log, EVERYTHING)
    assert len(cursor.read(10)) == 3
    log.release(through=2, before=START + 10)
    assert cursor.read(10) == []
    append(log, b"3", now=START + 3)
    assert [record.sequence for record in cursor.read(10)] == [3]
    cursor.close()


@pytest.mark.parametrize("head", [b"", b"torn", None])
def test_a_lost_head_starts_no_sequence_number_again_where_all_was_released(folder, head):
    log = filled(folder, 3)
    log.release(through=2, before=START + 10)
    last, next_offset = log.head
    log.close()
    if head is None:
        (folder / "head").unlink()
    else:
        (folder / "head").write_bytes(head)
    log = PartitionLog(folder)
    assert (log.first_sequence, log.head.last.sequence, log.head.next_offset) == (3, 2, next_offset)
    append(log, b"3", now=START)
    assert read(log) == read(PartitionLog(folder)) == [(3, last.enqueued, b"3")]


class _Killed(BaseException):
    """Nothing after it is done, as after a kill -9."""


_CALLS = ("unlink", "open", "fsync", "fdatasync", "pwrite", "utime")


def dying(monkeypatch: pytest.MonkeyPatch, after: int, error: BaseException) -> None:
    """Lets so many calls that change the disk through; those that follow do nothing."""
    calls = iter(range(after))

    def dies(call: Callable[..., object]) -> Callable[..., object]:
        def done(*given: object, **named: object) -> object:
            if next(calls, None) is None:
                raise error
            return call(*given, **named)

        return done

    for name in _CALLS:
        monkeypatch.setattr(f"os.{name}", dies(getattr(os, name)))
    monkeypatch.setattr(writing, "sync", dies(writing.sync))


def release_and_append(log: PartitionLog, numbers: Iterable[int], told: Callable[[], None]) -> None:
    """For each number: all before it is released, it is appended, and `told` is called, for it is acknowledged."""
    for number in numbers:
        log.release(through=number - 1, before=START + number)
        append(log, b"%d" % number, now=START + number)
        told()


def acknowledge(sequences: list[int]) -> None:
    sequences.append(sequences[-1] + 1)


@pytest.mark.parametrize("is_head_lost", [False, True])
def test_a_kill_at_any_instant_of_a_release_costs_nothing(tmp_path, monkeypatch, is_head_lost):
    """Before, between and after every call to the disk of releases with events between them."""
    for after in itertools.count():
        folder, acknowledged, is_killed = tmp_path / str(after), list(range(12)), False
        log = filled(folder, 12)
        with monkeypatch.context() as patch:
            dying(patch, after, _Killed())
            try:
                release_and_append(log, range(12, 15), partial(acknowledge, acknowledged))
            except _Killed:
                is_killed = True
        if is_head_lost:
            (folder / "head").unlink()
        again = PartitionLog(folder)
        kept = [sequence for sequence, *_ in read(again)]
        assert kept == list(range(again.first_sequence, again.head.last.sequence + 1))
        assert again.head.last.sequence >= acknowledged[-1]
        assert again.first_sequence <= max(12, acknowledged[-1] + 1)
        append(again, b"next", now=START)
        assert read(again)[-1][0] == again.head.last.sequence > acknowledged[-1]
        assert again.head.next_offset > log.head.next_offset
        again.close()
        if not is_killed:
            assert after > 15
            return


def test_a_disk_that_fails_at_any_instant_of_a_release_costs_no_reader_an_event(tmp_path, monkeypatch):
    for after in itertools.count():
        log, seen, is_failed = filled(tmp_path / str(after), 12), list[int](), False
        reader = Cursor(log, Start(SEQUENCE, 12))

        def look(reader: Cursor = reader, seen: list[int] = seen) -> None:
            while records := reader.read(5):
                seen.extend(record.sequence for record in records)

        look()
        with monkeypatch.context() as patch:
            dying(patch, after, OSError(errno.ENOSPC, "no space"))
            try:
                release_and_append(log, range(12, 15), look)
            except OSError:
                is_failed = True
                log.failed()
        log.release(through=11, before=START + 12)
        for now in (START + 12, START + 20, START + 1_000_000):
            append(log, b"on", now=now)
            look()
        assert seen == list(range(12, log.head.last.sequence + 1))
        reader.close()
        log.close()
        again = PartitionLog(tmp_path / str(after))
        assert again.head.last == log.head.last
        assert read(again) == read(log)
        again.close()
        if not is_failed:
            assert after > 15
            return


def test_a_head_that_cannot_be_written_leaves_nothing_of_its_events(folder, monkeypatch):
    log = filled(folder, 1)
    log.release(through=0, before=START + 1)
    write = log.stamp([[messages.event(data(b"x" * 500)), messages.event(data(b"y"))]], START + 1)
    with monkeypatch.context() as patch:
        patch.setattr(log._head_file, "write", _raise)
        with pytest.raises(OSError, match="no space"):
            log.perform(write)
    log.failed()
    append(log, b"1", now=START + 1)
    log.close()
    log = PartitionLog(folder)
    assert read(log) == expected(1)
    log.close()


def _raise(_: bytes) -> None:
    raise OSError(errno.ENOSPC, "no space")


def test_a_segment_ends_by_its_age(folder):
    log = PartitionLog(folder)
    for number in range(4):
        append(log, b"%d" % number, now=START + number * 400_000)
    assert len(segments(folder)) == 2
    assert [sequence for sequence, *_ in read(log)] == [0, 1, 2, 3]


def test_retention_by_size_keeps_the_newest(folder):
    log = filled(folder, 50)
    log.expire(Retention(seconds=1e9, size=3000), now=START / 1000)
    kept = sum(path.stat().st_size for path in segments(folder))
    assert 2000 < kept <= 3000
    assert read(log) == expected(*range(log.first_sequence, 50))


def test_a_reader_below_retention_starts_at_the_first_kept_event(folder, reports):
    log = filled(folder, 50)
    log.expire(Retention(seconds=1e9, size=3000), now=START / 1000)
    assert read(log, Start(SEQUENCE, 3))[0][0] == log.first_sequence
    assert not reports.messages
