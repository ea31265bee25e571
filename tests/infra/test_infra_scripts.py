"""The scripts of azd's hooks and of the keys' rotation, with a stand-in for the Azure CLI."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml
from harness.bicep import INFRA, read
from harness.system import APP_KEY, PROJECT, System

SITE = "/subscriptions/sub/resourceGroups/rg-env/providers/Microsoft.Web/sites/func-x"
ENVIRONMENT = {
    "AZURE_ENV_NAME": "env",
    "AZURE_SUBSCRIPTION_ID": "sub",
    "AZURE_RESOURCE_GROUP": "rg-env",
    "AZURE_FUNCTION_NAME": "func-x",
    "AZURE_KEY_VAULT_NAME": "kv-x",
    "SERVICE_API_ENDPOINT": "https://func-x.example.org",
}


class Azure:
    """`az` and `azd` on the PATH: they answer as told, and write down how they were called."""

    def __init__(self, folder: Path, answers: dict[str, str]) -> None:
        self.log, self.sent = folder / "log", folder / "sent"
        cases = "".join(f"  *{shlex.quote(what)}*) {answer} ;;\n" for what, answer in answers.items())
        for name in ("az", "azd"):
            script = folder / name
            script.write_text(f'#!/bin/sh\necho {name} "$@" >> {self.log}\ncase "$*" in\n{cases}  *) ;;\nesac\n')
            script.chmod(0o755)
        self.environment = os.environ | ENVIRONMENT | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", *command], cwd=PROJECT, env=self.environment | environment, capture_output=True, text=True
        )

    def calls(self) -> str:
        return self.log.read_text()


@pytest.mark.parametrize(
    ("group", "vault", "keys", "create"),
    [
        ("false", "", "", "true"),
        ("true", "", "", "true"),
        ("true", "/subscriptions/sub/vault", "0", "true"),
        ("true", "/subscriptions/sub/vault", "2", "false"),
    ],
)
def test_keys_are_made_where_they_are_missing(tmp_path: Path, group: str, vault: str, keys: str, create: str) -> None:
    answers = {"group exists": f"echo {group}", "resource list": f"echo {vault}", "vault/secrets": f"echo {keys}"}
    azure = Azure(tmp_path, answers)
    done = azure.run("infra/hooks/preprovision.sh")
    assert done.returncode == 0, done.stderr
    assert azure.calls().endswith(f"azd env set CREATE_KEYS {create}\n")


def test_a_vault_without_a_readers_key_gets_one_and_keeps_the_others(tmp_path: Path) -> None:
    answers = {
        "group exists": "echo true",
        "resource list": "echo /vault",
        "reader-keys": "echo 0",
        "secrets": "echo 2",
    }
    azure = Azure(tmp_path, answers)
    done = azure.run("infra/hooks/preprovision.sh")
    assert done.returncode == 0, done.stderr
    assert azure.calls().endswith("azd env set CREATE_READER_KEYS true\nazd env set CREATE_KEYS false\n")


def test_the_first_readers_key_is_made_by_its_rotation(tmp_path: Path) -> None:
    azure = Azure(tmp_path, {"secret list": "echo 0", "secret set": f"cat > {tmp_path}/sent"})
    done = azure.run("infra/rotate-keys.sh", "reader-keys")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"[0-9a-f]{32}", (tmp_path / "sent").read_text())


def test_one_missing_secret_does_not_replace_the_other(tmp_path: Path) -> None:
    answers = {"group exists": "echo true", "resource list": "echo /vault", "vault/secrets": "echo 1"}
    azure = Azure(tmp_path, answers)
    done = azure.run("infra/hooks/preprovision.sh")
    assert done.returncode == 1
    assert "is missing in the vault" in done.stderr
    assert "CREATE_KEYS" not in azure.calls()


@pytest.mark.parametrize("failing", ["group exists", "resource list", "vault/secrets"])
def test_what_is_not_known_replaces_no_keys(tmp_path: Path, failing: str) -> None:
    answers = {"group exists": "echo true", "resource list": "echo /vault", "vault/secrets": "echo 2"}
    azure = Azure(tmp_path, answers | {failing: "exit 1"})
    assert azure.run("infra/hooks/preprovision.sh").returncode != 0
    assert "CREATE_KEYS" not in azure.calls()


def test_an_unknown_subscription_is_asked_for(tmp_path: Path) -> None:
    done = Azure(tmp_path, {}).run("infra/hooks/preprovision.sh", AZURE_SUBSCRIPTION_ID="")
    assert done.returncode == 1
    assert "azd env set AZURE_SUBSCRIPTION_ID" in done.stderr


@pytest.mark.parametrize("held", ["old", "newer,old"])
def test_a_rotation_keeps_the_newest_key_and_prints_none(tmp_path: Path, held: str) -> None:
    sent = tmp_path / "sent"
    azure = Azure(tmp_path, {"secret show": f"echo {held}", "secret set": f"cat > {sent}"})
    done = azure.run("infra/rotate-keys.sh", "app-keys")
    assert done.returncode == 0, done.stderr
    new, kept = sent.read_text().split(",")
    assert re.fullmatch("[0-9a-f]{32}", new)
    assert kept == held.split(",")[0]
    assert new not in done.stdout + done.stderr + azure.calls()
    assert f"{SITE}/config/configreferences/appsettings/refresh" in azure.calls()


def test_a_rotation_that_cannot_read_the_keys_changes_none(tmp_path: Path) -> None:
    azure = Azure(tmp_path, {"secret show": "exit 1"})
    done = azure.run("infra/rotate-keys.sh", "app-keys")
    assert done.returncode != 0
    assert "secret set" not in azure.calls()


@pytest.mark.parametrize(("name", "empty"), [("other-keys", ""), ("", ""), ("app-keys", "AZURE_FUNCTION_NAME")])
def test_a_rotation_says_what_it_needs(tmp_path: Path, name: str, empty: str) -> None:
    done = Azure(tmp_path, {}).run("infra/rotate-keys.sh", name, **({empty: ""} if empty else {}))
    assert done.returncode == 2
    assert (empty or "app-keys") in done.stderr


def test_the_printed_commands_work(tmp_path: Path, system: System) -> None:
    azure = Azure(tmp_path, {"keyvault secret show --vault-name kv-x --name app-keys": f"echo {APP_KEY},older"})
    said = azure.run("infra/hooks/postdeploy.sh", SERVICE_API_ENDPOINT=system.url).stdout
    assert APP_KEY not in said
    assert f"{SITE}/config/configreferences/appsettings/refresh" in azure.calls()
    commands = "\n".join(line for line in said.splitlines() if line.startswith("  "))
    done = subprocess.run(["sh", "-euc", commands], env=azure.environment, capture_output=True, text=True)
    assert json.loads(done.stdout)["rewardActionId"] in {"pasta", "ice-cream"}


def test_the_guide_deletes_the_role_assignments_of_whoever_owns_the_hosts_blobs(tmp_path: Path) -> None:
    guide = (PROJECT / "docs" / "operate.md").read_text()
    block = re.search(r"Role assignments of the app are deleted.*?```bash\n(.*?)```", guide, re.DOTALL)
    assert block
    names = {"hostStorageName": "'${abbrs.storageStorageAccounts}host${token}'"}
    assert names.items() <= {name: one.value for name, one in read(INFRA / "main.bicep").of("variable").items()}.items()
    group = "/subscriptions/sub/resourceGroups/rg-env/providers/"
    owner = f"'Storage Blob Data Owner' && starts_with(scope, '{group}Microsoft.Storage/storageAccounts/sthost')"
    listed = {owner: "echo principal", f"principalId == 'principal' && starts_with(scope, '{group}')": "echo 1; echo 2"}
    azure = Azure(tmp_path, listed | {"get-values": ":"})
    done = azure.run("-euc", block[1])
    assert done.returncode == 0, done.stderr
    assert azure.calls().endswith("az role assignment delete --ids 1 2\n")


def test_azd_finds_its_hooks_and_the_site() -> None:
    project = yaml.safe_load((PROJECT / "azure.yaml").read_text())
    (service,) = project["services"]
    assert f"'azd-service-name': '{service}'" in (INFRA / "app" / "api.bicep").read_text()
    for hook in project["hooks"].values():
        for system in ("posix", "windows"):
            assert (PROJECT / hook[system]["run"]).is_file()


def test_what_the_scripts_read_is_an_output_or_azds_own() -> None:
    outputs = set(read(INFRA / "main.bicep").of("output")) | {"AZURE_ENV_NAME", "AZURE_SUBSCRIPTION_ID"}
    for script in [*INFRA.rglob("*.sh"), *INFRA.rglob("*.ps1")]:
        named = set(re.findall(r"(?:\$|env:)((?:AZURE|SERVICE)_[A-Z_]+)", script.read_text()))
        assert named <= outputs, script.name


def test_nothing_is_deployed_but_the_app() -> None:
    """As git reads .funcignore; the files that git does not know are those of .gitignore."""

    def listed(*options: str) -> set[str]:
        done = subprocess.run(["git", "ls-files", *options], cwd=PROJECT, capture_output=True, text=True, check=True)
        return set(done.stdout.splitlines())

    deployed = listed() - listed("-ci", "-X", ".funcignore")
    functions = ("rank", "reward", "trainer", "evaluator", "admin", "dashboard")
    folders = {"shared", *(f"{name}_function" for name in functions)}
    files = {"function_app.py", "host.json", "requirements.txt", "LICENSE"}
    assert {path.partition("/")[0] for path in deployed} == folders | files
    ignored, kept_back = (set((PROJECT / name).read_text().split()) for name in (".gitignore", ".funcignore"))
    assert ignored - {"*.egg-info/", "node_modules/"} <= kept_back
