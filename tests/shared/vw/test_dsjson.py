"""Telling lines of several slots from others, however their JSON is written."""

import pytest

from shared.vw.dsjson import id_of, is_multi_slot, of_kind

SINGLE = b'{"_label_cost":0,"EventId":"a","c":{"_multi":[{}]}}\n'


@pytest.mark.parametrize("member", [b'"_outcomes":[', b'"_outcomes": [', b'"_outcomes"\t:  [', b'"_outcomes" :['])
def test_a_line_with_an_outcome_for_each_slot_is_multi_slot(member: bytes) -> None:
    line = b'{"EventId":"b","c":{"_slots":[{}]},' + member + b'{"_label_cost":0}]}\n'
    assert is_multi_slot(line)
    assert of_kind(SINGLE + line + SINGLE, multi_slot=True) == line
    assert of_kind(SINGLE + line + SINGLE, multi_slot=False) == SINGLE * 2


@pytest.mark.parametrize(
    "text", [b'"_outcomes"', b'"\\"_outcomes\\":["', b'"_outcomes:["', b'["_outcomes",[1]]', b'{"my_outcomes":[1]}']
)
def test_a_text_that_speaks_of_outcomes_makes_no_line_multi_slot(text: bytes) -> None:
    line = b'{"EventId":"b","c":{"FromUrl":[{"x":' + text + b"}]}}\n"
    assert not is_multi_slot(line)
    assert of_kind(line, multi_slot=False) == line
    assert of_kind(line, multi_slot=True) == b""


def test_a_line_without_outcomes_is_not_multi_slot() -> None:
    assert not is_multi_slot(b'{"EventId":"b","_outcomes":null}')
    assert id_of(b'{"EventId":"b","_outcomes":null}') == "b"
