"""What a body says of the events that are meant."""

import json

import pytest

from shared.admin import selection_body


@pytest.mark.parametrize(
    ("value", "said"),
    [("7", "7"), ("7.0", "7"), ("7e0", "7"), ("-0.0", "0"), ("0.5", "0.5"), ("true", "true"), ('"7.0"', "7.0")],
)
def test_a_number_has_the_same_text_however_it_is_written(value: str, said: str) -> None:
    body = selection_body.erasure(b'[{"feature":"user.id","value":%s}]' % value.encode())
    assert [one.value for one in body.selection] == [said]


def test_digits_of_large_numbers_stay() -> None:
    for digits in ("9007199254740993", "12345678901234567890"):
        body = selection_body.erasure(json.dumps([{"feature": "user.id", "value": int(digits)}]).encode())
        assert [one.value for one in body.selection] == [digits]
