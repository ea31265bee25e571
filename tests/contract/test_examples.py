"""Every example request of the contract's three versions, replayed; what it answers has the contract's form.

`swagger/examples.json` has the requests and the success each one documents. Those of 2022-09-01-preview are sent to the
paths of v1.1-preview.3, and answered 404 where only 2022-09-01-preview has the operation; test_azure_ai_personalizer
calls its own paths.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from harness.system import ADMIN_KEY, System

FOLDER = Path(__file__).parent / "swagger"
EXAMPLES: list[dict[str, Any]] = json.loads((FOLDER / "examples.json").read_text())
SWAGGERS = {version: json.loads((FOLDER / f"{version}.json").read_text()) for version in ("v1.0", "v1.1-preview.3")}
# The answer of a loop that has neither learned nor logged anything yet, and to a body that is not one.
FRESH = {
    "POST /logs/observations": (400, "BadRequest"),  # the example's body is the text "id", which is no batch of events
    "GET /evaluations/{evaluationId}": (404, "EvaluationNotFound"),
    "DELETE /evaluations/{evaluationId}": (404, "EvaluationNotFound"),
    "POST /configurations/applyFromEvaluation": (404, "EvaluationNotFound"),
}
# Members that are told once they were put, or once there is a log.
UNSET = {"logMirrorSasUri", "autoOptimizationStartDate", "dateRange"}
OWNER = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}


@pytest.fixture(scope="module")
def loops(system: System) -> Iterator[dict[str, str]]:
    """Two loops that are only used here, by what they choose for: one action, or one for each slot."""
    urls = {kind: f"{system.url}/loops/examples-{kind}" for kind in ("single", "slots")}
    for url in urls.values():
        assert httpx.put(url, headers=OWNER, timeout=30).status_code == 201
    policy = {"name": "slots", "arguments": "--ccb_explore_adf --epsilon 0.2 --cb_type mtr -q ::"}
    put = f"{urls['slots']}/personalizer/v1.1-preview.3/configurations/policy"
    assert httpx.put(put, headers=OWNER, json=policy, timeout=30).status_code == 200
    yield urls
    for url in urls.values():
        assert httpx.delete(url, headers=OWNER, timeout=30).status_code == 204


def expected(operation: str, version: str, documented: int) -> tuple[int, str | None]:
    """Status and error code of the answer to an example."""
    if operation not in SWAGGERS[version]["operations"]:
        return 404, None
    if operation == "POST /evaluations":
        return 400, "InvalidEvaluationContract" if version == "v1.0" else "NoLogsExistInDateRange"
    return FRESH.get(operation, (documented, None))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one["name"].replace(" ", "-"))
def test_an_example_of_the_contract(loops: dict[str, str], example: dict[str, Any]) -> None:
    operation = example["operation"]
    version = example["name"].split()[0]
    version = version if version in SWAGGERS else "v1.1-preview.3"
    method, path = operation.split(" ")
    loop = loops["slots" if path.startswith("/multislot") else "single"]
    url = f"{loop}/personalizer/{version}{path.format(**example.get('path', {}))}"
    answer = httpx.request(method, url, headers=OWNER, json=example.get("body"), timeout=30)
    status, code = expected(operation, version, example["status"])
    assert answer.status_code == status, answer.text
    if status >= 400:
        assert code is None or answer.json()["error"]["code"] == code
        return
    swagger = SWAGGERS[version]
    schema = swagger["operations"][operation]["responses"][str(status)]
    if schema is None:
        assert answer.content == b""
    elif schema != {"type": "file"}:
        jsonschema.validate(answer.json(), schema | {"definitions": swagger["definitions"]})
        if isinstance(answer.json(), dict):  # what is a page in 2022-09-01-preview is a list
            assert set(answer.json()) >= set(example.get("members", ())) - (UNSET if method == "GET" else set())


def test_there_are_examples_of_every_version() -> None:
    assert {example["name"].split()[0] for example in EXAMPLES} == {*SWAGGERS, "2022-09-01-preview"}
    assert len(EXAMPLES) == 33
