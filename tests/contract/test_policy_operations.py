"""The learning policy and the configuration that goes with it, over HTTP."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from harness.system import ADMIN_KEY, CONFIGURATION, System

EXAMPLE = {
    "name": "myPersonalizer",
    "arguments": "--cb_explore_adf --epsilon 0.2 --dsjson --cb_type ips -l 0.5 --l1 1E-07 --power_t 0.5",
}


@pytest.fixture
def admin(system: System) -> Iterator[httpx.Client]:
    """An administrator's client of a new loop."""
    url, headers = f"{system.url}/loops/policy-{uuid.uuid4().hex[:8]}", {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
    assert httpx.put(url, headers=headers, timeout=30).status_code == 201
    with httpx.Client(base_url=f"{url}/personalizer/v1.0/", headers=headers, timeout=60) as client:
        yield client
    assert httpx.delete(url, headers=headers, timeout=30).status_code == 204


def put(admin: httpx.Client, arguments: str, name: str = "p") -> httpx.Response:
    return admin.put("configurations/policy", json={"name": name, "arguments": arguments})


def test_the_example_is_taken_without_its_input_format(admin: httpx.Client) -> None:
    expected = EXAMPLE | {"arguments": EXAMPLE["arguments"].replace("--dsjson ", "")}
    answer = admin.put("configurations/policy", json=EXAMPLE)
    assert (answer.status_code, answer.json()) == (200, expected)
    assert admin.get("configurations/policy").json() == expected


def test_delete_answers_the_default(admin: httpx.Client) -> None:
    default = admin.get("configurations/policy").json()
    assert put(admin, "--cb_explore_adf --bag 3").json()["name"] == "p"
    for answer in (admin.delete("configurations/policy"), admin.get("configurations/policy")):
        assert (answer.status_code, answer.json()) == (200, default)


def test_exploration_and_policy_agree_both_ways(admin: httpx.Client) -> None:
    assert put(admin, "--cb_explore_adf --epsilon=0.05 -q ::").status_code == 200
    configuration = admin.get("configurations/service").json()
    assert configuration["explorationPercentage"] == 0.05
    changed = configuration | {"explorationPercentage": 0.4}
    assert admin.put("configurations/service", json=changed).status_code == 200
    assert admin.get("configurations/policy").json()["arguments"] == "--cb_explore_adf --epsilon 0.4 -q ::"
    assert put(admin, "--cb_explore_adf -q::").json()["arguments"] == "--cb_explore_adf -q :: --epsilon 0.4"
    assert put(admin, "--cb_explore_adf --squarecb").json()["arguments"] == "--cb_explore_adf --squarecb"
    assert admin.get("configurations/service").json()["explorationPercentage"] == 0.4


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("--cb_explore_adf -f model.vw", "-f is not an option of a learning policy"),
        ("--cb_explore_adf --initial_regressor=/etc/passwd", "is not an option of a learning policy"),
        ("--cb_explore_adf --json --csv", "--csv is not an option"),
        ("--cats 4 --min_value 0 --max_value 1 --bandwidth 1", "continuous actions are not served"),
        ("--oaa 3", "is not an option of a learning policy"),
        ("-q ::", "must explore with --cb_explore_adf"),
        ("--cb_explore_adf --softmax --bag x", "--bag x has a value that is not allowed"),
        ("--cb_explore_adf --ftrl --pistol", "You can only use one of 'ftrl', 'pistol', or 'coin' at a time."),
        ("é", "'é' is not an option"),
        (" ", "must explore"),
        ('"--cb_explore_adf"', 'arguments: "--cb_explore_adf" must be without quotation marks.'),
        ("--cb_explore_adf --ccb_explore_adf", "either with --cb_explore_adf or"),
    ],
)
def test_a_policy_that_may_not_be_is_refused_and_changes_nothing(
    admin: httpx.Client, arguments: str, reason: str
) -> None:
    before = admin.get("configurations/policy").json()
    answer = put(admin, arguments)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidPolicyConfiguration")
    message = answer.json()["error"]["message"]
    assert answer.json()["error"]["details"] == [
        {"code": "InvalidPolicyConfiguration", "message": message, "target": "arguments"}
    ]
    assert (reason in message, message[-2:] != "..") == (True, True), message
    assert admin.get("configurations/policy").json() == before
    assert not Path("model.vw").exists()


@pytest.mark.parametrize(
    "body",
    [
        {"name": "p"},
        {"arguments": "--cb_explore_adf"},
        {"name": "", "arguments": "--cb_explore_adf"},
        {"name": "x" * 257, "arguments": "--cb_explore_adf"},
        {"name": "p", "arguments": ""},
        {"name": "p", "arguments": None},
        {"name": "p", "arguments": "--cb_explore_adf" + " -q ab" * 200},
        {"name": "p", "arguments": "--cb_explore_adf" + " " * 1010},
        [],
    ],
)
def test_a_contract_that_is_none_is_refused(admin: httpx.Client, body: object) -> None:
    answer = admin.put("configurations/policy", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidPolicyContract")


def test_the_learning_mode_changes_alone(admin: httpx.Client) -> None:
    assert admin.put("configurations/service", json=CONFIGURATION).status_code == 200
    apprentice = CONFIGURATION | {"learningMode": "Apprentice"}
    both = admin.put("configurations/service", json=apprentice | {"defaultReward": 0.5})
    assert (both.status_code, both.json()["error"]["code"]) == (400, "InvalidLearningModeServiceConfiguration")
    assert admin.put("configurations/service", json=apprentice).json()["learningMode"] == "Apprentice"
    assert admin.put("configurations/service", json=CONFIGURATION).json()["learningMode"] == "Apprentice"
