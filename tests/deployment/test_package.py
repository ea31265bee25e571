"""The package loads in an empty environment, with Microsoft's own binding, and is what a loop needs from end to end."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import pytest
from harness.functions_runtime import SCRIPT, http, installed, request
from harness.system import ADMIN_KEY, CONFIGURATION, PROJECT, System
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deployment import figures, layout
from deployment.target import find_python, supported_pythons

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
APP = {
    "admin_function",
    "dashboard_function",
    "function_app.py",
    "host.json",
    "rank_function",
    "reward_function",
    "shared",
    "trainer_function",
    "evaluator_function",
}
RANK = {"eventId": "packed", "actions": [{"id": "é", "features": [{"x": 1}]}, {"id": "b", "features": [{"x": 2}]}]}


class Package(NamedTuple):
    """A built package; `python` starts its interpreter without anything that is installed on this machine."""

    version: str
    python: tuple[Path | str, ...]
    zipped: Path
    unpacked: Path

    @property
    def libraries(self) -> Path:
        return self.unpacked / layout.LIBRARIES


Build = Callable[[str], Package]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Builds and unpacks the package for a version, once."""

    @cache
    def build(version: str) -> Package:
        interpreter = find_python(version)
        if interpreter is None:
            pytest.skip(f"this machine has no Python {version}")
        folder = tmp_path_factory.mktemp("package")
        layout.build(folder / "package.zip", version)
        with ZipFile(folder / "package.zip") as zipped:
            zipped.extractall(folder / "unpacked")
        outside_of_venv = Path(interpreter).resolve()
        return Package(version, (outside_of_venv, "-I", "-S"), folder / "package.zip", folder / "unpacked")

    return build


@pytest.fixture(params=supported_pythons())
def package(request: pytest.FixtureRequest, built: Build) -> Package:
    return built(request.param)


@pytest.fixture
def services(tmp_path: Path) -> Iterator[System]:
    """Storage and Event Hubs without an app: that is what the package is."""
    system = System(tmp_path)
    try:
        for part in (system.storage, system.event_hubs):
            part.start()
        for part in (system.storage, system.event_hubs):
            part.ready()
        yield system
    finally:
        system.end()


def invoked(package: Package, services: System, *calls: tuple[str, dict[str, Any] | None]) -> list[dict[str, Any]]:
    """What Microsoft's binding answers when a new process, in an empty environment, serves the unpacked package."""
    done = subprocess.run(
        [*package.python, SCRIPT, package.libraries, installed()],
        input=json.dumps(calls),
        cwd=package.unpacked,
        env=services.settings | {"FUNCTIONS_WORKER_RUNTIME": "python"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answers: list[dict[str, Any]] = json.loads(done.stdout)["answers"]
    assert [one["error"] for one in answers if not one["ok"]] == []
    return answers


def test_it_ranks_and_learns_in_an_empty_environment(package: Package, services: System) -> None:
    first = invoked(
        package,
        services,
        ("other", request("PUT", "personalizer/v1.0/configurations/service", CONFIGURATION, ADMIN_KEY)),
        ("rank", http("POST", "rank", RANK)),
        ("reward", http("POST", "events/packed/reward", {"value": 1}, eventId="packed")),
    )
    assert [one["status"] for one in first] == [200, 201, 204]
    assert {one["id"] for one in json.loads(first[1]["body"])["ranking"]} == {"é", "b"}

    time.sleep(2 + 1.5)  # the reward wait time, and the trainer's allowance for clocks
    _, learned, health = invoked(
        package,
        services,
        ("train", None),
        ("other", request("GET", "loops/default/events/packed", key=ADMIN_KEY)),
        ("other", request("GET", "health", key="")),
    )
    assert json.loads(learned["body"])["status"] == "learned"
    assert health["status"] == 200


def test_it_opens_a_page_and_has_what_that_needs(package: Package, services: System) -> None:
    (page,) = invoked(package, services, ("dashboard", request("GET", "login", key="")))
    assert page["status"] == 200
    files = re.findall(r'(?:href|src)="/dashboard/(assets/[^"]+)"', page["body"])
    assert len(files) == 3
    answers = invoked(package, services, *(("dashboard", request("GET", path, key="")) for path in files))
    assert [one["status"] for one in answers] == [200] * 3


def test_it_holds_the_app_and_nothing_else_of_the_project(package: Package) -> None:
    """A file of the project that must not ship belongs into .funcignore."""
    assert {path.name for path in package.unpacked.iterdir()} - {"__pycache__"} == APP | {
        ".python_packages",
        "LICENSE",
        "requirements.txt",
    }
    assert {path.name for path in (package.unpacked / ".python_packages").glob("*/*")} == {"site-packages"}


def test_every_module_of_the_app_can_be_imported_from_bytecode(package: Package) -> None:
    paths = [path.relative_to(package.unpacked) for name in APP for path in package.unpacked.glob(f"{name}/**/*.py")]
    modules = {".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in paths}
    assert {"shared.identity", "shared.training.trainer", "shared.admin.signing", "admin_function.health"} <= modules
    script = (
        "import importlib, sys; sys.path[:0] = sys.argv[1:3]; modules = sys.argv[3:]\n"
        "for name in modules: importlib.import_module(name)\n"
        "print(*[m.__cached__ for m in sys.modules.values() if getattr(m, '__cached__', None)], sep='\\n')"
    )
    command = [*package.python, "-B", "-W", "error", "-c", script, package.libraries, package.unpacked, *modules]
    done = subprocess.run(command, env={}, cwd="/", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    cached = [Path(line) for line in done.stdout.splitlines() if line.startswith(str(package.unpacked))]
    assert len(cached) > len(modules)
    assert [path for path in cached if not path.exists()] == []


def test_it_holds_what_the_requirements_need_and_nothing_else(package: Package) -> None:
    installed = {canonicalize_name(one.name): one for one in distributions(path=[str(package.libraries)])}
    target = {"python_version": package.version, "python_full_version": f"{package.version}.0", "extra": ""}
    lines = (PROJECT / "requirements.txt").read_text().splitlines()
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    needed: set[str] = set()
    while wanted:
        one = wanted.pop()
        if one.marker is not None and not one.marker.evaluate(target):
            continue
        name = canonicalize_name(one.name)
        assert one.specifier.contains(installed[name].version), one
        if name not in needed:
            needed.add(name)
            wanted += [Requirement(text) for text in installed[name].requires or []]
    assert needed == set(installed)


def test_the_command_builds_the_same_bytes_again_and_reports(built: Build, tmp_path: Path) -> None:
    done = command("--python", RUNNING, "--output", str(tmp_path / "again.zip"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "again.zip").read_bytes() == built(RUNNING).zipped.read_bytes()
    report = dict(line.split("  ", 1) for line in done.stdout.splitlines()[1:])
    assert report.keys() == {"sha256", "size", "import"}
    assert f"{built(RUNNING).zipped.stat().st_size / 1e6:.1f} MB zipped" in report["size"]
    assert re.search(rf"function_app \d+ ms, .* times, goal at most {figures.GOAL:g}$", report["import"])


def test_without_an_index_it_says_so_and_leaves_the_last_package(tmp_path: Path) -> None:
    last = tmp_path / "package.zip"
    last.write_bytes(b"the last one")
    settings = {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "cache")}
    done = command("--python", RUNNING, "--output", str(last), **settings)
    assert done.returncode == 1
    assert "is the package index reachable?" in done.stderr
    assert "Traceback" not in done.stderr
    assert last.read_bytes() == b"the last one"


def command(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "deployment", *arguments]
    return subprocess.run(line, cwd=PROJECT, env=os.environ | settings, capture_output=True, text=True, timeout=120)
