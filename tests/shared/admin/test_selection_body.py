"""What a body says of the events that are meant."""

import json

import pytest

from shared.admin import selection_body
from shared.errors import ApiError


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


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'[{"eventId":"a"}],"all":true,"selection":[{"eventId":"b"}]', "trailing characters"),
        (b'[{"eventId":"a"}', "truncated"),
        (b'[{"eventId":"a","since":"2026-01-01"}]', "[0].since is not known; send only eventId, feature, value."),
        (b'{"selection":[{"eventId":"a"}],"dryRun":true}', "dryRun is not known; send only selection, all."),
        (b"[]", "selection must have at least 1 entry."),
        (json.dumps([{"eventId": "a"}] * 10_001).encode(), "selection must have at most 10000 entries."),
        (json.dumps([{"feature": "a", "value": "b" * 1_025}]).encode(), "value must have at most 1024 characters"),
        (b'[{"feature":"a","value":null}]', "selection[0] must have either eventId, or feature and value."),
    ],
)  # fmt: skip
def test_what_is_no_selection_is_refused_and_said(body: bytes, said: str) -> None:
    with pytest.raises(ApiError) as refused:
        selection_body.erasure(body)
    assert said in refused.value.message


def test_names_are_taken_in_any_case_and_a_search_has_a_token() -> None:
    body = selection_body.search(b'{"Selection":[{"EVENTID":"a"}],"Token":"t"}')
    assert (body.selection[0].event_id, body.token) == ("a", "t")
