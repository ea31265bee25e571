"""Every setting of the function app, declared once: the fields below drive parsing, the example file and the docs."""

import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, NamedTuple

from shared import fingerprints
from shared.fingerprints import Fingerprints
from shared.vw.policy import NAMED, PolicyName

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d+)?|https?://\[[0-9a-f:]+\](:\d+)?")


class SettingsError(ValueError):
    """A setting is missing or malformed; the message names it."""


def _text(text: str) -> str:
    """Where Azure cannot resolve a Key Vault reference it hands over the reference: no secret, and easy to guess."""
    if text.lstrip().lower().startswith("@microsoft.keyvault("):
        raise ValueError("its Key Vault reference is not resolved: make the secret, wait for the role, refresh")
    return text


def _keys(text: str) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in _text(text).split(",") if key.strip())
    if not 1 <= len(keys) <= 2 or not all(key.isascii() for key in keys):
        raise ValueError("give one or two keys of ASCII characters, separated by a comma")
    return keys


class ReaderKeys(tuple[str, ...]):
    """Keys that a deployment may do without."""

    def __str__(self) -> str:
        return ",".join(self)


def _reader_keys(text: str) -> ReaderKeys:
    """None where Azure cannot resolve the Key Vault reference: a vault made before there were readers lacks it."""
    try:
        _text(text)
    except ValueError:
        return ReaderKeys()
    return ReaderKeys(_keys(text))


class Origins(tuple[str, ...]):
    """Origins of pages, as browsers send them; `*` is any."""

    def __str__(self) -> str:
        return ",".join(self)


def _origins(text: str) -> Origins:
    found = Origins(one.strip().lower() for one in text.split(",") if one.strip())
    wrong = next((one for one in found if one != "*" and not _ORIGIN.fullmatch(one)), None)
    if wrong is not None:
        raise ValueError(f"'{wrong}' is no origin: write https://shop.example or http://localhost:3000, without a path")
    return found


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"'{text}' is no whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"'{text}' is no number") from None


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("write true or false")
    return text.lower() == "true"


def _policy(text: str) -> str:
    if text not in NAMED:
        raise ValueError(f"write one of {', '.join(NAMED)}")
    return text


_PARSERS: dict[object, Callable[[str], Any]] = {
    str: _text, int: _whole, float: _number, bool: _flag, tuple[str, ...]: _keys, PolicyName: _policy,
    ReaderKeys: _reader_keys, Fingerprints: fingerprints.parse, Origins: _origins,
}  # fmt: skip
_KINDS = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    tuple[str, ...]: "one or two keys",
    ReaderKeys: "one or two keys",
    PolicyName: " or ".join(NAMED),
    Fingerprints: "fingerprints or certificates",
    Origins: "origins, separated by commas",
}


def _setting(help: str, default: Any = MISSING, low: float | None = None, high: float | None = None) -> Any:
    return field(default=default, metadata={"help": help, "range": (low, high)})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one process. A field `app_keys` is the setting `APP_KEYS`."""

    app_keys: tuple[str, ...] = _setting("Keys that may rank, reward and activate; two allow rotation.")
    admin_keys: tuple[str, ...] = _setting("Keys that may use every operation; two allow rotation.")
    reader_keys: ReaderKeys = _setting(
        "Keys that see the dashboard, metrics and evaluations of all loops and change nothing; empty: none.",
        ReaderKeys(),
    )
    entra_roles: bool = _setting(
        "Take tokens that App Service authentication has validated, by their app roles; needs it switched on.", False
    )
    storage_connection_string: str = _setting("Connection string of the Blob storage; empty: managed identity.", "")
    storage_account_url: str = _setting("https://ACCOUNT.blob.core.windows.net, used with managed identity.", "")
    storage_container: str = _setting(
        "Container of configuration, models and logs; created when missing.", "personalizer"
    )
    event_hubs_connection_string: str = _setting(
        "Connection string of the Event Hubs namespace; empty: managed identity.", ""
    )
    event_hubs_namespace: str = _setting("NAMESPACE.servicebus.windows.net, used with managed identity.", "")
    event_hubs_partitions: int = _setting("Partition count of both event hubs.", 4, 1, 1024)
    event_hubs_consumer_group: str = _setting("Consumer group that the trainer reads both event hubs with.", "$Default")
    event_hubs_max_event_bytes: int = _setting(
        "Largest event as logged; a larger one is answered with 413. Event Hubs takes 256 KB on Basic, else 1 MB.",
        1_040_000,
        65_536,
        1_040_000,
    )
    interactions_hub: str = _setting("Event hub of the decisions.", "interactions")
    observations_hub: str = _setting("Event hub of rewards and activations.", "observations")
    azure_client_id: str = _setting("Client id of a user-assigned managed identity; empty: system-assigned.", "")
    longest_reward_wait_hours: int = _setting(
        "Longest rewardWaitTime that may be put: the event hubs must keep events for longer.", 48, 1, 48
    )
    default_policy: PolicyName = _setting("Learning policy of a new loop; personalizer is the historic one.", "default")
    max_body_bytes: int = _setting("Largest request body; a larger one is answered with 413.", 524_288, 1024, 786_432)
    max_model_bytes: int = _setting("Largest model that may be imported.", 67_108_864, 1024, 100_000_000)
    signing_key: str = _setting("RSA private key (PEM) that signs exported models; empty: one is made and stored.", "")
    trusted_signers: Fingerprints = _setting(
        "Whose signed models may be imported: SHA-256 of certificates, or the certificates (PEM); empty: anybody's.",
        Fingerprints(),
    )
    import_unsigned_models: bool = _setting("Accept plain VW models for import, without a signature.", False)
    allowed_origins: Origins = _setting(
        "Pages that may call the service from a browser: their origins, or * for all; empty: none.", Origins()
    )
    log_timeout_seconds: float = _setting("How long an answer waits for the event log to acknowledge.", 2.0, 0.05, 60)
    log_buffer_bytes: int = _setting(
        "Events kept for retry while the event log is away; more are dropped and counted.", 67_108_864, 0
    )
    rank_requires_log: bool = _setting("Answer Rank with 503 when its event was not acknowledged in time.", False)
    ranks_per_second: float = _setting(
        "Ranks per second that each process answers for one loop; more are answered with 429. 0: no limit.", 0.0, 0
    )
    request_log_share: float = _setting(
        "Share of the events whose Rank, rewards and activations write a log line; 1: all.", 0.01, 0, 1
    )
    trainer_schedule: str = _setting(
        "NCRONTAB of the trainer; each loop trains at its own modelExportFrequency.", "*/10 * * * * *"
    )
    evaluator_schedule: str = _setting(
        "NCRONTAB of the evaluator, which works the evaluations that wait.", "*/30 * * * * *"
    )
    demo: bool = _setting("Offer a demo on the dashboard, whose visitors an owner sends to a loop of its own.", False)
    clock_skew_seconds: float = _setting("Extra wait for events that are stamped but not yet readable.", 1.0, 0, 60)

    def __post_init__(self) -> None:
        for one, other in (
            ("storage_connection_string", "storage_account_url"),
            ("event_hubs_connection_string", "event_hubs_namespace"),
        ):
            if bool(getattr(self, one)) == bool(getattr(self, other)):
                raise SettingsError(f"Set either {one.upper()} or {other.upper()}.")


class Declared(NamedTuple):
    """One setting as users see it."""

    name: str
    kind: str
    default: str | None
    help: str


def declared() -> Iterator[Declared]:
    """All settings in order; a default of None means the setting is required."""
    hints = typing.get_type_hints(Settings)
    for one in fields(Settings):
        default = None if one.default is MISSING else str(one.default).lower() if one.type is bool else str(one.default)
        kind = _KINDS[hints[one.name]] + _limits(*one.metadata["range"])
        yield Declared(one.name.upper(), kind, default, one.metadata["help"])


def _limits(low: float | None, high: float | None) -> str:
    if low is None:
        return ""
    return f" from {low}" if high is None else f" from {low} to {high}"


def load(environment: Mapping[str, str]) -> Settings:
    """Reads all settings; raises SettingsError with the name of the first one that is missing or malformed."""
    hints = typing.get_type_hints(Settings)
    values: dict[str, Any] = {}
    for one in fields(Settings):
        name = one.name.upper()
        text = environment.get(name)
        if text is not None and (text or one.default is not MISSING):
            values[one.name] = _parse(name, text, hints[one.name], one.metadata) if text else one.default
        elif one.default is MISSING:
            raise SettingsError(f"{name} is not set. {one.metadata['help']}")
    settings = Settings(**values)
    _check_distinct(settings)
    return settings


def _check_distinct(settings: Settings) -> None:
    """Raises SettingsError for a key of two kinds: whoever has it could do what the other is for."""
    app, admin, reader = map(set, (settings.app_keys, settings.admin_keys, settings.reader_keys))
    if app & admin:
        raise SettingsError("APP_KEYS and ADMIN_KEYS have a key in common: whoever ranks could administer. Change one.")
    if reader & (app | admin):
        raise SettingsError("READER_KEYS has a key in common with APP_KEYS or ADMIN_KEYS: readers could change things.")


def _parse(name: str, text: str, hint: object, metadata: types.MappingProxyType[Any, Any]) -> Any:
    try:
        value = _PARSERS[hint](text)
    except ValueError as error:
        raise SettingsError(f"{name} is malformed: {error}.") from None
    low, high = metadata["range"]
    if (low is not None and not value >= low) or (high is not None and value > high):
        raise SettingsError(f"{name} is {text}, outside {low} to {'any' if high is None else high}.")
    return value
