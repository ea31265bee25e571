"""Which texts of evaluations name an erased id or value: whole ones, and not what merely has its letters or digits."""

import pytest

from shared.loops.erasures import Wanted
from shared.training.remains import Texts


@pytest.mark.parametrize(
    ("value", "data", "named"),
    [
        ("1", b'{"count":1,"id":"v1","p":[0.1]}', False),
        ("1", b'{"chosen":"1"}', True),
        ("de", b'{"reason":"made of lines","id":"de-1"}', False),
        ("de", b'{"de":3}', True),
        ("ann-1", b'{"reason":"the event ann-1 cannot be read"}', True),
        ("ann-1", b'{"reason":"the event ann-17 cannot be read"}', False),
        ("ann-1", b'{"reason":"joann-1"}', False),
        ("M\xfcller", '{"x":"Müller"}'.encode(), True),
        ('a"b"c', b'{"x":"a\\"b\\"c"}', True),
    ],
)
def test_whole_texts_and_words_name_a_value(value: str, data: bytes, named: bool) -> None:
    assert Texts([Wanted(feature="x", value=value)]).are_in(data) is named
    assert Texts([Wanted(event_id=value)]).are_in(data) is named
