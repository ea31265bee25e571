"""docs/deploy.md says what the files do: parameters, alerts, commands."""

import json
import re

import pytest
from harness.bicep import INFRA, read
from harness.system import PROJECT

GUIDE = (PROJECT / "docs" / "deploy.md").read_text()
MAIN = read(INFRA / "main.bicep")
FILE = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
VARIABLES = {name: re.findall(r"\$\{(\w+)", str(one["value"])) for name, one in FILE.items()}


def row(name: str) -> str:
    """The line of the table that a parameter should have."""
    declaration, variable = MAIN.of("parameter")[name], VARIABLES[name]
    description = re.search(r"@description\('(.*)'\)", declaration.decorators)
    assert description, f"{name} has no description"
    default = declaration.value.strip("'")
    shown = "asked" if not declaration.value else f"`{default}`" if default else ""
    return f"| `{name}` | {f'`{variable[0]}`' if variable else ''} | {shown} | {description[1]} |"


@pytest.mark.parametrize("name", MAIN.of("parameter"))
def test_the_table_has_every_parameter(name: str) -> None:
    assert row(name) in GUIDE.splitlines()


def test_the_tables_have_nothing_else() -> None:
    named = re.findall(r"^\| `([\w-]+)` \|", GUIDE, re.MULTILINE)
    rules = read(INFRA / "app" / "alerts.bicep").of("variable")["rules"].text
    alerts = re.findall(r"name: '([\w-]+)'\s+description: '(.*)'", rules)
    assert named == [*MAIN.of("parameter"), *(name for name, _ in alerts)]
    assert [f"| `{name}` | {text} |" for name, text in alerts if f"| `{name}` | {text} |" not in GUIDE] == []


def test_variables_and_parameters_of_the_commands_are_known() -> None:
    known = {one for variable in VARIABLES.values() for one in variable}
    assert set(re.findall(r"azd env set ([A-Z_]+)", GUIDE)) <= known
    plain = re.search(r"az deployment sub create.*?\n```", GUIDE, re.DOTALL)
    assert plain
    assert set(re.findall(r"\b(\w+)=", plain[0])) <= set(MAIN.of("parameter"))
    assert {name for name, one in MAIN.of("parameter").items() if not one.value} <= set(re.findall(r"(\w+)=", plain[0]))


def test_files_that_it_names_are_there() -> None:
    for path in re.findall(r"\b((?:infra|docs)/[\w./-]+\w)", GUIDE):
        assert (PROJECT / path).exists(), path
