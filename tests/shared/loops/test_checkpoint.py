"""A checkpoint is read as it was written, or not at all."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.loops.artifacts import Artifact
from shared.loops.checkpoint import Checkpoint, Plan, WindowPart, decode, encode
from shared.loops.config import LoopConfig
from shared.loops.model_records import Backlog, ModelRecord, Place

MODEL = ModelRecord(
    "r", Artifact("r.vw", "0" * 64), Artifact("r.predict.vw", "1" * 64), "2026-01-01T00:00:00Z", "-q ::"
)
CHECKPOINT = Checkpoint(
    cut=1_700_000_000_123, interactions=[5, -1], model=MODEL, plan=Plan("s", 2, [7, 0], [8, 9], LoopConfig())
)


def test_what_is_written_is_json_and_is_read_again() -> None:
    assert decode(encode(CHECKPOINT)) == CHECKPOINT
    assert msgspec.json.decode(encode(CHECKPOINT))["interactions"] == [5, -1]


def test_it_has_the_first_version_that_knows_all_that_is_in_it() -> None:
    file = Artifact("file", "2" * 64)
    backlog = Backlog(Place("log"), 1)
    given = {
        1: CHECKPOINT,
        2: msgspec.structs.replace(CHECKPOINT, backlog=backlog),
        3: msgspec.structs.replace(CHECKPOINT, backlog=backlog, windows=[WindowPart(file, 1, 2)]),
    }
    for version, state in given.items():
        assert msgspec.json.decode(encode(state))["v"] == version
        assert msgspec.json.decode(encode(msgspec.structs.replace(state, v=3)))["v"] == version
        assert decode(encode(state)) == msgspec.structs.replace(state, v=version)


@given(st.integers(0, len(encode(CHECKPOINT)) - 1), st.integers(1, 255))
def test_no_changed_byte_goes_unnoticed(position: int, change: int) -> None:
    data = bytearray(encode(CHECKPOINT))
    data[position] ^= change
    with pytest.raises(msgspec.DecodeError):
        decode(bytes(data))


@given(st.integers(0, len(encode(CHECKPOINT)) - 1))
def test_no_missing_end_goes_unnoticed(length: int) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(encode(CHECKPOINT)[:length])
