"""What is answered is what the OpenAPI document says: to its own examples, and to thousands of made-up requests.

On a system of its own: the requests make loops, change keys and put whatever a schema allows.
"""

import copy
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from harness.system import ADMIN_KEY, APP_KEY, System, running
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi import checks

from shared import openapi

FUZZED = "fuzzed"
REQUESTS = 10_000
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
    """The document, its answers closed: a member that it does not have may not be answered."""
    document = copy.deepcopy(openapi.document())
    asked = {"RankRequest", "RankableAction", "ServiceConfiguration", "PolicyContract"}
    for name, schema in document["components"]["schemas"].items():
        if "properties" in schema and name not in asked and not name.endswith("Request"):
            schema["additionalProperties"] = False
    return document


SCHEMA = schemathesis.openapi.from_dict(strict())
OPERATIONS = [result.ok() for result in SCHEMA.get_all_operations()]
KEYS = [ADMIN_KEY, ADMIN_KEY, ADMIN_KEY, APP_KEY, "wrong", None]


def check(case: Case, key: str | None, own: System, session: requests.Session) -> None:
    """Sends a request and compares what comes back with the document."""
    case.headers.pop(KEY, None)
    headers = {} if key is None else {KEY: key}
    answer = case.call(base_url=own.url, headers=headers, session=session)
    # 501 is the answer of what this version does not have; that it is described for this operation is checked below.
    assert answer.status_code < 500 or answer.status_code == 501, f"{case.as_curl_command()}\n{answer.content!r}"
    case.validate_response(answer, checks=CHECKS)
    if case.operation.definition.raw["security"] and key in ("wrong", None):
        assert answer.status_code in {401, 404}


def fuzz(own: System, requests_each: int, start: int) -> int:
    """Sends made-up requests to every operation, half of them outside its schema; returns how many."""
    sent = 0
    with requests.Session() as session:
        for operation in OPERATIONS:
            manages_loops = operation.path == "/loops/{loop}" and operation.method.upper() != "GET"
            fixed = {"loop": FUZZED} if "{loop}" in operation.path and not manages_loops else {}
            for mode in GenerationMode:
                if not operation.definition.raw["security"] and mode is GenerationMode.NEGATIVE:
                    continue  # there is nothing to do wrong

                @seed(start)
                @settings(
                    max_examples=requests_each,
                    database=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )
                @given(case=operation.as_strategy(mode, path_parameters=fixed), key=st.sampled_from(KEYS))
                def send(case: Case, key: str | None) -> None:
                    nonlocal sent
                    sent += 1
                    check(case, key, own, session)

                send()
    return sent


def test_made_up_requests(own: System) -> None:
    assert fuzz(own, 4, 1) > 4 * len(OPERATIONS)


@pytest.mark.soak
def test_ten_thousand_made_up_requests(own: System) -> None:
    sent = round_ = 0
    while sent < REQUESTS:
        round_ += 1
        sent += fuzz(own, 50, round_)
