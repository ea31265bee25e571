import base64
import hashlib
import json

import pytest

from local import settings_docs
from shared.settings import Settings, SettingsError, declared, load

HUB = "Endpoint=sb://localhost;SharedAccessKeyName=n;SharedAccessKey=k"
REQUIRED = {
    "APP_KEYS": "app",
    "ADMIN_KEYS": "admin",
    "STORAGE_CONNECTION_STRING": "UseDevelopmentStorage=true",
    "EVENT_HUBS_CONNECTION_STRING": HUB,
}


def test_what_is_not_set_has_its_declared_default() -> None:
    settings = load(REQUIRED)
    for setting in declared():
        if setting.name not in REQUIRED:
            assert str(getattr(settings, setting.name.lower())).lower() == (setting.default or "").lower()


def test_every_type_is_read() -> None:
    given = {"APP_KEYS": " one , two ", "EVENT_HUBS_PARTITIONS": "8", "LOG_TIMEOUT_SECONDS": "0.5"}
    settings = load(REQUIRED | given | {"RANK_REQUIRES_LOG": "True", "DEFAULT_POLICY": "personalizer", "OTHER": "x"})
    assert settings.app_keys == ("one", "two")
    assert settings.event_hubs_partitions == 8
    assert settings.log_timeout_seconds == 0.5
    assert settings.rank_requires_log
    assert settings.default_policy == "personalizer"


def test_an_empty_setting_counts_as_not_set() -> None:
    assert load(REQUIRED | {"STORAGE_CONTAINER": "", "EVENT_HUBS_PARTITIONS": ""}) == load(REQUIRED)


@pytest.mark.parametrize("name", [setting.name for setting in declared() if setting.default is None])
@pytest.mark.parametrize("empty", [True, False])
def test_a_required_setting_that_is_missing_is_named(name: str, empty: bool) -> None:
    environment = REQUIRED | {name: ""} if empty else {key: text for key, text in REQUIRED.items() if key != name}
    with pytest.raises(SettingsError, match=f"^{name} is "):
        load(environment)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("APP_KEYS", ",", "one or two keys of ASCII"),
        ("ADMIN_KEYS", "a,b,c", "one or two keys of ASCII"),
        ("APP_KEYS", "schlüssel", "one or two keys of ASCII"),
        ("EVENT_HUBS_PARTITIONS", "four", "four"),
        ("EVENT_HUBS_PARTITIONS", "4.5", "4.5"),
        ("EVENT_HUBS_PARTITIONS", "0", "outside 1 to 1024"),
        ("EVENT_HUBS_PARTITIONS", "1025", "outside 1 to 1024"),
        ("LOG_TIMEOUT_SECONDS", "nan", "outside 0.05 to 60"),
        ("LOG_TIMEOUT_SECONDS", "inf", "outside 0.05 to 60"),
        ("LOG_BUFFER_BYTES", "-1", "outside 0 to any"),
        ("MAX_BODY_BYTES", "1e6", "1e6"),
        ("RANK_REQUIRES_LOG", "yes", "write true or false"),
        ("DEFAULT_POLICY", "best", "default"),
    ],
)
def test_a_malformed_setting_is_named_with_what_to_write(name: str, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is ") as refused:
        load(REQUIRED | {name: text})
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [("STORAGE_CONNECTION_STRING", "STORAGE_ACCOUNT_URL"), ("EVENT_HUBS_CONNECTION_STRING", "EVENT_HUBS_NAMESPACE")],
)
def test_a_service_has_one_address(one: str, other: str) -> None:
    load(REQUIRED | {one: "", other: "https://host"})
    for values in ({one: "x", other: "y"}, {one: "", other: ""}):
        with pytest.raises(SettingsError, match=f"Set either {one} or {other}"):
            load(REQUIRED | values)


def test_docs_and_example_file_are_current() -> None:
    assert settings_docs.DOCS.read_text() == settings_docs.docs(), "run python -m local.settings_docs"
    assert settings_docs.EXAMPLE.read_text() == settings_docs.example(), "run python -m local.settings_docs"


def test_the_example_file_can_be_loaded() -> None:
    values = json.loads(settings_docs.example())["Values"]
    assert isinstance(load(values), Settings)
    assert {setting.name for setting in declared()} <= set(values)


def test_trusted_signers_are_fingerprints_or_certificates() -> None:
    certificate = b"a certificate" * 9
    digest = hashlib.sha256(certificate).hexdigest()
    pem = base64.encodebytes(certificate).decode()
    colons = ":".join(digest[place : place + 2] for place in range(0, 64, 2)).upper()
    block = f"-----BEGIN CERTIFICATE-----\n{pem}-----END CERTIFICATE-----\n"
    for text in (digest, f" {colons} ,", pem, block, block * 2):
        assert load(REQUIRED | {"TRUSTED_SIGNERS": text}).trusted_signers == {digest}
    assert load(REQUIRED | {"TRUSTED_SIGNERS": f"{'0' * 64},{block}"}).trusted_signers == {digest, "0" * 64}
    with pytest.raises(SettingsError, match="TRUSTED_SIGNERS is malformed"):
        load(REQUIRED | {"TRUSTED_SIGNERS": "me"})


@pytest.mark.parametrize("name", ["APP_KEYS", "ADMIN_KEYS", "SIGNING_KEY"])
def test_a_reference_that_is_not_resolved_is_no_secret(name: str) -> None:
    """Azure hands over the reference itself where it cannot resolve it, and anybody can guess that."""
    reference = "@Microsoft.KeyVault(VaultName=kv-x;SecretName=admin-keys)"
    with pytest.raises(SettingsError, match=f"{name} is malformed: its Key Vault reference is not resolved"):
        load(REQUIRED | {name: reference})


def test_a_key_of_applications_and_administrators_is_refused() -> None:
    with pytest.raises(SettingsError, match="have a key in common"):
        load(REQUIRED | {"APP_KEYS": "one,two", "ADMIN_KEYS": "three,two"})


@pytest.mark.parametrize("text", ["shop.example", "https://shop.example/page", "https://", "ftp://x", "https://a b"])
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="is no origin: write https"):
        load(REQUIRED | {"ALLOWED_ORIGINS": text})
    settings = load(REQUIRED | {"ALLOWED_ORIGINS": "https://Shop.example, *"})
    assert settings.allowed_origins == ("https://shop.example", "*")


def test_readers_are_optional_also_where_the_vault_has_no_secret_for_them() -> None:
    reference = "@Microsoft.KeyVault(VaultName=v;SecretName=reader-keys)"
    assert load(REQUIRED).reader_keys == load(REQUIRED | {"READER_KEYS": reference}).reader_keys == ()
    assert load(REQUIRED | {"READER_KEYS": "see, look"}).reader_keys == ("see", "look")


@pytest.mark.parametrize("name", ["APP_KEYS", "ADMIN_KEYS"])
def test_a_reader_s_key_is_no_other_key(name: str) -> None:
    with pytest.raises(SettingsError, match="READER_KEYS has a key in common"):
        load(REQUIRED | {name: "mine", "READER_KEYS": "mine"})
