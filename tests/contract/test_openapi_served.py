"""What is answered is what the OpenAPI document says: to its own examples, and to thousands of made-up requests.

On a system of its own: the requests make loops, change keys and put whatever a schema allows.
"""

import copy
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from harness.system import ADMIN_KEY, APP_KEY, System, running
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.specs.openapi import checks

from shared.openapi import document as openapi_document

FUZZED = "fuzzed"
REQUESTS = 10_000
DOCUMENTS = {"PolicyContract", "CustomPolicy", "EvaluationContract"}
DOCUMENTS |= {"OfflineEvaluationContract", "PolicyReferenceContract", "FeatureImportanceContract"}
KEY = "Ocp-Apim-Subscription-Key"
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("openapi")) as system:
        system.configure()
        owner = {KEY: ADMIN_KEY}
        assert httpx.put(f"{system.url}/loops/{FUZZED}", headers=owner, timeout=30).status_code == 201
        yield system
        assert system.health()["status"] == "ok"
        for part in system.parts:
            part.ready()


def strict() -> dict[str, Any]:
    """The document, its answers closed: a member that it does not have may not be answered. Tests choose the keys.

    Documents that are asked for are open.
    """
    document = copy.deepcopy(openapi_document.document())
    asked = {"RankRequest", "RankableAction", *DOCUMENTS}
    for name, schema in document["components"]["schemas"].items():
        if "properties" in schema and name not in asked and not name.endswith("Request"):
            schema["additionalProperties"] = False
    for item in document["paths"].values():
        for operation in item.values():
            operation["needs_key"] = bool(operation.pop("security"))
    return document


SCHEMA = schemathesis.openapi.from_dict(strict())
OPERATIONS = [result.ok() for result in SCHEMA.get_all_operations()]
KEYS = [ADMIN_KEY, ADMIN_KEY, ADMIN_KEY, APP_KEY, "wrong", None]


def check(case: Case, key: str | None, own: System, session: requests.Session) -> None:
    """Sends a request and compares what comes back with the document."""
    answer = case.call(base_url=own.url, headers={} if key is None else {KEY: key}, session=session)
    assert answer.status_code < 500, f"{case.as_curl_command()}\n{answer.content!r}"
    # Unknown query parameters are ignored, and here count as wrong.
    outside = [] if case.query else [checks.negative_data_rejection]
    case.validate_response(answer, checks=[*CHECKS, *outside])
    if key in ("wrong", None) and case.operation.definition.raw["needs_key"]:
        assert answer.status_code == 401


def fixed(operation: APIOperation, mode: GenerationMode) -> dict[str, str]:
    """Path parameters that are not made up: nothing but a refusal comes of a loop that is not there."""
    parameters = {}
    if "{loop}" in operation.path and not (operation.path == "/loops/{loop}" and operation.method.upper() != "GET"):
        parameters["loop"] = FUZZED
    if mode is GenerationMode.NEGATIVE and "{version}" in operation.path and operation.body:
        parameters["version"] = "v1.1-preview.3"  # so that it is the body that is wrong
    return parameters


def fuzz(own: System, requests_each: int, start: int) -> int:
    """Sends made-up requests to every operation, half of them outside its schema; returns how many."""
    sent = 0
    with requests.Session() as session:
        for operation in OPERATIONS:
            for mode in GenerationMode:

                @seed(start)
                @settings(
                    max_examples=requests_each,
                    database=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )
                @given(
                    case=operation.as_strategy(mode, path_parameters=fixed(operation, mode)), key=st.sampled_from(KEYS)
                )
                def send(case: Case, key: str | None) -> None:
                    nonlocal sent
                    sent += 1
                    check(case, key, own, session)

                with suppress(Unsatisfiable):  # where nothing is asked for, nothing can be wrong
                    send()
    return sent


# What the examples are answered by a loop that chooses one action and has logged nothing, and was no apprentice.
FRESH = {
    "/loops/{loop}/apprentice": 400,
    "multislot/rank": 400,
    "multislot/events/{eventId}/reward": 400,
    "multislot/events/{eventId}/activate": 400,
    "post evaluations": 400,
    "put evaluations/{evaluationId}": 400,
    "get evaluations/{evaluationId}": 404,
    "delete evaluations/{evaluationId}": 404,
    "configurations/applyFromEvaluation": 404,
    "put featureImportances/{featureImportanceId}": 400,
    "get featureImportances/{featureImportanceId}": 404,
    "delete featureImportances/{featureImportanceId}": 404,
}


def replay(operation: APIOperation, own: System, session: requests.Session) -> None:
    """Sends an operation's example as it is in the document."""
    document = openapi_document.document()
    described = document["paths"][operation.path][operation.method]
    parameters = document["components"]["parameters"]
    path = operation.path.format(**{name: one["example"] for name, one in parameters.items()})
    asked = [parameters[one["$ref"].rpartition("/")[2]] for one in described["parameters"]]
    query = {one["name"]: one["example"] for one in asked if one["in"] == "query"}
    body = next(iter(described.get("requestBody", {}).get("content", {}).values()), {}).get("example")
    answer = session.request(
        operation.method, own.url + path, headers={KEY: ADMIN_KEY}, params=query, json=body, timeout=30
    )
    success = int(min(described["responses"]))
    path = operation.path.rpartition("personalizer/")[2].removeprefix("{version}/")
    expected = FRESH.get(path, FRESH.get(f"{operation.method} {path}", success))
    assert answer.status_code == expected, f"{operation.label}: {answer.text}"
    operation.validate_response(answer)


def test_every_example_is_answered_as_it_is_described(own: System) -> None:
    def order(operation: APIOperation) -> tuple[bool, bool]:
        """The loop of the examples is made first, and deleted last of all that is deleted."""
        about_the_loop = operation.path == "/loops/{loop}"
        deletes = operation.method == "delete"
        return deletes, about_the_loop if deletes else not (about_the_loop and operation.method == "put")

    # There is no example of a model that may be put, nor of a batch of local inference: they are files.
    files = {("put", "model"), ("post", "interactions"), ("post", "observations")}
    operations = [one for one in OPERATIONS if (one.method, one.path.rpartition("/")[2]) not in files]
    with requests.Session() as session:
        for operation in sorted(operations, key=order):
            replay(operation, own, session)


def test_made_up_requests(own: System) -> None:
    assert fuzz(own, 2, 1) > 2 * len(OPERATIONS)


@pytest.mark.soak
def test_ten_thousand_made_up_requests(own: System) -> None:
    sent = round_ = 0
    while sent < REQUESTS:
        round_ += 1
        sent += fuzz(own, 50, round_)
