"""No secret in an output; identities in place of keys; closed by default where Azure has a switch."""

import re

import pytest
from harness.bicep import INFRA, File, calls, read

FILES = [read(path) for path in INFRA.rglob("*.bicep")]
SECRET = re.compile(r"key|secret|password|connection|token", re.IGNORECASE)


def leaking(source: str) -> list[str]:
    """The outputs of a file that hold, or by their name should hold, something secret."""
    file = read(INFRA / "main.bicep", source)
    secure = [name for name, one in file.of("parameter").items() if "@secure" in one.decorators]
    outputs = {name: one.text for name, one in file.of("output").items() if name != "AZURE_KEY_VAULT_NAME"}
    return [
        name
        for name, text in outputs.items()
        if SECRET.search(text.replace("token}", "")) or any(re.search(rf"\b{one}\b", text) for one in secure)
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.path.name)
def test_no_output_holds_a_secret(file: File) -> None:
    assert leaking(file.source) == []


@pytest.mark.parametrize(
    "output",
    [
        "output a string = insights.properties.ConnectionString",
        "output a string = account.listKeys().keys[0].value",
        "@secure()\nparam x string\noutput a string = x",
        "output ADMIN_KEY string = 'a'",
    ],
)
def test_a_leak_is_found(output: str) -> None:
    assert len(leaking(output)) == 1


def test_keys_are_listed_nowhere() -> None:
    for file in FILES:
        assert not [name for one in file.declarations for name in calls(one.node) if name.startswith(("list", "getS"))]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("storage", ["allowSharedKeyAccess: false", "allowBlobPublicAccess: false", "minimumTlsVersion: 'TLS1_2'"]),
        ("storage", ["deleteRetentionPolicy: {\n      enabled: true", "publicAccess: 'None'"]),
        ("hubs", ["disableLocalAuth: true", "minimumTlsVersion: '1.2'"]),
        ("vault", ["enableRbacAuthorization: true", "enableSoftDelete: true"]),
        ("monitoring", ["DisableLocalAuth: true", "disableLocalAuth: true"]),
        ("api", ["httpsOnly: true", "ftpsState: 'Disabled'", "minTlsVersion: '1.2'", "name: 'scm'", "allow: false"]),
    ],
)
def test_switches_are_on_the_safe_side(name: str, lines: list[str]) -> None:
    source = (INFRA / "app" / f"{name}.bicep").read_text()
    for line in lines:
        assert line in source, line
    assert "allow: true" not in source


def test_private_networking_closes_all_that_holds_data() -> None:
    main = read(INFRA / "main.bicep")
    assert main.of("variable")["publicNetworkAccess"].value == "privateNetworking ? 'Disabled' : 'Enabled'"
    for name in ("hostStorage", "dataStorage", "hubs", "vault"):
        assert "publicNetworkAccess: publicNetworkAccess" in main.of("module")[name].text
        assert f"serviceName: {name}Name" in main.of("module")["network"].text
        assert f"    name: {name}Name\n" in main.of("module")[name].text
