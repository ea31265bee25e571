"""Exports of a service: its configuration, learning policy and model, checked here and put in over HTTP."""

import asyncio
import contextlib
import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from migration.in_effect import MEMBERS, POLICY, SERVICE, TOLD, known, members, shown
from migration.report import Section
from migration.target import Api, Refused
from shared import charsets
from shared.admin import signing
from shared.admin.documents import Twice, named

SIGNED_MODEL = ("model.vw", "signer.der", "sha512_signature.bin")


class UnusableDocument(Exception):
    """The file is not what it should be; the text says why."""


def service(file: Path | None, retention_days: int | None) -> dict[str, Any]:
    """An exported ServiceConfiguration, `logRetentionDays` replaced if given; raises UnusableDocument.

    Whether its members are valid is told by whoever takes them, all faults at once.
    """
    given = _json(file, MEMBERS) if file else {}
    if file and not any(member in given for member in MEMBERS):
        raise UnusableDocument("no ServiceConfiguration: none of its members is in it")
    return given if retention_days is None else given | {"logRetentionDays": retention_days}


async def put_service(api: Api | None, given: dict[str, Any]) -> Section:
    """Puts what is known of it, on top of what the loop has."""
    put = known(given)
    section = Section(SERVICE, f"{members(len(put))} to be put")
    section.rows = [(name, "", "skipped: no member of the API") for name in given if name not in MEMBERS]
    if api is None:
        section.rows = [(name, shown(name, value), "") for name, value in put.items()] + section.rows
        return section
    try:
        answer = await _put_in_steps(api, await api.get("configurations/service"), put)
    except Refused as refusal:
        section.failed, section.outcome = True, f"refused: {refusal}"
        return section
    section.rows += _of_the_model(answer)
    return section


def _of_the_model(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What becomes of the loop's model, if the service says that a change does something to it."""
    after = answer.get("modelAfterChange")
    if after is None:
        return []
    about = f"; the log has about {after['events']:,} events for it" if "events" in after else ""
    replaced = "is replaced by one that learns the log anew"
    return [("the loop's model", "", (replaced if after["replaced"] else "is kept, with what was put") + about)]


async def _put_in_steps(api: Api, before: dict[str, Any], put: dict[str, Any]) -> dict[str, Any]:
    """The answer of the service. The learning mode goes in a call of its own.

    The API takes it together with reward settings no more than Personalizer did. A mode that is refused is told as one
    that is not in effect.
    """
    mode = "learningMode"
    kept = {name: value for name, value in before.items() if name not in TOLD}
    answer = await api.put("configurations/service", kept | put | ({mode: kept[mode]} if mode in kept else {}))
    if mode in put and put[mode] != answer.get(mode):
        with contextlib.suppress(Refused):
            await api.put("configurations/service", answer | {mode: put[mode]})
    return answer


def policy(file: Path) -> dict[str, Any]:
    """An exported PolicyContract; raises UnusableDocument."""
    given = _json(file, ("name", "arguments"))
    if not isinstance(given.get("arguments"), str) or not given["arguments"].strip():
        raise UnusableDocument("no PolicyContract: it has no arguments")
    return {"name": str(given.get("name") or file.stem), "arguments": given["arguments"]}


async def put_policy(api: Api | None, given: dict[str, Any]) -> Section:
    section = Section(POLICY, "to be put", rows=[("arguments", "", given["arguments"])])
    if api is None:
        return section
    try:
        answer = await api.put("configurations/policy", given)
    except Refused as refusal:
        section.failed, section.outcome = True, f"refused: {refusal}"
        return section
    section.rows = [*_of_the_model(answer), *section.rows]
    if answer.get("arguments") != given["arguments"]:
        section.rows.append(("taken as", "", str(answer.get("arguments"))))
    return section


def model(file: Path) -> tuple[bytes, list[tuple[str, str, str]]]:
    """The bytes of an exported model, signed zip or plain, and what is known of it; raises UnusableDocument."""
    data = _bytes(file)
    signed = zipfile.is_zipfile(io.BytesIO(data))
    header = _unpacked(data) if signed else data
    length = int.from_bytes(header[:4], "little")
    version = header[4 : 3 + length]
    if not 0 < length < 32 or not re.fullmatch(rb"\d+\.\d+\.\d+", version):
        raise UnusableDocument("neither a model of VW nor a zip that holds one")
    options = re.search(rb" --[ -~]+", header[:8192])
    how = "yes" if signed else "no: sent under a signature made for this, so it counts as unverified"
    rows = [("signed", "", how), ("VW", "", version.decode())]
    return data, [*rows, ("options", "", options[0].decode().strip() if options else "none")]


def plain_model(file: Path) -> bytes:
    """The VW model of an export, signed zip or plain; raises UnusableDocument."""
    data, _ = model(file)
    return _unpacked(data) if zipfile.is_zipfile(io.BytesIO(data)) else data


async def put_model(api: Api | None, data: bytes, rows: list[tuple[str, str, str]]) -> Section:
    section = Section("model", f"{len(data):,} bytes to be sent", rows=rows)
    if api is None:
        return section
    try:
        await api.send(
            "model", data if zipfile.is_zipfile(io.BytesIO(data)) else await asyncio.to_thread(_signed, data)
        )
        properties = await api.get("model/properties")
    except Refused as refusal:
        section.failed, section.outcome = True, f"refused: {refusal}"
        return section
    section.outcome = "serves"
    section.rows = [*rows, *((name, "", shown(name, value)) for name, value in properties.items())]
    return section


def _signed(model: bytes) -> bytes:
    """The zip that the API takes. The key is of this call alone: nobody can list it as trusted."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    return signing.pack(model, rsa.generate_private_key(public_exponent=65537, key_size=2048))


def _unpacked(data: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            missing = [name for name in SIGNED_MODEL if name not in archive.namelist()]
            if missing:
                raise UnusableDocument(f"the zip lacks {', '.join(missing)}")
            return archive.read("model.vw")
    except signing.UNREADABLE as error:
        raise UnusableDocument(f"the zip is damaged: {error}") from None


def _json(file: Path, names: Sequence[str]) -> dict[str, Any]:
    """The object in a file, its members by these names as the API reads them: in any case, each once."""
    try:
        given = msgspec.json.decode(charsets.mended(charsets.detected(_bytes(file))), type=dict[str, Any])
    except UnicodeDecodeError as error:
        raise UnusableDocument(f"not in UTF-8: {error}; save it in UTF-8") from None
    except msgspec.DecodeError as error:
        raise UnusableDocument(f"not a JSON object: {error}") from None
    found = named(names, given)
    if twice := [f"{name} {value}" for name, value in found.items() if isinstance(value, Twice)]:
        raise UnusableDocument(". ".join(twice))
    return found


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UnusableDocument(f"a file that cannot be read: {error.strerror or error}") from None
