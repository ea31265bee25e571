"""What a joiner remembers, against a dictionary, and what it takes in memory; the same in files."""

import gzip
import random
import sys
from array import array
from pathlib import Path

import pytest

from shared.joined_log import window_file, windows
from shared.joined_log.windows import Windows


def memory_of(remembered: Windows) -> int:
    """The bytes of its leaves."""
    return sum(sys.getsizeof(numbers) for leaf in remembered._leaves for numbers in leaf)


@pytest.mark.parametrize("spread", [64, 12], ids=["hashes", "repeated"])
def test_it_is_a_dictionary_that_forgets(spread: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "LEAF", 16)
    rng, remembered, known = random.Random(spread), Windows(), dict[int, int]()
    for at in range(20_000):
        key = rng.getrandbits(spread)
        assert remembered.get(key) == known.get(key)
        remembered.put(key, at)
        known[key] = at
        if at % 100 == 0:
            remembered.forget(at - 3_000)
            known = {key: end for key, end in known.items() if end >= at - 3_000}
            assert dict(remembered.items()) == known
    assert remembered.last == 19_999


def test_keys_are_in_order_when_the_first_leaves_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "LEAF", 16)
    remembered, last = Windows(), 2**64 - 1
    for key in range(0, last, last // 500):
        remembered.put(key, 1 + (key > last // 2))
    for _ in range(windows.ROUNDS):
        remembered.forget(2)
    for key in (5, 0, last // 4, last):
        remembered.put(key, 3)
    keys = [key for key, _ in remembered.items()]
    assert keys == sorted(keys)
    assert keys[:3] == [0, 5, last // 4]
    assert keys[-1] == last


def test_what_is_forgotten_leaves_memory() -> None:
    rng, remembered = random.Random(1), Windows()
    for at in range(100_000):
        remembered.put(rng.getrandbits(64), at)
    assert memory_of(remembered) < 18 * 100_000
    for _ in range(8 * windows.ROUNDS):
        remembered.forget(100_000)
    assert memory_of(remembered) < 1_000
    assert dict(remembered.items()) == {}


def test_files_one_behind_the_other_are_a_file_in_which_the_last_pair_counts(tmp_path: Path) -> None:
    rng = random.Random(1)
    first = {rng.getrandbits(64): number for number in range(10_000)}
    second = {key: end + 20_000 for key, end in list(first.items())[::3]} | {1: 1}
    data = b""
    for name, given in (("first", first), ("second", second)):
        written, large = (window_file.write(tmp_path / name, given.items(), held) for held in (1 << 20, 1_000))
        assert (written.length, written.last) == (len(given), max(given.values()))
        assert isinstance(written.content, bytes)
        assert large.content == tmp_path / name
        assert (tmp_path / name).read_bytes() == written.content
        data += written.content
    (tmp_path / "both").write_bytes(data)
    remembered = Windows()
    window_file.load(tmp_path / "both", remembered)
    assert dict(remembered.items()) == first | second
    remembered = Windows(20_000)
    window_file.load(tmp_path / "both", remembered)
    assert dict(remembered.items()) == {key: end for key, end in second.items() if end >= 20_000}


def test_what_earlier_versions_have_stored_is_such_a_file(tmp_path: Path) -> None:
    (tmp_path / "seen").write_bytes(gzip.compress(array("Q", [7, 100, 2**64 - 1, 200]).tobytes(), 1, mtime=0))
    remembered = Windows()
    window_file.load(tmp_path / "seen", remembered)
    assert dict(remembered.items()) == {7: 100, 2**64 - 1: 200}


def test_a_file_without_windows_can_be_read(tmp_path: Path) -> None:
    written, remembered = window_file.write(tmp_path / "none", [], held=0), Windows()
    assert (written.length, written.last) == (0, 0)
    window_file.load(tmp_path / "none", remembered)
    assert dict(remembered.items()) == {}
