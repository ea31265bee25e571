"""Encodings: what is declared, what shows itself, and halves of characters."""

import encodings
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import charsets
from shared.charsets import Undecodable

GIVEN = {"name": "Å“€😀"}
TEXT = json.dumps(GIVEN, ensure_ascii=False)
WESTERN = json.dumps({"name": "Åé"}, ensure_ascii=False)


@pytest.mark.parametrize("content_type", ["", "application/json", "application/json; charset=utf-8", "text/json"])
@pytest.mark.parametrize("name", ["UTF8", '"utf-8"', "us-ascii", "UTF-8;x=y"])
def test_utf8_is_left_as_it_is(content_type: str, name: str) -> None:
    body = TEXT.encode()
    assert charsets.utf8(body, content_type) is body
    assert charsets.utf8(body, f"application/json; Charset={name}") is body


@pytest.mark.parametrize("name", ["iso-8859-1", "ISO-8859-15", "latin1", "windows-1252", "'cp1252'"])
def test_a_declared_charset_is_taken(name: str) -> None:
    body = WESTERN.encode("latin-1")
    assert json.loads(charsets.utf8(body, f"application/json;charset={name}")) == json.loads(WESTERN)


def test_names_that_clients_make_up_are_not_kept() -> None:
    kept = encodings._cache  # type: ignore[attr-defined]  # Python's own, which it never empties
    before = len(kept)
    for number in range(100):
        with pytest.raises(Undecodable, match="is not known here"):
            charsets.utf8(b"{}", f"application/json; charset=made-up-{number}")
    assert len(kept) == before


def test_latin_1_that_could_be_utf8_is_not_misread() -> None:
    body = '{"name":"Ã©"}'.encode("latin-1")
    assert json.loads(body) == {"name": "é"}
    assert json.loads(charsets.utf8(body, "application/json; charset=iso-8859-1")) == {"name": "Ã©"}


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
@pytest.mark.parametrize("declared", ["", "utf-8", "utf-16", "iso-8859-1"])
def test_what_shows_itself_is_taken_whatever_is_declared(encoding: str, declared: str) -> None:
    body = TEXT.encode(encoding)
    if (encoding, declared) == ("utf-8", "iso-8859-1"):
        return  # nothing shows, and so what is declared decides
    assert json.loads(charsets.detected(charsets.utf8(body, f"application/json; charset={declared}"))) == GIVEN


@pytest.mark.parametrize("declared", ["utf-16", "UTF-16LE", "utf-32"])
def test_utf8_that_is_declared_as_what_it_cannot_be_is_taken_if_it_begins_as_json(declared: str) -> None:
    content_type = f"application/json; charset={declared}"
    for body in (TEXT.encode(), b" [1]", b"", b"{"):
        assert charsets.utf8(body, content_type) is body
    with pytest.raises(Undecodable, match=r"declares charset=utf-\d\d(-le)?, and it is not in that; send UTF-8"):
        charsets.utf8(b"value=1", content_type)


def test_a_long_name_of_a_charset_is_not_repeated_in_full() -> None:
    with pytest.raises(Undecodable) as refused:
        charsets.utf8(b"{}", f"application/json; charset={'x' * 3000}")
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    "name",
    ["shift_jis", "utf-7", "unicode_escape", "rot13", "idna", "none-such", "iso8859-99", "cp1259", "a\0b", "é", "hex"],
)
def test_other_charsets_are_refused_by_name(name: str) -> None:
    with pytest.raises(Undecodable, match="send UTF-8") as refused:
        charsets.utf8(b"{}", f"application/json; charset={name}")
    assert name in str(refused.value)


def test_what_is_not_of_the_declared_charset_is_refused_with_its_name() -> None:
    with pytest.raises(Undecodable, match="charset=cp1252, and it is not"):
        charsets.utf8(b'{"name":"\x81"}', "application/json; charset=windows-1252")


HALF = "�"


@pytest.mark.parametrize(
    ("text", "means"),
    [
        (rb"\ud83d", HALF),
        (rb"\uDE00", HALF),
        (rb"a\ud83d", f"a{HALF}"),
        (rb"\ud83db", f"{HALF}b"),
        (rb"\ud83d\ude00", "😀"),
        (rb"\ud83d\ud83d\ude00", f"{HALF}😀"),
        (rb"\ude00\ud83d", HALF * 2),
        (rb"\ud83d\n\ude00", f"{HALF}\n{HALF}"),
        (rb"\\ud83d", "\\ud83d"),
        (rb"\\\ud83d", f"\\{HALF}"),
        (rb"\\\\ud83d\u00e9", "\\\\ud83dé"),
        (rb"\ud7ff\ue000", "\ud7ff\ue000"),
        (b"\xed\xa0\xbd", HALF),
        (b"\xed\x9f\xbf\xee\x80\x80", "\ud7ff\ue000"),
    ],
)
def test_half_a_character_becomes_the_replacement_character(text: bytes, means: str) -> None:
    assert json.loads(charsets.mended(b'"%s"' % text)) == means


@given(st.text(st.characters(codec="utf-8"), max_size=20), st.booleans())
def test_whole_characters_are_left_alone(text: str, escaped: bool) -> None:
    body = json.dumps(text, ensure_ascii=escaped).encode()
    assert charsets.mended(body) is body


@given(st.text(st.characters(exclude_categories=()) | st.sampled_from('\\u\ud83d\ude00"d'), max_size=20))
def test_any_text_that_json_escapes_is_utf8_afterwards(text: str) -> None:
    mended = json.loads(charsets.mended(json.dumps(text).encode()))
    mended.encode()
    expected = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert mended == expected
