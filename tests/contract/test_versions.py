"""API versions over HTTP: which path belongs to which, and what anybody is told who calls one that there is not."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from harness.system import ADMIN_KEY, CONFIGURATION, System

SWAGGER = json.loads((Path(__file__).parent / "swagger" / "2022-09-01-preview.json").read_text())["operations"]
KEY = "Ocp-Apim-Subscription-Key"
QUERY = "api-version=2022-09-01-preview"
VALUES = {"{eventId}": "e", "{evaluationId}": "e", "{featureImportanceId}": "e"}


def call(system: System, method: str, path: str, key: str = ADMIN_KEY, **rest: Any) -> httpx.Response:
    headers = {KEY: key} if key else {}
    return httpx.request(method, f"{system.url}{path}", headers=headers, timeout=30, **rest)


def error(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message of a refusal; the code is in the header, too."""
    body = answer.json()["error"]
    assert answer.headers["x-ms-error-code"] == body["code"]
    return answer.status_code, body["code"], body["message"]


@pytest.mark.parametrize("scope", ["", "/loops/default"])
@pytest.mark.parametrize("version", [None, "", "2021-01-01", "v1.0", "2022-09-01-preview,2022-09-01-preview"])
@pytest.mark.parametrize("operation", SWAGGER)
def test_a_missing_or_unknown_version_is_400(system: System, operation: str, version: str | None, scope: str) -> None:
    method, path = operation.split()
    for name, value in VALUES.items():
        path = path.replace(name, value)
    params = {} if version is None else {"api-version": version}
    answer = call(system, method, f"{scope}/personalizer{path}", params=params)
    status, code, message = error(answer)
    assert (status, code) == (400, "InvalidRequest")
    assert answer.json()["error"]["target"] == "api-version"
    assert "2022-09-01-preview" in message
    assert "v1.0, v1.1-preview.1, v1.1-preview.2, v1.1-preview.3" in message
    assert f"{method} {scope}/personalizer{path}?{QUERY}" in message
    old = path.startswith("/featureImportances") or (method, path) == ("PUT", "/evaluations/e")
    assert (f"{method} {scope}/personalizer/v1.1-preview.3{path}" in message) is not old


def test_versions_and_literals_of_paths_are_taken_in_any_case(system: System) -> None:
    answer = call(system, "GET", "/personalizer/MODEL/properties?api-version=2022-09-01-PREVIEW")
    assert answer.status_code == 200


@pytest.mark.parametrize("name", ["API-VERSION", "Api-Version"])
def test_names_of_query_parameters_are_taken_in_any_case(system: System, name: str) -> None:
    answer = call(system, "GET", f"/personalizer/model?{name}=2022-09-01-preview&SIGNED=True")
    assert answer.content.startswith(b"PK")
    path = f"/personalizer/evaluations?{name}=2022-09-01-preview"
    for parameter in ("TOP=x", "Skip=x", "MaxPageSize=x", "Filter=x"):
        assert error(call(system, "GET", f"{path}&{parameter}"))[:2] == (400, "InvalidRequest")


@pytest.mark.parametrize(
    "path",
    [
        f"/personalizer/model?api-version={'x' * 3000}",
        f"/personalizer/{'9' * 3000}/model",
        f"/personalizer/{'9' * 3000}/nothing",
        f"/personalizer/evaluations/{'x' * 3000}",
        f"/loops/default/personalizer/evaluations/{'x' * 3000}",
    ],
)
def test_what_was_sent_is_not_repeated_in_full(system: System, path: str) -> None:
    assert len(error(call(system, "GET", path))[2]) < 1200


def test_both_kinds_of_paths_lead_to_the_same_loop(configured: System) -> None:
    path = f"/loops/default/personalizer/configurations/service?{QUERY}"
    put = call(configured, "PUT", path, json=CONFIGURATION | {"defaultReward": 0.25})
    assert put.status_code == 200
    read = call(configured, "GET", "/personalizer/v1.0/configurations/service")
    answered = put.json()
    answered.pop("modelAfterChange", None)  # told where the loop has a model
    assert read.json() == answered
    assert answered["defaultReward"] == 0.25


@pytest.mark.parametrize(
    ("path", "code"),
    [(f"personalizer/configurations/service?{QUERY}", "InvalidSasUri")]
    + [(f"personalizer/{one}/configurations/service", "InvalidContainer") for one in ("v1.0", "v1.1-preview.3")],
)
def test_codes_are_those_of_the_version(system: System, path: str, code: str) -> None:
    body = CONFIGURATION | {"logMirrorSasUri": "ftp://host/container"}
    status, found, message = error(call(system, "PUT", f"/{path}", json=body))
    assert (status, found) == (400, code)
    assert "https://host/container" in message


@pytest.mark.parametrize("head", [f"/personalizer/model?{QUERY}", "/personalizer/v1.1-preview.3/model"])
def test_local_inference_asks_for_the_head_of_the_model(system: System, head: str) -> None:
    answer = call(system, "HEAD", head)
    assert (answer.status_code, answer.content) == (200, b"")
    assert {"last-modified", "content-length"} <= set(answer.headers)


V1, V2022 = "/personalizer/v1.1-preview.3", "/personalizer"
LOST = [
    ("GET", "/personalizer/v1.0/rank", " /personalizer/v1.0/rank answers POST."),
    ("PUT", "/personalizer/rank", f"POST /personalizer/rank?{QUERY}"),
    ("PATCH", "/loops/shop", "Call PUT /loops/shop or GET /loops/shop. "),
    ("POST", "/rank", f"POST {V1}/rank or POST {V2022}/rank?{QUERY}"),
    ("POST", "/v1.0/rank", "Call POST /personalizer/v1.0/rank. "),
    ("POST", "/loops/shop/rank", f"POST /loops/shop{V1}/rank or POST /loops/shop{V2022}/rank?{QUERY}"),
    ("GET", "/personalizer/v3/model", f"GET {V1}/model or GET {V2022}/model?{QUERY}"),
    ("GET", "/personalizer/v3/model", "v1.0, v1.1-preview.1, v1.1-preview.2, v1.1-preview.3"),
    ("GET", "/personalizer/2022-09-01-preview/model", f"GET {V2022}/model?{QUERY}"),
    ("PUT", "/personalizer/v1.0/featureImportances/f", f"PUT {V2022}/featureImportances/f?{QUERY}"),
    ("PUT", "/personalizer/v1.0/evaluations/e", f"Call PUT {V2022}/evaluations/e?{QUERY}. "),
    ("POST", f"/personalizer/evaluations?{QUERY}", f"Call POST {V1}/evaluations. "),
    ("POST", "/personalizer/v1.0/ranks", "Call POST /personalizer/v1.0/rank. "),
    ("GET", "/personalizer/configuration/service", f"{V2022}/configurations/service?{QUERY}"),
    (
        "POST",
        f"/personalizer/personalizer/rank?{QUERY}",
        f"has personalizer twice: an endpoint ends before /personalizer. Call POST {V2022}/rank?{QUERY}.",
    ),
    ("POST", "/personalizer/personalizer/v1.0/rank", "Call POST /personalizer/v1.0/rank. "),
    ("POST", "/loops/shop/personalizer/personalizer/v1.0/rank", "Call POST /loops/shop/personalizer/v1.0/rank. "),
    ("POST", "/api/personalizer/v1.0/rank", "Call POST /personalizer/v1.0/rank. "),
    ("GET", "/metric", "GET /metrics"),
    ("GET", "/robots.txt", "robots.txt. GET /docs"),
    ("OPTIONS", "/personalizer/v1.0/rank", "POST /personalizer/v1.0/rank"),
    ("DELETE", "/" + "x" * 5000, "GET /docs"),
]


@pytest.mark.parametrize(("method", "path", "hint"), LOST)
def test_what_is_not_there_is_404_with_the_likely_call(system: System, method: str, path: str, hint: str) -> None:
    status, code, message = error(call(system, method, path))
    assert (status, code) == (404, "ResourceNotFound")
    assert hint in message
    assert len(message) < 1200


def test_an_unknown_version_in_the_path_of_an_operation_is_404_with_the_likely_call(system: System) -> None:
    status, code, message = error(call(system, "POST", "/loops/default/personalizer/v2/rank", json={}))
    assert (status, code) == (404, "ResourceNotFound")
    assert f"Call POST /loops/default{V1}/rank or POST /loops/default{V2022}/rank?{QUERY}." in message
    assert call(system, "POST", "/personalizer/v2/rank", "", json={}).status_code == 401


def test_no_key_is_asked_for_where_there_is_nothing(system: System) -> None:
    for path in ("/nowhere", "/personalizer/v2/nowhere", "/loops/secret/personalizer/nowhere"):
        assert call(system, "GET", path, "").status_code == 404


PERIOD = {"startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-02T00:00:00Z"}
EVALUATION = {"name": "e", "policies": []} | PERIOD
EVALUATIONS = "/personalizer/evaluations", "/personalizer/featureImportances"
REFUSED: list[tuple[str, str, dict[str, str], Any, str, str]] = [
    *(("GET", path, {"top": "-1"}, None, "InvalidRequest", "top must be") for path in EVALUATIONS),
    *(("GET", path, {"maxpagesize": "0"}, None, "InvalidRequest", "maxpagesize must be") for path in EVALUATIONS),
    ("GET", EVALUATIONS[0], {"filter": "name eq 'x'"}, None, "InvalidRequest", "evaluationType eq 'Manual'"),
    ("GET", f"{EVALUATIONS[0]}/e", {}, None, "InvalidRequest", "startTime is missing"),
    ("GET", f"{EVALUATIONS[0]}/e", PERIOD | {"window": "Rolling"}, None, "InvalidEvaluationContract", "60 or 360"),
    *(
        (method, f"{path}/{'x' * 257}", PERIOD, EVALUATION, "InvalidRequest", "1 to 256 characters")
        for method in ("GET", "PUT", "DELETE")
        for path in EVALUATIONS
    ),
    ("PUT", f"{EVALUATIONS[0]}/e", {}, PERIOD, "InvalidEvaluationContract", "name is missing"),
    ("PUT", f"{EVALUATIONS[1]}/f", {}, PERIOD, "InvalidContract", "name is missing"),
    ("PUT", f"{EVALUATIONS[1]}/f", {}, None, "BadRequest", "the body is empty"),
    ("POST", "/personalizer/configurations/applyFromEvaluation", {}, {}, "InvalidRequest", "evaluationId is missing"),
]


@pytest.mark.parametrize(("method", "path", "query", "body", "code", "hint"), REFUSED)
def test_what_evaluations_are_asked_for_is_checked(
    system: System, method: str, path: str, query: dict[str, str], body: Any, code: str, hint: str
) -> None:
    answer = call(system, method, path, params=query | {"api-version": "2022-09-01-preview"}, json=body)
    status, found, message = error(answer)
    assert (status, found) == (400, code)
    assert hint in message


def test_evaluations_of_v1_are_checked_as_far_as_it_has_parameters(system: System) -> None:
    assert call(system, "GET", "/personalizer/v1.0/evaluations?top=-1").status_code == 200
    assert call(system, "GET", "/personalizer/v1.0/evaluations/e").status_code == 404
    refused = call(system, "POST", "/personalizer/v1.1-preview.3/evaluations", json=EVALUATION | {"policies": None})
    assert error(refused)[:2] == (400, "InvalidEvaluationContract")
    unlogged = call(system, "POST", "/personalizer/v1.1-preview.3/evaluations", json=EVALUATION)
    assert error(unlogged)[:2] == (400, "NoLogsExistInDateRange")


def test_every_fault_of_a_document_has_the_code_of_the_version(system: System) -> None:
    body = CONFIGURATION | {"logMirrorSasUri": "ftp://host/container", "defaultReward": 7}
    answer = call(system, "PUT", f"/personalizer/configurations/service?{QUERY}", json=body)
    assert error(answer)[:2] == (400, "InvalidServiceConfiguration")
    codes = {one["target"]: one["code"] for one in answer.json()["error"]["details"]}
    assert codes == {"logMirrorSasUri": "InvalidSasUri", "defaultReward": "InvalidServiceConfiguration"}
