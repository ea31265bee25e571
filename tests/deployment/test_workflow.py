"""The workflow of GitHub Actions is well-formed, asks for little, and names what the project has."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.system import PROJECT

from deployment.target import default_python, supported_pythons

WORKFLOWS = sorted((PROJECT / ".github/workflows").glob("*.yml"))
CI = PROJECT / ".github/workflows/ci.yml"


def workflow(path: Any = CI) -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load(path.read_text())
    return loaded


def jobs() -> dict[str, dict[str, Any]]:
    return {name: job for path in WORKFLOWS for name, job in workflow(path)["jobs"].items()}


def steps(job: str) -> list[dict[str, Any]]:
    return jobs()[job]["steps"]


def runs(job: str) -> str:
    return "\n".join(step.get("run", "") for step in steps(job))


def pythons(job: str) -> list[str]:
    return [step["with"]["python-version"] for step in steps(job) if "python-version" in step.get("with", {})]


def test_it_runs_for_main_and_for_pull_requests() -> None:
    events = workflow()[True]  # YAML 1.1 reads the key `on` as true
    assert events["push"] == {"branches": ["main"]}
    # Not pull_request_target, which runs a stranger's code with this repository's rights.
    assert set(events) == {"push", "pull_request", "workflow_dispatch"}


def test_every_job_lints_tests_packages_or_checks_the_infrastructure() -> None:
    commands = {
        "lint": "make lint",
        "test": "make test",
        "package": "make package",
        "bicep": "az bicep build --file infra/main.bicep",
        "preview": "azd provision --preview",
    }
    assert jobs().keys() == commands.keys()
    assert [job for job, command in commands.items() if command not in runs(job)] == []
    assert "az bicep lint --file infra/main.bicep" in runs("bicep")


def checked(folder: Path, bicep: str) -> int:
    """The status of the job `bicep` over a copy of infra/, where `bicep` stands in for the compiler: a shell script."""
    shutil.copytree(PROJECT / "infra", folder / "infra")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["git", "add", "infra"], cwd=folder, check=True)
    (folder / "tools").mkdir()
    az = folder / "tools" / "az"
    az.write_text(f"#!/bin/sh\n{bicep}\n")
    az.chmod(0o755)
    environment = os.environ | {"PATH": f"{az.parent}:{os.environ['PATH']}"}
    for step in steps("bicep"):
        if "run" in step:
            command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True)
            if done.returncode:
                return done.returncode
    return 0


WARNS = "echo 'infra/main.bicep(1,1) : Warning no-module-name: x' >&2"


@pytest.mark.parametrize(
    ("bicep", "passes"),
    [
        ("true", True),
        ('[ "$2" != install ]', False),
        ('[ "$2" != build ]', False),
        ('[ "$2" != format ]', False),
        (f'[ "$2" != build ] || {WARNS}', False),
        (f'[ "$2" != lint ] || {WARNS}', False),
        # The formatter changes a file: the first, one in the middle, the last.
        *((f'[ "$4" != infra/{name}.bicep ] || echo >> "$4"', False) for name in ("main", "app/hubs", "app/workbook")),
    ],
)
def test_what_the_compiler_finds_or_would_format_otherwise_fails_the_job(
    tmp_path: Path, bicep: str, passes: bool
) -> None:
    assert (checked(tmp_path, bicep) == 0) == passes


def test_the_compiler_formats_every_bicep_file(tmp_path: Path) -> None:
    checked(tmp_path, '[ "$2" != format ] || echo "$4" >> formatted')
    infra = sorted(str(path.relative_to(PROJECT)) for path in (PROJECT / "infra").rglob("*.bicep"))
    assert sorted((tmp_path / "formatted").read_text().splitlines()) == infra


def test_the_compiler_has_the_rules_that_keep_previews_complete() -> None:
    rules = json.loads((PROJECT / "infra/bicepconfig.json").read_text())["analyzers"]["core"]["rules"]
    assert rules.keys() >= {
        "what-if-short-circuiting",
        "use-recent-api-versions",
        "use-user-defined-types",
        "no-module-name",
    }
    # An error would stop `azd up` too, where a newer compiler finds something.
    assert {rule["level"] for rule in rules.values()} == {"warning"}
    assert re.search(r"az bicep install --version v\d+\.\d+\.\d+$", runs("bicep"), re.MULTILINE)


def test_what_signs_in_to_azure_runs_in_a_protected_environment() -> None:
    signing_in = {name for name, job in jobs().items() if "id-token" in job.get("permissions", {})}
    assert {name: jobs()[name].get("environment") for name in signing_in} == {"preview": "preview"}


def test_every_make_target_is_one() -> None:
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    named = {target for job in jobs() for target in re.findall(r"\bmake ([\w-]+)", runs(job))}
    assert {"lint", "test", "package"} <= named <= targets


def test_the_python_versions_are_those_of_the_project() -> None:
    assert jobs()["test"]["strategy"]["matrix"]["python"] == supported_pythons()
    assert pythons("test") == ["${{ matrix.python }}"]
    assert pythons("package") == [default_python()]
    assert set(pythons("lint")) <= set(supported_pythons())
    # Else make would choose the newest Python of the runner.
    assert all("PYTHON=python" in line for job in jobs() for line in runs(job).splitlines() if "make " in line)


@pytest.mark.parametrize("job", jobs())
def test_every_job_is_bounded_and_its_actions_are_pinned(job: str) -> None:
    assert jobs()[job]["timeout-minutes"] <= 60
    assert re.fullmatch(r"ubuntu-\d+\.\d+", jobs()[job]["runs-on"])
    used = [step["uses"] for step in steps(job) if "uses" in step]
    assert used
    # A tag can be moved to other code, a commit cannot.
    assert [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)] == []
    [checkout] = [step for step in steps(job) if step.get("uses", "").startswith("actions/checkout@")]
    assert checkout["with"] == {"persist-credentials": False}


@pytest.mark.parametrize("job", jobs())
def test_every_command_is_shell(job: str) -> None:
    for step in steps(job):
        assert ("uses" in step) != ("run" in step)
        assert shlex.split(step.get("run", "true"))
        # An expression inside a command is a way to inject one.
        assert "${{" not in step.get("run", "")


def test_only_the_preview_gets_a_token_for_azure_and_it_needs_no_secret() -> None:
    assert workflow()["permissions"] == {"contents": "read"}
    assert {name: job["permissions"] for name, job in jobs().items() if "permissions" in job} == {
        "preview": {"contents": "read", "id-token": "write"}
    }
    assert "secrets." not in CI.read_text()


def test_the_preview_is_skipped_where_a_variable_is_missing_and_for_forks() -> None:
    preview = jobs()["preview"]
    used = set(re.findall(r"\$\{\{ vars\.(\w+) \}\}", str(preview)))
    required = {f"AZURE_{name}" for name in ("CLIENT_ID", "TENANT_ID", "SUBSCRIPTION_ID", "ENV_NAME", "LOCATION")}
    assert used == required
    assert [name for name in used if f"vars.{name} != ''" not in preview["if"]] == []
    assert "github.event.pull_request.head.repo.full_name == github.repository" in preview["if"]
    assert set(re.findall(r"\$(\w+)", runs("preview"))) <= preview["env"].keys()
