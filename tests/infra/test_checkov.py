"""Checkov finds nothing but what is listed here with its reason. It is installed apart, for what it pins and weighs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness.bicep import INFRA, untyped

from local.azurite import python_package

CHECKOV = "checkov==3.3.30"
# It asks for a text, and breaks on an expression: whether a vault or a storage account is public is a parameter.
BREAKS = "CKV_AZURE_189"
_PARAMETER = "a parameter; checkov does not follow it"
_PUBLIC = "open to the network, closed by Entra ID, unless privateNetworking is on"
_PURGE = "on by default, see keyVaultPurgeProtection; checkov does not follow it"
_ROTATED = "rotated by hand, two at a time: a key that expires takes the service down"
_RANDOM = "newGuid() is not hard-coded"
_FLEX = "Flex Consumption has no such thing"
_NO_SITE = "taken for a site's web settings: these are its application settings and its authentication"
_OF_A_SITE = [f"CKV_AZURE_{number}" for number in (13, 63, 65, 66, 80, 88, 222)]
ACCEPTED = {
    ("CKV_AZURE_35", "account"): _PUBLIC,
    ("CKV_AZURE_206", "account"): _PARAMETER,
    ("CKV_AZURE_109", "vault"): _PUBLIC,
    ("CKV_AZURE_110", "vault"): _PURGE,
    ("CKV_AZURE_42", "vault"): _PURGE,
    ("CKV_AZURE_131", "appKey"): _RANDOM,
    ("CKV_AZURE_131", "adminKey"): _RANDOM,
    ("CKV_AZURE_131", "readerKey"): _RANDOM,
    ("CKV_AZURE_41", "appKeys"): _ROTATED,
    ("CKV_AZURE_41", "adminKeys"): _ROTATED,
    ("CKV_AZURE_41", "readerKeys"): _ROTATED,
    ("CKV_AZURE_225", "plan"): "zones are not to be had in every region, and double the always-ready instances",
    ("CKV_AZURE_222", "site"): "applications call it from anywhere, with a key",
    ("CKV_AZURE_17", "site"): "clients of Personalizer send a key, not a certificate",
    ("CKV_AZURE_212", "site"): _FLEX,
    ("CKV_AZURE_213", "site"): _FLEX,
    **{(check, name): _NO_SITE for check in _OF_A_SITE for name in ("appSettings", "authentication")},
}


def copy(folder: Path) -> Path:
    """The Bicep files as checkov's parser reads them: it does not know user-defined types."""
    for path in INFRA.rglob("*.bicep"):
        target = folder / path.relative_to(INFRA)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(untyped(path.read_text()))
    return folder


def scan(folder: Path) -> tuple[dict[str, int], set[tuple[str, str]]]:
    """Checkov's counts, and the failed checks as (check, symbol)."""
    package = python_package(CHECKOV, alone=False)
    options = ["--framework", "bicep", "--skip-download", "--quiet", "--skip-check", BREAKS, "-o", "json"]
    done = subprocess.run(
        [sys.executable, "-S", "-m", "checkov.main", "-d", str(folder), *options],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
    )
    assert "Failed to run check" not in done.stderr, done.stderr[-2000:]
    report: dict[str, Any] = json.loads(done.stdout)
    failed = report.get("results", {}).get("failed_checks", [])
    return report.get("summary", report), {(one["check_id"], one["resource"].rpartition(".")[2]) for one in failed}


def test_nothing_fails_but_what_is_accepted(tmp_path: Path) -> None:
    summary, failed = scan(copy(tmp_path / "infra"))
    assert summary["parsing_errors"] == 0
    assert summary["resource_count"] > 30
    assert failed == set(ACCEPTED)


def test_a_broken_and_an_open_file_are_found(tmp_path: Path) -> None:
    infra = copy(tmp_path / "infra")
    api, hubs = (infra / "app" / name for name in ("api.bicep", "hubs.bicep"))
    api.write_text(api.read_text().replace("httpsOnly: true", "httpsOnly: false"))
    hubs.write_text(hubs.read_text().replace("resource namespace", "resorce namespace"))
    summary, failed = scan(infra)
    assert summary["parsing_errors"] == 1
    assert ("CKV_AZURE_14", "site") in failed
