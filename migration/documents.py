"""Exports of a service: its configuration, learning policy and model, checked here and put in over HTTP."""

import asyncio
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import msgspec

from migration.report import Section
from migration.target import Api, Refused
from shared import signing
from shared.durations import parse_duration

# The members of v1.0 and v1.1-preview.3, and the two that came later.
MEMBERS = (
    "rewardWaitTime", "defaultReward", "rewardAggregation", "explorationPercentage", "modelExportFrequency",
    "logRetentionDays", "modelRetrainDays", "learningMode", "isInferenceExplainabilityEnabled",
    "isAutoOptimizationEnabled", "autoOptimizationFrequency", "autoOptimizationStartDate", "logMirrorEnabled",
    "logMirrorSasUri", "lastConfigurationEditDate",
)  # fmt: skip
DURATIONS = ("rewardWaitTime", "modelExportFrequency", "autoOptimizationFrequency")
# Told by the service, never to it.
TOLD = ("lastConfigurationEditDate",)
# Kept and answered by the service here, and that is all.
IDLE = (
    "isAutoOptimizationEnabled", "autoOptimizationFrequency", "autoOptimizationStartDate", "logMirrorEnabled",
    "logMirrorSasUri",
)  # fmt: skip
SIGNED_MODEL = ("model.vw", "signer.der", "sha512_signature.bin")


class UnusableDocument(Exception):
    """The file is not what it should be; the text says why."""


def service(file: Path | None, retention_days: int | None) -> dict[str, Any]:
    """An exported ServiceConfiguration, `logRetentionDays` replaced if given; raises UnusableDocument."""
    given = _json(file) if file else {}
    if file and not any(member in given for member in MEMBERS):
        raise UnusableDocument("no ServiceConfiguration: none of its members is in it")
    if not isinstance(given.get("logRetentionDays", 0), int):
        raise UnusableDocument("logRetentionDays is not a whole number")
    for member in DURATIONS:
        if given.get(member) is not None:
            _duration(member, given[member])
    return given if retention_days is None else given | {"logRetentionDays": retention_days}


async def put_service(api: Api | None, given: dict[str, Any]) -> Section:
    """Puts what is known of it, on top of what the loop has. What the answer does not echo is not in effect."""
    section = Section("service configuration")
    known = {member: given[member] for member in MEMBERS if given.get(member) is not None and member not in TOLD}
    section.rows = [(name, "", "skipped: no member of the API") for name in given if name not in MEMBERS]
    if api is None:
        section.outcome = f"{len(known)} members to be put"
        section.rows = [(name, _shown(value), "") for name, value in known.items()] + section.rows
        return section
    try:
        before = await api.get("configurations/service")
        answer = await _put_in_steps(api, before, known)
    except Refused as refusal:
        section.failed, section.outcome = True, f"refused: {refusal}"
        return section
    applied = [(name, value) for name, value in known.items() if _equal(name, value, answer.get(name))]
    others = [(name, value) for name, value in known.items() if (name, value) not in applied]
    section.outcome = f"{len(applied)} members in effect" + (f", {len(others)} not" if others else "")
    section.rows = [
        *((name, _shown(value), "kept, without effect" if name in IDLE else "") for name, value in applied),
        *((name, _shown(value), f"not supported; in effect: {_shown(answer.get(name))}") for name, value in others),
        *((name, _shown(value), "not exported; as it was") for name, value in before.items() if name not in given),
        *section.rows,
    ]
    return section


async def _put_in_steps(api: Api, before: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """The learning mode goes in a call of its own: the API takes it together with reward settings no more than
    Personalizer did. A mode that is refused is told by the answer, which does not have it."""
    mode = "learningMode"
    kept = {name: value for name, value in before.items() if name not in TOLD}
    answer = await api.put("configurations/service", kept | known | ({mode: kept[mode]} if mode in kept else {}))
    if mode in known and known[mode] != answer.get(mode):
        try:
            answer = await api.put("configurations/service", answer | {mode: known[mode]})
        except Refused:
            return answer
    return answer


def policy(file: Path) -> dict[str, Any]:
    """An exported PolicyContract; raises UnusableDocument."""
    given = _json(file)
    if not isinstance(given.get("arguments"), str) or not given["arguments"].strip():
        raise UnusableDocument("no PolicyContract: it has no arguments")
    return {"name": str(given.get("name") or file.stem), "arguments": given["arguments"]}


async def put_policy(api: Api | None, given: dict[str, Any]) -> Section:
    section = Section("learning policy", "to be put", rows=[("arguments", "", given["arguments"])])
    if api is None:
        return section
    try:
        answer = await api.put("configurations/policy", given)
    except Refused as refusal:
        section.failed, section.outcome = True, f"refused: {refusal}"
        return section
    section.outcome = "in effect"
    if answer.get("arguments") != given["arguments"]:
        section.rows.append(("in effect", "", str(answer.get("arguments"))))
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
    rows = [("signed", how, ""), ("VW", version.decode(), "")]
    return data, [*rows, ("options", "", options[0].decode().strip() if options else "none")]


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
    section.rows = [*rows, *((name, "", _shown(value)) for name, value in properties.items())]
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
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise UnusableDocument(f"the zip is damaged: {error}") from None


def _json(file: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(_bytes(file).removeprefix(b"\xef\xbb\xbf"), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnusableDocument(f"not a JSON object: {error}") from None


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UnusableDocument(error.strerror or str(error)) from None


def _duration(member: str, text: object) -> object:
    try:
        return parse_duration(str(text))
    except ValueError as error:
        raise UnusableDocument(f"{member}: {error}") from None


def _equal(member: str, sent: object, answered: object) -> bool:
    if member in DURATIONS and answered is not None:
        return _duration(member, sent) == _duration(member, answered)
    if isinstance(sent, str) and isinstance(answered, str):
        return sent.lower() == answered.lower()
    return sent == answered


def _shown(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
