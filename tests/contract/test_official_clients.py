"""Microsoft's own clients, unchanged, against the running service."""

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from azure.cognitiveservices.personalizer import PersonalizerClient
from azure.cognitiveservices.personalizer.models import (
    ErrorResponseException,
    RankableAction,
    RankRequest,
    RewardRequest,
)
from harness import rlc
from harness.system import ADMIN_KEY, APP_KEY, CONFIGURATION, System
from msrest.authentication import CognitiveServicesCredentials
from msrest.exceptions import HttpOperationError

from local.azurite import find_node, npm_packages

PACKAGES = ["@azure/cognitiveservices-personalizer@2.0.1", "@azure-rest/ai-personalizer@1.0.0-beta.1"]
CREDENTIALS = "@azure/ms-rest-azure-js@2.1.0"


def ran(script: str, *arguments: str) -> dict[str, Any]:
    """What a script in `clients/` prints, with the npm clients at hand."""
    folder = npm_packages("personalizer-clients-2.0.1", *PACKAGES, CREDENTIALS)
    command = [find_node(), "--no-deprecation", str(Path(__file__).parent / "clients" / script), *arguments]
    environment = os.environ | {"NODE_PATH": str(folder / "node_modules")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


def actions() -> list[RankableAction]:
    kinds = {"NewsArticle": "News", "SportsArticle": "Sports", "EntertainmentArticle": "Entertainment"}
    return [RankableAction(id=name, features=[{"type": kind}, {"length": [1, 2]}]) for name, kind in kinds.items()]


def client(system: System, key: str = APP_KEY) -> PersonalizerClient:
    return PersonalizerClient(system.url, CognitiveServicesCredentials(key))


def test_python(system: System) -> None:
    request = RankRequest(
        actions=actions(), context_features=[{"timeOfDay": "Morning"}], excluded_actions=["SportsArticle"]
    )
    answer = client(system).rank(request)
    probabilities = {one.id: one.probability for one in answer.ranking}
    assert set(probabilities) == {"NewsArticle", "SportsArticle", "EntertainmentArticle"}
    assert probabilities["SportsArticle"] == 0
    assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert answer.ranking[1].id == "SportsArticle"
    assert answer.reward_action_id == answer.ranking[0].id
    client(system).events.activate(answer.event_id)
    client(system).events.reward(answer.event_id, value=1.0)
    client(system).events.reward(answer.event_id, RewardRequest(value=0.5).value)


def test_python_with_an_event_id_of_its_own(system: System) -> None:
    request = RankRequest(actions=actions(), event_id="py/event 1 ä", defer_activation=True)
    assert client(system).rank(request).event_id == "py/event 1 ä"
    client(system).events.activate("py/event 1 ä")
    client(system).events.reward("py/event 1 ä", value=-1.0)


def test_python_reads_the_errors(system: System) -> None:
    with pytest.raises(ErrorResponseException) as refused:
        client(system).rank(RankRequest(actions=[]))
    assert refused.value.response.status_code == 400
    assert refused.value.error.error.code == "InvalidRankRequest"
    assert refused.value.error.error.message.startswith("Action count should be between 1 and 50.")
    with pytest.raises(ErrorResponseException) as refused:
        client(system, "wrong").rank(RankRequest(actions=actions()))
    assert refused.value.response.status_code == 401
    with pytest.raises(HttpOperationError) as failed:
        client(system).events.reward("e", value=7.0)
    assert failed.value.response.status_code == 400


def test_npm_cognitiveservices(system: System) -> None:
    answers = ran("cognitiveservices.js", system.url, APP_KEY)
    rank = answers["rank"]
    assert (rank["status"], answers["activate"], answers["reward"]) == (201, 204, 204)
    assert rank["eventId"] == "npm/event 1 ä"
    probabilities = {one["id"]: one["probability"] for one in rank["ranking"]}
    assert probabilities["SportsArticle"] == 0
    assert sum(probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert rank["rewardActionId"] == rank["ranking"][0]["id"]
    assert answers["invalid"] == {"status": 400, "code": "InvalidRankRequest"}
    assert answers["unauthorized"] == {"status": 401, "code": "Unauthorized"}
    assert answers["outOfRange"] == {"status": 400, "code": "InvalidRewardRequest"}


def test_npm_rest(system: System) -> None:
    answers = ran("rest.js", system.url, ADMIN_KEY)
    statuses = {name: answer["status"] for name, answer in answers.items()}
    expected = dict.fromkeys(["read", "written", "policy", "properties"], 200)
    assert statuses == expected | {"rank": 201, "activate": 204, "reward": 204, "invalid": 400}
    rank = answers["rank"]["body"]
    assert rank["eventId"] == "rest/event 1 ä"
    assert {one["id"] for one in rank["ranking"]} == {"NewsArticle", "SportsArticle"}
    assert rank["rewardActionId"] == rank["ranking"][0]["id"]
    read = answers["read"]["body"]
    assert {name: read[name] for name in CONFIGURATION} == CONFIGURATION
    assert {name: answers["written"]["body"][name] for name in CONFIGURATION} == CONFIGURATION
    assert answers["policy"]["body"]["name"] == "default"
    assert set(answers["properties"]["body"]) == {"creationTime", "lastModifiedTime"}
    assert answers["invalid"]["body"]["error"]["code"] == "InvalidRankRequest"


SWAGGER = json.loads((Path(__file__).parent / "swagger" / "v1.1-preview.3.json").read_text())
# Every operation of v1.1-preview.3: the statuses of its swagger, but of evaluations, for the loop has no log.
STATUSES = {
    "GET /configurations/service": 200,
    "PUT /configurations/service": 200,
    "GET /configurations/policy": 200,
    "PUT /configurations/policy": 200,
    "DELETE /configurations/policy": 200,
    "POST /configurations/applyFromEvaluation": 404,
    "GET /evaluations": 200,
    "POST /evaluations": 400,
    "GET /evaluations/{evaluationId}": 404,
    "DELETE /evaluations/{evaluationId}": 404,
    "POST /rank": 201,
    "POST /events/{eventId}/reward": 204,
    "POST /events/{eventId}/activate": 204,
    "POST /multislot/rank": 201,
    "POST /multislot/events/{eventId}/reward": 204,
    "POST /multislot/events/{eventId}/activate": 204,
    "POST /logs/interactions": 204,
    "POST /logs/observations": 204,
    "GET /logs/properties": 200,
    "DELETE /logs": 204,
    "GET /model": 200,
    "PUT /model": 204,
    "DELETE /model": 204,
    "GET /model/properties": 200,
}


@pytest.fixture(scope="module")
def all_operations(system: System) -> dict[str, Any]:
    """What the npm client got from every operation, on a loop of its own."""
    loop, owner = f"{system.url}/loops/npm", {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
    made = httpx.put(loop, headers=owner, timeout=30)
    assert made.status_code == 201, made.text
    batches = [rlc.batch(rlc.decision("local")), rlc.batch(rlc.outcome("local", 1.0))]
    encoded = [base64.b64encode(one).decode() for one in batches]
    answers = ran("all_operations.js", loop, made.json()["adminKeys"][0], *encoded)
    assert httpx.delete(loop, headers=owner, timeout=30).status_code == 204
    return answers


def test_npm_rest_does_all_24_operations(all_operations: dict[str, Any]) -> None:
    assert STATUSES.keys() == SWAGGER["operations"].keys()
    assert len(STATUSES) == 24
    assert {name: answer["status"] for name, answer in all_operations.items()} == STATUSES


@pytest.mark.parametrize("operation", sorted(STATUSES))
def test_npm_rest_reads_what_the_swagger_promises(all_operations: dict[str, Any], operation: str) -> None:
    answer, responses = all_operations[operation], SWAGGER["operations"][operation]["responses"]
    if answer["status"] >= 400:
        assert answer["body"]["error"]["code"] in ("NoLogsExistInDateRange", "EvaluationNotFound")
    elif answer["status"] == 204:
        assert not answer.get("body")
    elif operation == "GET /model":
        assert answer["body"]["start"] == "PK"  # a zip
    else:
        schema = responses[str(answer["status"])]
        jsonschema.validate(answer["body"], schema | {"definitions": SWAGGER["definitions"]})
