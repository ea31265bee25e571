"""Events keep everything their producer gave them, and get what a consumer expects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_client import data

from local.eventhubs.codec import messages
from local.eventhubs.codec.decode import decode
from local.eventhubs.codec.encode import binary, described, long, mapping, sequence, string, symbol
from local.eventhubs.codec.errors import AmqpError


def sections(message: bytes) -> dict[int, object]:
    return {code: decode(message, start)[0] for code, start, _ in messages.sections(message)}


def test_an_event_is_stamped_and_otherwise_unchanged():
    header = described(0x70, sequence(b"\x41"))
    own = described(0x72, mapping(symbol("x-opt-partition-key"), string("k"), symbol("mine"), long(7)))
    properties = described(0x73, sequence(string("id")))
    application = described(0x74, mapping(string("a"), long(1)))
    dropped = described(0x71, mapping(symbol("hop"), long(1)))
    event = messages.event(header + own + properties + application + data(b"body") + dropped)
    message = event.stamped(sequence=5, offset=1234, enqueued=99)
    assert message.startswith(header)
    assert message.endswith(properties + application + data(b"body"))
    assert sections(message)[0x72] == {
        **{"x-opt-sequence-number": 5, "x-opt-offset": "1234", "x-opt-enqueued-time": 99},
        **{"x-opt-partition-key": "k", "mine": 7},
    }
    assert event.partition_key == "k"


def test_a_producer_cannot_forge_the_stamp():
    forged = described(0x72, mapping(symbol("x-opt-sequence-number"), long(1), symbol("x-opt-offset"), string("9")))
    message = messages.event(forged + data(b"")).stamped(5, 6, 7)
    assert sections(message)[0x72] == {"x-opt-sequence-number": 5, "x-opt-offset": "6", "x-opt-enqueued-time": 7}


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1), st.integers(0, 2**62), st.binary(max_size=400))
def test_any_stamp_can_be_read(sequence_number, offset, enqueued, body):
    message = messages.event(data(body)).stamped(sequence_number, offset, enqueued)
    assert sections(message) == {
        0x72: {
            **{"x-opt-sequence-number": sequence_number, "x-opt-offset": str(offset)},
            "x-opt-enqueued-time": enqueued,
        },
        0x75: body,
    }


def test_delivery_annotations_come_behind_the_header():
    header = described(0x70, sequence(b"\x41"))
    annotations = mapping(symbol("n"), long(1))
    for prefix in (header, b""):
        stamped = messages.event(prefix + data(b"x")).stamped(1, 2, 3)
        message = messages.with_delivery_annotations(stamped, annotations)
        assert message == prefix + described(0x71, annotations) + stamped[len(prefix) :]


def test_a_batch_is_its_events_with_the_key_of_the_envelope():
    key = described(0x72, mapping(symbol("x-opt-partition-key"), string("k")))
    batch = key + b"".join(data(data(body)) for body in (b"a", b"b", b"c" * 300))
    events = messages.events(messages.BATCH_FORMAT, batch)
    assert [event.rest for event in events] == [data(b"a"), data(b"b"), data(b"c" * 300)]
    assert {event.partition_key for event in events} == {"k"}


REFUSED = {
    "no section": b"",
    "not described": b"\xa0\x01x",
    "unknown section": b"\x00\x53\x10\x45",
    "symbolic section": b"\x00\xa3\x01x\x45",
    "header that is a map": b"\x00\x53\x70\xc1\x01\x00",
    "body that is a string": b"\x00\x53\x75\xa1\x01x",
    "properties cut short": b"\x00\x53\x73\xc0\x05\x02\xa1\x01x",
    "annotations with garbage": b"\x00\x53\x72\xc1\x04\x02\xa3\x01x",
    "body cut short": b"\x00\x53\x75\xb0\x00\x00\x01\x00x",
    "only annotations": b"\x00\x53\x72\xc1\x01\x00",
}


@pytest.mark.parametrize("payload", REFUSED.values(), ids=REFUSED)
def test_malformed_messages_are_refused(payload):
    with pytest.raises(AmqpError, match="malformed"):
        messages.events(messages.SINGLE_FORMAT, payload)
    with pytest.raises(AmqpError, match="malformed"):
        messages.events(messages.BATCH_FORMAT, described(0x75, binary(payload)))


def test_unknown_message_formats_are_refused():
    with pytest.raises(AmqpError, match="0x00000001"):
        messages.events(1, data(b"x"))
