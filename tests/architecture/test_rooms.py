"""docs/architecture.md, the import contracts in pyproject.toml and the tree say the same."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "architecture.md").read_text()
CONTRACTS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
ROW = re.compile(r"^\| (\d+) \| `(\w+)` \| .+ \|([\w, ]*)\|$", re.MULTILINE)
ROOMS = {name: (int(floor), set(re.findall(r"\w+", may))) for floor, name, may in ROW.findall(PAGE)}
GROUND_OF_THE_PAGE = {
    name: int(floor)
    for names, floor in re.findall(r"([^()]+)\((\d+)\)", PAGE.partition("The ground is ")[2].partition(".")[0])
    for name in re.findall(r"`(\w+)`", names)
}
GROUND = {name for name in (path.stem for path in (PROJECT / "shared").glob("*.py")) if name != "__init__"}


def test_every_room_of_the_tree_is_on_the_page_and_no_other() -> None:
    folders = {path.parent.name for path in (PROJECT / "shared").glob("*/__init__.py")}
    assert set(ROOMS) == folders


def test_every_file_of_the_ground_is_on_the_page() -> None:
    assert set(GROUND_OF_THE_PAGE) == GROUND


def test_the_floors_of_the_page_are_those_that_are_checked() -> None:
    layers = next(one["layers"] for one in CONTRACTS if one["type"] == "layers")
    checked = {name: floor for floor, layer in enumerate(reversed(layers), 1) for name in re.findall(r"\w+", layer)}
    assert {name: floor for name, (floor, _) in ROOMS.items()} | GROUND_OF_THE_PAGE == checked


@pytest.mark.parametrize("room", ROOMS)
def test_what_a_room_may_import_is_what_is_checked(room: str) -> None:
    contract = next(one for one in CONTRACTS if one["name"] == f"shared.{room}")
    forbidden = {name.removeprefix("shared.") for name in contract["forbidden_modules"]}
    assert contract["source_modules"] == [f"shared.{room}"]
    assert set(ROOMS) - forbidden == ROOMS[room][1] | {room}
    assert forbidden & GROUND == (GROUND if room == "vw" else {"storage"} if room == "hubs" else set())


def test_every_module_and_folder_that_the_page_names_exists() -> None:
    named = re.findall(r"`(\w+/[\w./]*)`", PAGE)
    missing = [
        name for name in named if not ((PROJECT / name).exists() or (PROJECT / "shared" / f"{name}.py").is_file())
    ]
    assert len(named) > 50
    assert missing == []


def test_every_folder_of_the_project_is_on_the_page() -> None:
    made = {"__pycache__", "dist"}
    folders = {path.name for path in PROJECT.iterdir() if path.is_dir() and not path.name.startswith(".")} - made
    assert folders - set(re.findall(r"`(\w+)/`", PAGE)) == set()


def test_the_imports_keep_to_it() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
