"""Who may do what: every role assignment, by name, scope and principal; each has its reason beside it."""

import re

from harness.bicep import INFRA, read, text_of

ROLES = read(INFRA / "app" / "roles.bicep")
# Built-in roles, from https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
IDS = {
    "eventHubsDataReceiver": "a638d3c7-ab3a-418d-83e6-5f17a39d4fde",
    "eventHubsDataSender": "2b629674-e913-4c01-ae53-ef4638d8f975",
    "keyVaultSecretsOfficer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    "keyVaultSecretsUser": "4633458b-17de-408a-b874-0445c86b69e6",
    "monitoringMetricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "storageBlobDataContributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "storageBlobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
}
CONTAINER = "dataStorage::blobs::container"
GRANTED = {
    ("identity.properties.principalId", "storageBlobDataOwner", "hostStorage"),
    ("identity.properties.principalId", "storageBlobDataContributor", CONTAINER),
    ("identity.properties.principalId", "eventHubsDataSender", "namespace::interactions"),
    ("identity.properties.principalId", "eventHubsDataSender", "namespace::observations"),
    ("identity.properties.principalId", "eventHubsDataReceiver", "namespace::interactions"),
    ("identity.properties.principalId", "eventHubsDataReceiver", "namespace::observations"),
    ("identity.properties.principalId", "keyVaultSecretsUser", "vault"),
    ("identity.properties.principalId", "monitoringMetricsPublisher", "insights"),
    ("deployerPrincipalId", "keyVaultSecretsOfficer", "vault"),
    ("deployerPrincipalId", "storageBlobDataContributor", CONTAINER),
}
ASSIGNMENTS = [one for one in ROLES.of("resource").values() if "roleAssignments" in one.target]


def test_the_ids_are_those_of_the_named_roles() -> None:
    assert dict(re.findall(r"(\w+): '([0-9a-f-]{36})'", ROLES.of("variable")["roles"].text)) == IDS


def test_nothing_is_granted_but_this() -> None:
    granted = []
    for one in ASSIGNMENTS:
        properties = one.properties("properties")
        role = re.search(r"roles\.(\w+)", text_of(properties["roleDefinitionId"]))
        assert role
        granted.append((text_of(properties["principalId"]), role[1], text_of(one.properties()["scope"])))
    assert len(granted) == len(GRANTED)
    assert set(granted) == GRANTED


def test_every_assignment_has_a_name_of_its_own_and_a_reason() -> None:
    for one in ASSIGNMENTS:
        properties, given = one.properties("properties"), one.properties()
        role = re.search(r"roles\.\w+", text_of(properties["roleDefinitionId"]))
        assert role
        # A principal of the identity is known when it has been made only, its resource id before.
        principal = text_of(properties["principalId"]).replace("identity.properties.principalId", "identity.id")
        name = f"guid({text_of(given['scope'])}.id, {principal}, {role[0]})"
        assert text_of(given["name"]) == name
        assert len(one.comment) > 20, f"{one.symbol} has no reason beside it"


def test_roles_are_in_one_file() -> None:
    others = [path for path in INFRA.rglob("*.bicep") if path != ROLES.path]
    assert not [path.name for path in others if "roleAssignments" in path.read_text()]
