"""What asks for an evaluation: the contract's rules, with the codes that its versions know."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.admin import evaluation_bodies
from shared.errors import ApiError

POLICY = {"name": "mine", "arguments": "--cb_explore_adf --epsilon 0.2 --dsjson --cb_type ips -l 0.5 --l1 1E-07"}
VALID: dict[str, Any] = {
    "name": "myFirstEvaluation",
    "startTime": "2018-12-19T00:00:00Z",
    "endTime": "2019-01-19T00:00:00Z",
    "policies": [POLICY],
}
Read = Callable[[bytes], Any]
EVALUATIONS: list[Read] = [evaluation_bodies.evaluation, evaluation_bodies.offline_evaluation]


def body(**changed: Any) -> bytes:
    return json.dumps({name: value for name, value in (VALID | changed).items() if value is not ...}).encode()


def refusal(read: Read, given: bytes) -> ApiError:
    with pytest.raises(ApiError) as refused:
        read(given)
    assert refused.value.status == 400
    return refused.value


@pytest.mark.parametrize("read", EVALUATIONS)
def test_an_evaluation_is_read(read: Read) -> None:
    given = read(body(policies=[POLICY, POLICY | {"name": "Mine too"}]))
    assert given.name == "myFirstEvaluation"
    assert given.end_time - given.start_time == timedelta(days=31)
    assert [policy.name for policy in given.policies] == ["mine", "Mine too"]
    assert not given.optimizes
    assert read(body(policies=[])).policies == []


def test_each_version_has_its_own_name_for_optimization() -> None:
    both = {"enableOfflineExperimentation": "True", "enablePolicyOptimization": False}
    assert evaluation_bodies.evaluation(body(**both)).optimizes is True
    assert evaluation_bodies.offline_evaluation(body(**both)).optimizes is False


@pytest.mark.parametrize("name", ["a/b", "..", "%2F", "\u0001", "x" * 256, "Hyper", "online 2", "Inter-len"])
def test_names_are_free(name: str) -> None:
    assert evaluation_bodies.evaluation(body(name=name, policies=[POLICY | {"name": name}])).policies[0].name == name


def test_a_time_without_a_zone_is_utc_and_an_end_may_be_in_the_future() -> None:
    given = evaluation_bodies.evaluation(body(startTime="2018-12-19", endTime="2999-01-01T00:00:00.1234567+01:00"))
    assert given.start_time == datetime(2018, 12, 19, tzinfo=UTC)
    assert given.end_time > datetime.now(UTC)


@pytest.mark.parametrize("read", EVALUATIONS)
@pytest.mark.parametrize(
    ("changed", "target", "inner"),
    [
        ({"name": ""}, "name", None),
        ({"name": "x" * 257}, "name", None),
        ({"name": 7}, "name", None),
        ({"startTime": "soon"}, "startTime", None),
        ({"startTime": 1545177600}, "startTime", None),
        ({"startTime": "2998-01-01", "endTime": "2999-01-01"}, "startTime", None),
        ({"endTime": ...}, "endTime", None),
        ({"endTime": "2018-12-18T23:59:59Z"}, "endTime", "InvalidDateTimesInEvaluationContract"),
        ({"policies": None}, "policies", None),
        ({"policies": {"0": POLICY}}, "policies", None),
        ({"policies": [None]}, "policies[0]", None),
        ({"policies": [POLICY, {"name": "b"}]}, "policies[1].arguments", None),
        ({"policies": [POLICY | {"arguments": "x" * 1025}]}, "policies[0].arguments", None),
        *(
            ({"policies": [POLICY | {"name": name}]}, "policies[0].name", None)
            for name in ("Online", "online", "BASELINE1", "BaselineRand", "Hyper1", "inter-len12")
        ),
        ({"policies": [POLICY, POLICY | {"name": "MINE"}]}, "policies[1].name", "DuplicateCustomPolicyNames"),
        ({"policies": [POLICY] * 11}, "policies", "MaximumEvaluationCustomPoliciesExceeded"),
    ],
)
def test_refused(read: Read, changed: dict[str, Any], target: str, inner: str | None) -> None:
    error = refusal(read, body(**changed))
    assert (error.code, error.target, error.inner) == ("InvalidEvaluationContract", target, inner)
    answer = json.loads(error.body())["error"]
    assert answer.get("innerError") == answer["details"][0].get("innerError") == ({"code": inner} if inner else None)


@pytest.mark.parametrize("read", EVALUATIONS)
def test_a_policy_that_may_not_be_is_refused_as_where_it_is_put(read: Read) -> None:
    error = refusal(read, body(policies=[POLICY, POLICY | {"name": "b", "arguments": "--cb_explore_adf -f x"}]))
    assert (error.code, error.target) == ("InvalidPolicyConfiguration", "policies[1].arguments")
    assert "-f is not an option of a learning policy" in error.message


def test_several_faults_are_told_at_once() -> None:
    error = refusal(evaluation_bodies.evaluation, body(name="", endTime="2017-01-01", policies=[POLICY, 3, {}]))
    assert error.code == "InvalidEvaluationContract"
    told = [fault.target for fault in error.faults]
    assert told == ["name", "endTime", "policies[1]", "policies[2].name", "policies[2].arguments"]


def test_a_policy_reference_is_read_and_a_numeric_id_is_text() -> None:
    read = evaluation_bodies.policy_reference
    assert read(b'{"EvaluationId":101,"policyName":"online"}').evaluation_id == "101"
    for wrong in (b'{"evaluationId":true,"policyName":"p"}', b'{"evaluationId":"","policyName":"p"}'):
        assert (refusal(read, wrong).code, refusal(read, wrong).target) == ("InvalidRequest", "evaluationId")
    assert [fault.target for fault in refusal(read, b"{}").faults] == ["evaluationId", "policyName"]


def test_a_feature_importance_is_read() -> None:
    read = evaluation_bodies.feature_importance
    assert read(body(policies=...)).name == "myFirstEvaluation"
    error = refusal(read, body(endTime="2017-01-01"))
    assert (error.code, error.target, error.inner) == ("InvalidContract", "endTime", None)
    assert refusal(read, b"{").code == "BadRequest"
