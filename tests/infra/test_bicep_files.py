"""The Bicep files are read by both offline parsers, and hold what the compiler's linter would ask; no compiler here."""

from pathlib import Path

import pycep
import pytest
from harness.bicep import INFRA
from harness.bicep_lint import TYPES, problems

SOURCES = {path: path.read_text() for path in sorted(INFRA.rglob("*.bicep"))}
MAIN, APP = INFRA / "main.bicep", INFRA / "app"


def test_there_is_nothing_to_complain_about() -> None:
    assert len(SOURCES) > 10
    assert problems(SOURCES) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_pycep_reads_it(path: Path) -> None:
    assert pycep.BicepParser().parse(text=SOURCES[path])


def test_pycep_refuses_a_broken_file() -> None:
    with pytest.raises(Exception, match="Unexpected"):
        pycep.BicepParser().parse(text=SOURCES[MAIN].replace("module api", "modul api"))


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
        (MAIN, "identity.outputs.clientId", "identity.outputs.client", "identity has no output client"),
        (MAIN, "LOCATION string = location", "LOCATION string = network.outputs.x", "network may not be there"),
        (MAIN, "dependsOn: [\n    keys", "dependsOn: [\n    vault", "api depends on vault anyway"),
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
        (APP / "workbook.bicep", "items: items", "items: [for chart in charts: {}]", "content has a loop inside"),
        (APP / "hubs.bicep", "name: hub\n", "name: '${hub}'\n", "'${hub}' needs no quotes"),
        (APP / "hubs.bicep", "capacity: capacity", "'capacity': capacity", "the property 'capacity' needs no quotes"),
    ],
)
def test_each_check_can_fail(path: Path, old: str, new: str, problem: str) -> None:
    assert old in SOURCES[path]
    found = problems(SOURCES | {path: SOURCES[path].replace(old, new)})
    assert any(one.startswith(f"{path.name}: {problem}") for one in found), found
