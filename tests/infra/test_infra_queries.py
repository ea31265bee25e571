"""The queries of alerts and workbook are Kusto, and use the fields that the app's log lines have."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from harness import functions
from harness.bicep import INFRA

from local.azurite import find_node, npm_packages
from shared.telemetry import VOCABULARY

EVERY = {"event", "loop"}
LINES = {event: set(members) for event, members in VOCABULARY.items()}
# Columns of Azure Monitor's tables, with their types.
TABLES = {
    "AppTraces": "(TimeGenerated:datetime, Message:string, SeverityLevel:int, Properties:dynamic, ItemCount:int)",
    "AppRequests": "(TimeGenerated:datetime, Name:string, ResultCode:string, Success:bool, ItemCount:int)",
}
LANGUAGE_SERVICE = "@kusto/language-service-next@12.4.1"
QUERIES = {path.name: path.read_text() for path in sorted((INFRA / "queries").glob("*.kql"))}
LOADED = "".join(path.read_text() for path in INFRA.rglob("*.bicep"))


def unknown(query: str) -> set[str]:
    """What a query names and nothing provides."""
    events = set(re.findall(r"line\.event\)? == '(\w+)'", query))
    fields = EVERY.union(*(LINES[event] for event in events & set(LINES)))
    return (events - set(LINES)) | (set(re.findall(r"line\.(\w+)", query)) - fields)


def faults(queries: dict[str, str]) -> dict[str, list[list[str]]]:
    """What Kusto's own language service says against each query: codes and messages."""
    try:
        folder = npm_packages("kusto-language-service-12.4.1", LANGUAGE_SERVICE)
    except RuntimeError as error:
        pytest.skip(f"Kusto's language service cannot be installed: {error}")
    script = Path(__file__).parent / "clients" / "kusto.js"
    command = [find_node(), str(script), str(folder / "node_modules/@kusto/language-service-next")]
    given = json.dumps({"tables": TABLES, "queries": queries})
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[list[str]]] = json.loads(done.stdout)
    return found


def test_kusto_takes_every_query() -> None:
    assert faults(QUERIES) == {name: [] for name in QUERIES}


def test_kusto_finds_a_column_that_there_is_not_and_a_misspelt_operator() -> None:
    query = QUERIES["errors.kql"]
    wrong = {"column": query.replace("Message", "Mesage", 1), "operator": query.replace("| where", "| were", 1)}
    assert set(wrong.values()).isdisjoint({query})
    found = faults(wrong)
    assert [code for code, _ in found["column"]] == ["KS142"]
    assert "KS176" in [code for code, _ in found["operator"]]


@pytest.mark.parametrize("name", QUERIES)
def test_every_field_is_one_that_is_logged(name: str) -> None:
    assert unknown(QUERIES[name]) == set()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("AppTraces | where line.event == 'tock'", {"tock"}),
        ("AppTraces | where line.event == 'tick' | where line.late > 1", {"late"}),
    ],
)
def test_an_unknown_name_is_found(query: str, found: set[str]) -> None:
    assert unknown(query) == found


def test_every_query_is_used_and_there() -> None:
    assert set(re.findall(r"loadTextContent\('\.\./queries/([\w.-]+)'\)", LOADED)) == set(QUERIES)


def test_every_text_that_is_looked_for_is_one_that_is_logged() -> None:
    phrases = re.findall(r"message has '([^']+)'", "".join(QUERIES.values()))
    sources = "".join(path.read_text() for path in (INFRA.parent / "shared").rglob("*.py"))
    assert len(phrases) == 2
    assert [phrase for phrase in phrases if phrase not in sources] == []


def test_the_functions_named_are_those_that_rank() -> None:
    named = set(re.findall(r"'(\w+)'", QUERIES["rank-errors.kql"]))
    ranks = {route.name for route in functions.OWN if route.template.endswith("rank")}
    assert named == ranks & set(functions.declared())
    assert len(named) == 8
