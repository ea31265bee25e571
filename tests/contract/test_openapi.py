"""The OpenAPI document and its page: they say what is answered, all of it, and nothing else."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from harness import functions
from harness.system import ADMIN_KEY, APP_KEY, PROJECT, System
from jsonschema import Draft202012Validator

from shared.errors import ERRORS
from shared.openapi import document, page, trying
from shared.openapi.document import OPERATIONS

DOCUMENT = document.document()
DESCRIBED = {
    (method.upper(), path): operation for path, item in DOCUMENT["paths"].items() for method, operation in item.items()
}


def served() -> set[tuple[str, str]]:
    """Method and path of everything that HTTP reaches."""
    return {(route.method, f"/{route.template}") for route in functions.ROUTES}


def test_every_route_is_described_and_every_description_has_a_route() -> None:
    differences = {
        "answered, but not in the document": served() - set(DESCRIBED),
        "in the document, but nobody answers": set(DESCRIBED) - served(),
    }
    told = [f"{what}: {method} {path}" for what, found in differences.items() for method, path in sorted(found)]
    assert not told, "\n".join(told)


def test_operations_are_declared_once_and_have_a_name_each() -> None:
    assert len(DESCRIBED) == sum(len(one.paths) for one in OPERATIONS)
    names = [one["operationId"] for one in DESCRIBED.values()]
    assert len(set(names)) == len(names)


def references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*map(references, part.values()))
    return set().union(*map(references, part)) if isinstance(part, list) else set()


def test_all_references_lead_somewhere_and_every_component_is_used() -> None:
    components = DOCUMENT["components"]
    there = {f"#/components/{kind}/{name}" for kind in ("parameters", "schemas") for name in components[kind]}
    assert references(DOCUMENT) == there


def test_every_component_and_every_member_of_it_is_described() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        members = {f"{name}.{member}": one for member, one in schema.get("properties", {}).items()}
        silent = [path for path, one in ({name: schema} | members).items() if not one.get("description")]
        assert silent == []


def test_the_schemas_are_schemas_and_the_examples_fit_them() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    examples = 0
    for operation in DESCRIBED.values():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            if "example" in content:
                Draft202012Validator(content["schema"] | {"components": DOCUMENT["components"]}).validate(
                    content["example"]
                )
                examples += 1
    assert examples >= 2 * len([one for one in OPERATIONS if one.example])
    for name, parameter in DOCUMENT["components"]["parameters"].items():
        Draft202012Validator(parameter["schema"]).validate(parameter["example"])
        assert name == parameter["name"]


LENIENT = {
    "defaultReward": ([0, "0.5", " 1 "], [True, "x", 2]),
    "logRetentionDays": ([-1, "90"], ["x", 1.5]),
    "logMirrorEnabled": ([True, "False", None], ["yes", 1]),
    "rewardAggregation": (["sum", "SUM"], ["x", None]),
    "learningMode": (["Online", "online", "LOGGINGONLY", None], ["offline", 1]),
}


@pytest.mark.parametrize("member", LENIENT)
def test_what_is_taken_beside_the_contract_is_in_the_schema_of_what_is_put_alone(member: str) -> None:
    schemas, (taken, refused) = DOCUMENT["components"]["schemas"], LENIENT[member]
    put, answered = (
        schemas[name]["properties"][member] for name in ("ServiceConfigurationRequest", "ServiceConfiguration")
    )
    assert [Draft202012Validator(put).is_valid(value) for value in taken] == [True] * len(taken)
    assert not any(Draft202012Validator(put).is_valid(value) for value in refused)
    assert not all(Draft202012Validator(answered).is_valid(value) for value in taken)


@pytest.mark.parametrize("name", ["evaluationId", "featureImportanceId", "eventId"])
def test_ids_of_paths_are_as_long_as_they_are_taken(name: str) -> None:
    assert DOCUMENT["components"]["parameters"][name]["schema"]["maxLength"] == 256


def test_refusals_have_the_statuses_of_the_declared_table() -> None:
    for operation in DESCRIBED.values():
        for status, response in operation["responses"].items():
            if "headers" in response and "x-ms-error-code" in response["headers"]:
                codes = response["headers"]["x-ms-error-code"]["schema"]["enum"]
                assert {ERRORS[code][0] for code in codes} == {int(status)}


def test_the_document_is_served_without_a_key_and_tells_no_names(system: System) -> None:
    answer = httpx.get(f"{system.url}/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == json.loads(document.encoded()) == DOCUMENT
    for secret in (APP_KEY, ADMIN_KEY, str(system.data), "127.0.0.1"):
        assert secret not in answer.text


class Parts(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_is_whole_in_itself_and_names_every_operation(system: System) -> None:
    answer = httpx.get(f"{system.url}/docs")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert answer.content == page.page()
    parts = Parts(answer.text)
    assert not {"link", "img", "iframe", "object", "base"} & set(parts.tags)
    # The script that tries calls is in the page itself, and forms lead nowhere without it.
    assert parts.tags.count("script") == 1
    assert f"script-src 'sha256-{trying.HASH}';" in policy
    assert not re.search(r"<(script|form)[^>]* (src|action)=", answer.text)
    links, anchors = ({value for name, value in parts.attributes if name == kind} for kind in ("href", "id"))
    assert links - {f"#{anchor}" for anchor in anchors} == {"openapi.json"}
    assert not {name for name, _ in parts.attributes} & {"src", "style", "onclick"}
    for operation in OPERATIONS:
        assert next(iter(operation.paths)) in parts.texts
        assert any(operation.summary in text for text in parts.texts)


@pytest.mark.parametrize(
    "path", ["/personalizer/{version}/rank", "/personalizer/rank", "/health", "/openapi.json", "/docs"]
)
def test_the_page_s_commands_work(system: System, path: str) -> None:
    ((method, operation),) = DOCUMENT["paths"][path].items()
    command = page.curl(DOCUMENT, path, method, operation)
    assert command in "".join(Parts(page.page().decode()).texts)
    command = command.replace("http://127.0.0.1:7071", system.url).replace("Key: KEY", f"Key: {APP_KEY}")
    command = command.replace("curl ", "curl --silent --output /dev/null --write-out '%{http_code}' ", 1)
    done = subprocess.run(["bash", "-c", command], check=True, capture_output=True, text=True)
    assert done.stdout == next(iter(operation["responses"]))


def test_it_is_not_made_before_somebody_asks() -> None:
    program = "import sys, function_app; sys.exit(any(one.startswith('shared.openapi') for one in sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], cwd=PROJECT, timeout=60).returncode == 0
