"""Rewrites a refused body into the contract's form, for deviations that Azure accepted.

Names of the contract are read without regard to case; what is not in it is left out. Numbers are taken for the text
of an id, with their digits as they were sent, and text for a number or a truth where one is due. Features, their
names included, stay as they are. Then the same decoder reads the rewritten body: nothing is taken that it refuses.
"""

import functools
import re
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from shared import bodies, charsets
from shared.bodies import Hints
from shared.errors import ApiError

T = TypeVar("T")
# What is rewritten, and where the names of members that are left out are put.
Rewrite = Callable[[bytes, list[str]], bytes]
Member = tuple[str, Rewrite | None]
# What a decoder raises for a body that it does not take.
REFUSED = (msgspec.MsgspecError, UnicodeError, RecursionError)

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])
_string = msgspec.json.Decoder(str)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class Repeated(ValueError):
    """A member is there twice, its name in two cases; the text names both."""


def decode(decoder: msgspec.json.Decoder[T], body: bytes, code: str, hints: Hints = ()) -> T:
    """The body, decoded as it is if that is possible, else made exact first; raises ApiError as `bodies.decode`."""
    try:
        return decoder.decode(body)
    except REFUSED:
        return bodies.decode(decoder, exact(decoder, body, code), code, hints)


def exact(decoder: msgspec.json.Decoder[T], body: bytes, code: str, unknown: list[str] | None = None) -> bytes:
    """The body as the contract has it, for a decoder of a struct. unknown: gets the names of members that are left out.

    Raises ApiError: BadRequest if it is not JSON, `code` for a member that is there twice.
    """
    text = charsets.mended(charsets.detected(body)).strip()
    rewrite = _rewrite_of(decoder)
    try:
        return rewrite(text, [] if unknown is None else unknown) if rewrite else text
    except Repeated as repeated:
        raise ApiError(code, f"{repeated}; send it once.") from None
    except REFUSED as error:
        raise bodies.refusal(error, text, code) from None


@functools.cache
def _rewrite_of(decoder: msgspec.json.Decoder[T]) -> Rewrite | None:
    from msgspec import inspect  # here, because most processes never need it

    def of(kind: inspect.Type) -> Rewrite | None:
        match kind:
            case inspect.StructType(fields=fields):
                known = {one.encode_name.lower(): (one.encode_name, of(one.type)) for one in fields}
                return functools.partial(_object, known)
            case inspect.ListType(item_type=item):
                inner = of(item)
                return functools.partial(_array, inner) if inner else None
            case inspect.UnionType(types=types):
                others = [one for one in types if not isinstance(one, inspect.NoneType)]
                return of(others[0]) if len(others) == 1 else None
            case inspect.StrType():
                return _text
            case inspect.FloatType():
                return _number
            case inspect.BoolType():
                return _truth
        return None

    return of(inspect.type_info(decoder.type))


def _object(known: Mapping[str, Member], value: bytes, unknown: list[str]) -> bytes:
    if not value.startswith(b"{"):
        return value
    made: dict[str, bytes] = {}
    spelled: dict[str, str] = {}
    for sent, raw in _members.decode(value).items():
        name, rewrite = known.get(sent.lower() if sent.isascii() else "", ("", None))
        if not name:
            unknown.append(sent)
            continue
        if name in made:
            raise Repeated(f"The member {name} is there twice, as '{spelled[name]}' and as '{sent}'")
        made[name], spelled[name] = rewrite(bytes(raw), unknown) if rewrite else bytes(raw), sent
    return b"{" + b",".join([b'"%s":%s' % (name.encode(), raw) for name, raw in made.items()]) + b"}"


def _array(rewrite: Rewrite, value: bytes, unknown: list[str]) -> bytes:
    if not value.startswith(b"["):
        return value
    return b"[" + b",".join([rewrite(bytes(item), unknown) for item in _items.decode(value)]) + b"]"


def _text(value: bytes, _: list[str]) -> bytes:
    return b'"%s"' % value if value[:1] in b"-0123456789" else value


def _number(value: bytes, _: list[str]) -> bytes:
    """Text as a number, as .NET parses one: blanks around it, a plus, and no digit before or behind the point."""
    text = _string.decode(value).strip() if value.startswith(b'"') else ""
    if not _NUMBER.fullmatch(text):
        return value
    number = float(text)
    return msgspec.json.encode(number) if abs(number) < float("inf") else b"1e999"


def _truth(value: bytes, _: list[str]) -> bytes:
    text = _string.decode(value).strip().lower() if value.startswith(b'"') else ""
    return text.encode() if text in ("true", "false") else value
