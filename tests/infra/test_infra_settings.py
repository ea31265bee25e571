"""The settings that Bicep gives the app are those that the app reads, and hold no secret."""

import json
import re

from harness.bicep import INFRA, read

from shared.admin.configuration_body import LONGEST_WAIT
from shared.loops.durations import parse_duration
from shared.settings import Settings, declared, load

MAIN, API = read(INFRA / "main.bicep"), read(INFRA / "app" / "api.bicep")
SETTINGS = API.of("resource")["appSettings"].text
GIVEN = dict(re.findall(r"^    (\w+): (.+)$", SETTINGS, re.MULTILINE)) | {
    "SIGNING_KEY": API.of("variable")["signingKey"].value
}
# Read by the Functions host and its telemetry, not by the app.
PLATFORM = {
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__credential",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
}
# Flex Consumption refuses a deployment that has one of them.
REFUSED = re.compile(
    "FUNCTIONS_WORKER_PROCESS_COUNT|FUNCTIONS_WORKER_DYNAMIC_CONCURRENCY_ENABLED|FUNCTIONS_MAX_HTTP_CONCURRENCY|"
    "FUNCTIONS_EXTENSION_VERSION|FUNCTIONS_WORKER_RUNTIME|ENABLE_ORYX_BUILD|SCM_DO_BUILD_DURING_DEPLOYMENT|"
    "WEBSITE_RUN_FROM_PACKAGE|WEBSITE_VNET_ROUTE_ALL|WEBSITE_CONTENT"
)
KNOWN = {one.name: one for one in declared()}


def test_every_given_setting_is_read() -> None:
    assert set(GIVEN) - PLATFORM <= set(KNOWN)
    assert set(GIVEN) >= PLATFORM


def test_every_required_setting_is_given() -> None:
    assert {one.name for one in KNOWN.values() if one.default is None} <= set(GIVEN)


def test_the_app_starts_with_what_is_given() -> None:
    values = {name: "1" if "string(" in value or "PARTITIONS" in name else "x" for name, value in GIVEN.items()}
    other = {
        "ENTRA_ROLES": "true",
        "EVENT_HUBS_MAX_EVENT_BYTES": "250000",
        "ADMIN_KEYS": "y",
        "READER_KEYS": "z",
        "ALLOWED_ORIGINS": "",
    }
    settings = load(values | other)
    assert settings.storage_account_url == settings.event_hubs_namespace == settings.azure_client_id == "x"
    assert not settings.storage_connection_string
    assert not settings.event_hubs_connection_string


def test_flex_consumption_refuses_none() -> None:
    for path in INFRA.rglob("*.bicep"):
        assert not REFUSED.search(path.read_text()), path.name


def test_secrets_are_references_to_the_vault() -> None:
    reference = r"'@Microsoft\.KeyVault\(VaultName=\$\{vaultName\};SecretName=([a-z-]+)\)'"
    secret = {name: re.fullmatch(reference, value) for name, value in GIVEN.items() if "KEY" in name}
    assert {name: found and found[1] for name, found in secret.items()} == {
        "APP_KEYS": "app-keys",
        "ADMIN_KEYS": "admin-keys",
        "READER_KEYS": "reader-keys",
        "SIGNING_KEY": "signing-key",
    }
    assert API.of("variable")["signing"].value == "signingKeyFromVault ? { SIGNING_KEY: signingKey } : {}"
    # Says where telemetry goes; ingestion takes Entra tokens only, so that it opens nothing.
    assert {name for name in GIVEN if "CONNECTION" in name} == {"APPLICATIONINSIGHTS_CONNECTION_STRING"}
    assert "DisableLocalAuth: true" in (INFRA / "app" / "monitoring.bicep").read_text()


def test_one_parameter_switches_on_tokens_and_their_validation_and_keys_go_on() -> None:
    assert GIVEN["ENTRA_ROLES"] == "empty(entraClientId) ? 'false' : 'true'"
    assert "= if (!empty(entraClientId)) {" in MAIN.of("module")["authentication"].text
    assert "clientId: entraClientId" in MAIN.of("module")["authentication"].text
    authentication = read(INFRA / "app" / "authentication.bicep").of("resource")["authentication"].text
    assert "name: 'authsettingsV2'" in authentication
    assert re.search(r"platform: \{\s+enabled: true", authentication)
    assert re.search(r"requireAuthentication: false\s+unauthenticatedClientAction: 'AllowAnonymous'", authentication)
    assert re.search(r"allowedAudiences: \[\s+clientId\s+'api://\$\{clientId\}'\s+\]", authentication)


def test_further_settings_cannot_replace_these() -> None:
    assert re.search(r"properties: union\(settings, signing, \{", SETTINGS)


def test_the_event_hubs_keep_events_for_longer_than_any_wait() -> None:
    """The two lines of main.bicep that decide it, and what they come to at the limits of the parameters."""
    assert MAIN.of("variable")["retentionHours"].value == "hubsSku == 'Basic' ? 24 : eventHubsRetentionHours"
    assert MAIN.of("variable")["longestRewardWaitHours"].value == "min(48, retentionHours - 12)"
    retention = MAIN.of("parameter")["eventHubsRetentionHours"]
    low, high = (int(re.findall(rf"{limit}\((\d+)\)", retention.decorators)[0]) for limit in ("minValue", "maxValue"))
    for hours in (24, low, int(retention.value), high):
        assert 1 <= min(48, hours - 12) <= hours - 12
    assert parse_duration("PT48H") == LONGEST_WAIT
    assert min(48, int(retention.value) - 12) == 48 == Settings.longest_reward_wait_hours


def test_the_largest_event_fits_the_tier_of_the_event_hubs() -> None:
    assert GIVEN["EVENT_HUBS_MAX_EVENT_BYTES"] == "string(maxEventBytes)"
    assert "maxEventBytes: maxEventBytes" in MAIN.of("module")["api"].text
    assert "sku: hubsSku" in MAIN.of("module")["hubs"].text
    found = re.fullmatch(r"hubsSku == 'Basic' \? (\d+) : (\d+)", MAIN.of("variable")["maxEventBytes"].value)
    assert found
    basic, standard = map(int, found.groups())
    assert basic == 250_000 < 256 * 1024
    assert standard == Settings.event_hubs_max_event_bytes < 1024 * 1024


def test_every_parameter_can_be_set_by_azd_and_the_defaults_agree() -> None:
    parameters = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    assert set(parameters) == set(MAIN.of("parameter"))
    for name, declaration in MAIN.of("parameter").items():
        value = parameters[name]["value"]
        if value == {}:
            continue
        variable, _, default = value.removeprefix("${").removesuffix("}").partition("=")
        assert re.fullmatch("[A-Z_]+", variable)
        assert default == declaration.value.strip("'")


def test_python_versions_are_those_the_project_supports() -> None:
    python = MAIN.of("parameter")["pythonVersion"]
    assert re.findall(r"'(\d\.\d+)'", python.decorators) == ["3.11", "3.12", "3.13"]
    assert not re.findall(r"\d\.\d\d", "".join(path.read_text() for path in (INFRA / "app").glob("a*.bicep")))
