"""Reports which imported settings are in effect after policy and model have overridden some."""

import contextlib
from typing import Any

import msgspec

from migration.report import Section
from migration.target import Api, Refused
from shared.loops.durations import parse_duration

SERVICE, POLICY = "service configuration", "learning policy"
_PATHS = {SERVICE: "configurations/service", POLICY: "configurations/policy"}
# The members of v1.0 and v1.1-preview.3, and the two that came later.
MEMBERS = (
    "rewardWaitTime", "defaultReward", "rewardAggregation", "explorationPercentage", "modelExportFrequency",
    "logRetentionDays", "modelRetrainDays", "learningMode", "isInferenceExplainabilityEnabled",
    "isAutoOptimizationEnabled", "autoOptimizationFrequency", "autoOptimizationStartDate", "logMirrorEnabled",
    "logMirrorSasUri", "lastConfigurationEditDate", "holdbackPercentage",
)  # fmt: skip
# Told by the service, never to it.
TOLD = ("lastConfigurationEditDate",)
DURATIONS = ("rewardWaitTime", "modelExportFrequency", "autoOptimizationFrequency")
# Kept and answered by the service here, and that is all.
IDLE = ("logMirrorEnabled", "logMirrorSasUri")


async def tell(api: Api, sections: list[Section], service: dict[str, Any] | None) -> None:
    """Completes the sections of what was put. service: the configuration that was, as it was exported."""
    for section in sections:
        if section.failed or section.title not in _PATHS:
            continue
        try:
            now = await api.get(_PATHS[section.title])
        except Refused as refusal:
            section.failed, section.outcome = True, f"put, but it cannot be told what is in effect: {refusal}"
            continue
        if section.title == POLICY:
            _tell_policy(section, now)
        else:
            _tell_service(section, service or {}, now)


def known(service: dict[str, Any]) -> dict[str, Any]:
    """The members that can be put."""
    return {name: service[name] for name in MEMBERS if service.get(name) is not None and name not in TOLD}


def _tell_service(section: Section, given: dict[str, Any], now: dict[str, Any]) -> None:
    put = known(given)
    applied = [name for name, value in put.items() if _equal(name, value, now.get(name))]
    different = [name for name in put if name not in applied]
    section.outcome = f"{members(len(applied))} in effect" + (f", {len(different)} not" if different else "")
    section.rows = [
        *((name, shown(name, put[name]), "kept, without effect" if name in IDLE else "") for name in applied),
        *((name, shown(name, put[name]), _instead(name, now)) for name in different),
        *(
            (name, shown(name, value), "not exported; in effect here")
            for name, value in now.items()
            if name not in given
        ),
        *section.rows,
    ]


def _tell_policy(section: Section, now: dict[str, Any]) -> None:
    """The last row is what the service has taken the policy as."""
    arguments = str(now.get("arguments"))
    if section.rows[-1][2] == arguments:
        section.outcome = "in effect"
    else:
        section.outcome = "replaced by what the model says"
        section.rows.append(("in effect", "", arguments))


def members(count: int) -> str:
    return f"{count} member{'' if count == 1 else 's'}"


def shown(member: str, value: object) -> str:
    """A value as a person reads it, without what gives access to a storage account."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if member != "logMirrorSasUri" or not isinstance(value, str):
        return text
    address, query, _ = text.partition("?")
    return address + query + ("..." if query else "")


def _instead(member: str, now: dict[str, Any]) -> str:
    why = "the policy's --epsilon decides" if member == "explorationPercentage" else "not supported"
    return f"{why}; in effect: {shown(member, now.get(member))}"


def _equal(member: str, sent: object, answered: object) -> bool:
    if member in DURATIONS and answered is not None:
        return parse_duration(str(sent)) == parse_duration(str(answered))
    if isinstance(sent, str) and isinstance(answered, str):
        return sent.lower() == answered.lower()
    if isinstance(sent, str):  # a number or a boolean as text, which the service takes
        with contextlib.suppress(msgspec.DecodeError):
            return bool(msgspec.json.decode(sent.lower()) == answered)
    return sent == answered
