"""The Bicep files are read by both offline parsers, and hold what the compiler's linter would ask; no compiler here."""

from pathlib import Path

import pycep
import pytest
from harness.bicep import INFRA, untyped
from harness.bicep_lint import TYPES, problems

SOURCES = {path: path.read_text() for path in sorted(INFRA.rglob("*.bicep"))}
MAIN, APP = INFRA / "main.bicep", INFRA / "app"


def test_there_is_nothing_to_complain_about() -> None:
    assert len(SOURCES) > 10
    assert problems(SOURCES) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_pycep_reads_it(path: Path) -> None:
    assert pycep.BicepParser().parse(text=untyped(SOURCES[path]))


def test_pycep_refuses_a_broken_file() -> None:
    with pytest.raises(Exception, match="Unexpected"):
        pycep.BicepParser().parse(text=untyped(SOURCES[MAIN]).replace("module api", "modul api"))


def test_every_listed_type_is_used() -> None:
    assert {one for one in TYPES if not any(f"'{one}'" in source for source in SOURCES.values())} == set()


@pytest.mark.parametrize(
    ("path", "old", "new", "problem"),
    [
        (MAIN, "module api", "modul api", "does not parse"),
        (MAIN, "scope: group\n", "scope: grup\n", "grup is not declared"),
        (MAIN, "settings: settings", "settings: {}", "settings is not used"),
        (MAIN, "var tags", "var tagz", "tags is not declared"),
        (MAIN, "'app/vault.bicep'", "'app/vaults.bicep'", "vault is app/vaults.bicep, which is not there"),
        (MAIN, "    retentionHours: retentionHours\n", "", "hubs is not given retentionHours"),
        (MAIN, "    email: alertEmail", "    mail: alertEmail", "alerts has no parameter mail"),
        (MAIN, "hubs.outputs.host", "hubs.outputs.hosts", "hubs has no output hosts"),
        (MAIN, "LOCATION string = location", "LOCATION string = network.outputs.x", "network may not be there"),
        (MAIN, "identity\n    keys\n", "hubs\n    keys\n", "api depends on hubs anyway"),
        (
            MAIN,
            "identity\n    monitoring\n",
            "monitoring\n",
            "roles names what identity makes and does not wait for it",
        ),
        (MAIN, "[\n    vault\n  ]", "[]", "keys names what vault makes and does not wait for it"),
        (MAIN, "dataStorage\n    hostStorage\n    hubs\n    vault", "", "network names what hubs makes and does not"),
        (MAIN, "hubs\n    identity\n", "identity\n", "roles names what hubs makes and does not wait for it"),
        (MAIN, "vaultName: vaultName", "vaultName: vault.outputs.name", "keys gets vaultName from an output"),
        (MAIN, "principalId : ''", "identity.outputs.id : ''", "roles gets deployerPrincipalId from an output"),
        (
            MAIN,
            "vaultName = '${abbrs",
            "vaultName = '${hubs.outputs.host}${abbrs",
            "keys gets vaultName from an output",
        ),
        (MAIN, "token = toLower(", "token = toLower(hubs.outputs.host, ", "roles gets hubsName from an output"),
        (MAIN, "consumerGroup: consumerGroup", "consumerGroup: hubs.outputs.x", "api gets consumerGroup from an"),
        (MAIN, "coolAfterDays: 0", "coolAfterDays: vault.outputs.x", "hostStorage gets coolAfterDays from an"),
        (MAIN, "serviceName: hubsName", "serviceName: hubs.outputs.x", "network gets endpoints from an output"),
        (MAIN, "= if (createKeys) {", "= if (createKeys) {\n  name: 'keys'", "keys has a name"),
        (MAIN, "settings { *: string }", "settings object", "settings has no type that says what is in it"),
        (MAIN, "toLower(uniq", "toLowr(uniq", "calls toLowr, which is not on the list"),
        (MAIN, "token = toLower", "tags = toLower", "tags is declared twice"),
        (APP / "api.bicep", "sites@2025-03-01", "sites@2042-04-01", "site is of Microsoft.Web/sites@2042-04-01"),
        (APP / "api.bicep", "  parent: site\n  name: 'ftp'", "  name: 'ftp'", "ftpPasswords has no parent"),
        (APP / "vault.bicep", "location: location", "location: 'westeurope'", "vault has a fixed location"),
        (
            APP / "keys.bicep",
            "adminKey string = newGuid()",
            "adminKey string = 'x'",
            "adminKey is secure and has a default",
        ),
        (APP / "network.bicep", "${environment().suffixes.storage}", "core.windows.net", "names a host"),
        (APP / "network.bicep", "endpoints endpoint[]", "endpoints array", "endpoints has no type that says what"),
        (APP / "network.bicep", "type endpoint =", "type endpointt =", "endpoint is not declared"),
        (APP / "network.bicep", "endpoints endpoint[]", "endpoints string[]", "endpoint is not used"),
        (APP / "hubs.bicep", "[\n  for hub in", "[for hub in", "a loop does not stand on a line of its own: [for hub"),
        (APP / "workbook.bicep", "\n  }\n]\n", "\n  }]\n", "a loop does not stand on a line of its own: ["),
        (APP / "api.bicep", "(subnets,", "('Microsoft.Network/virtualNetworks/subnets',", "a line is longer than 120"),
        (APP / "workbook.bicep", "items: items", "items: [for chart in charts: {}]", "content has a loop inside"),
        (APP / "hubs.bicep", "name: hub\n", "name: '${hub}'\n", "'${hub}' needs no quotes"),
        (APP / "hubs.bicep", "capacity: capacity", "'capacity': capacity", "the property 'capacity' needs no quotes"),
    ],
)
def test_each_check_can_fail(path: Path, old: str, new: str, problem: str) -> None:
    assert old in SOURCES[path]
    found = problems(SOURCES | {path: SOURCES[path].replace(old, new)})
    assert any(one.startswith(f"{path.name}: {problem}") for one in found), found


def test_a_module_that_makes_a_name_of_another_parameter_cannot_get_it_from_an_output() -> None:
    api = SOURCES[APP / "api.bicep"].replace("  name: planName\n", "  name: 'plan-${hubsHost}'\n")
    found = problems(SOURCES | {APP / "api.bicep": api})
    assert "main.bicep: api gets hubsHost from an output, and a preview has to know it" in found


def test_names_are_followed_through_a_loop_to_the_module_that_makes_them() -> None:
    hubs = SOURCES[APP / "hubs.bicep"].replace("  name: name\n", "  name: 'x'\n")
    main = SOURCES[MAIN].replace("    hubs\n    identity\n", "    identity\n")
    found = problems(SOURCES | {APP / "hubs.bicep": hubs, MAIN: main})
    assert "main.bicep: roles names what hubs makes and does not wait for it" in found
