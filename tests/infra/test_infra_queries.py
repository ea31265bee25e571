"""The queries of alerts and workbook use the fields that the app's log lines have."""

import re

import pytest
from harness import functions
from harness.bicep import INFRA

from shared.telemetry import VOCABULARY

EVERY = {"event", "loop"}
LINES = {event: set(members) for event, members in VOCABULARY.items()}
# Of Azure Monitor's tables AppTraces and AppRequests.
COLUMNS = {"TimeGenerated", "Message", "SeverityLevel", "Name", "ResultCode", "ItemCount"}
QUERIES = {path.name: path.read_text() for path in sorted((INFRA / "queries").glob("*.kql"))}
LOADED = "".join(path.read_text() for path in INFRA.rglob("*.bicep"))


def unknown(query: str) -> set[str]:
    """What a query names and nothing provides."""
    events = set(re.findall(r"line\.event\)? == '(\w+)'", query))
    fields = EVERY.union(*(LINES[event] for event in events & set(LINES)))
    code = re.sub(r"//.*|'[^']*'", "", query)
    columns = set(re.findall(r"\b[A-Z][A-Za-z]+\b", code)) - {"AppTraces", "AppRequests"}
    return (events - set(LINES)) | (set(re.findall(r"line\.(\w+)", query)) - fields) | (columns - COLUMNS)


@pytest.mark.parametrize("name", QUERIES)
def test_every_field_is_one_that_is_logged(name: str) -> None:
    assert unknown(QUERIES[name]) == set()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("AppTraces | where line.event == 'tock'", {"tock"}),
        ("AppTraces | where line.event == 'tick' | where line.late > 1", {"late"}),
        ("AppTraces | where Messages has 'x'", {"Messages"}),
    ],
)
def test_an_unknown_name_is_found(query: str, found: set[str]) -> None:
    assert unknown(query) == found


def test_every_query_is_used_and_there() -> None:
    assert set(re.findall(r"loadTextContent\('\.\./queries/([\w.-]+)'\)", LOADED)) == set(QUERIES)


def test_the_functions_named_are_those_that_rank() -> None:
    named = set(re.findall(r"'(\w+)'", QUERIES["rank-errors.kql"]))
    ranks = {route.name for route in functions.OWN if route.template.endswith("rank")}
    assert named == ranks & set(functions.declared())
    assert len(named) == 8
