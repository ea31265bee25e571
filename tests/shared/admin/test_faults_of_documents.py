"""Documents: every fault is told at once, each with its path; what ASP.NET took is taken."""

import json
import subprocess
import sys
from typing import Any

import pytest
from harness.system import PROJECT

from shared.admin import policy_body
from shared.admin.configuration_body import updated
from shared.errors import ApiError
from shared.loops.config import AutoOptimization, LoopConfig, Policy

VALID: dict[str, Any] = {
    "rewardWaitTime": "PT5M",
    "defaultReward": 0,
    "rewardAggregation": "earliest",
    "explorationPercentage": 0.2,
    "modelExportFrequency": "PT1M",
    "logRetentionDays": 7,
}
STORED = LoopConfig(wait=300, policy=Policy("slots", "--ccb_explore_adf"))


def put(*also: tuple[str, Any], stored: LoopConfig = STORED, **changed: Any) -> LoopConfig:
    """The valid configuration with members changed and others added, which may be there already in another case."""
    members = [(name, value) for name, value in (VALID | changed).items() if value is not ...]
    body = ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in (*members, *also))
    return updated(stored, f"{{{body}}}".encode(), "2026-01-01T00:00:00Z")


def refusal(*also: tuple[str, Any], **changed: Any) -> tuple[str, list[tuple[str, str | None]]]:
    """Code of the refusal, and code and target of its details."""
    with pytest.raises(ApiError) as refused:
        put(*also, **changed)
    error = json.loads(refused.value.body())["error"]
    for detail in error["details"]:
        assert detail["message"] in error["message"]
    return error["code"], [(detail["code"], detail["target"]) for detail in error["details"]]


def test_three_faults_are_told_at_once_each_with_its_own_code() -> None:
    code, details = refusal(rewardWaitTime="P3D", defaultReward=2, logMirrorSasUri="ftp://x")
    assert code == "InvalidServiceConfiguration"
    assert details == [
        ("InvalidRewardWaitTime", "rewardWaitTime"),
        ("InvalidServiceConfiguration", "defaultReward"),
        ("InvalidContainer", "logMirrorSasUri"),
    ]


def test_one_fault_is_told_under_its_own_code_and_is_a_detail_too() -> None:
    with pytest.raises(ApiError) as refused:
        put(logRetentionDays=1)
    told = {"code": "InvalidLogRetentionDays", "target": "logRetentionDays"}
    told["message"] = "logRetentionDays must be -1 or at least rewardWaitTime + 1 day."
    assert json.loads(refused.value.body()) == {"error": told | {"details": [told]}}


def test_rules_of_several_members_are_told_beside_the_faults_of_others() -> None:
    changed = {"defaultReward": 2, "logRetentionDays": 1, "learningMode": "Apprentice", "rewardAggregation": "sum"}
    code, details = refusal(**changed, modelRetrainDays=3, isAutoOptimizationEnabled=True)
    assert code == "InvalidServiceConfiguration"
    assert details == [
        ("InvalidServiceConfiguration", "defaultReward"),
        ("InvalidLogRetentionDays", "logRetentionDays"),
        ("InvalidLearningModeServiceConfiguration", "learningMode"),
        ("ProblemTypeIncompatibleWithAutoOptimization", "isAutoOptimizationEnabled"),
    ]


def test_a_rule_says_nothing_of_what_it_needs_and_is_not_valid() -> None:
    _, details = refusal(rewardWaitTime="soon", logRetentionDays=2, learningMode="Apprentice")
    assert details == [("InvalidRewardWaitTime", "rewardWaitTime")]
    _, details = refusal(logRetentionDays="many", modelRetrainDays=1_000)
    assert details == [("InvalidServiceConfiguration", "logRetentionDays")]


@pytest.mark.parametrize("days", [0, 1, "1"])
def test_a_retention_that_fits_no_wait_is_told_and_not_the_retraining_beside_it(days: object) -> None:
    _, details = refusal(rewardWaitTime="PT49H", defaultReward=2, logRetentionDays=days, modelRetrainDays=2)
    assert details == [
        ("InvalidRewardWaitTime", "rewardWaitTime"),
        ("InvalidServiceConfiguration", "defaultReward"),
        ("InvalidLogRetentionDays", "logRetentionDays"),
    ]


def test_an_empty_document_lacks_everything() -> None:
    _, details = refusal(**dict.fromkeys(VALID, ...))
    assert [target for _, target in details] == list(VALID)


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"x"'])
def test_what_is_no_object_is_one_fault_without_a_path(body: bytes) -> None:
    with pytest.raises(ApiError) as refused:
        updated(STORED, body, "")
    told = {"code": "InvalidServiceConfiguration", "message": "The body must be an object."}
    assert json.loads(refused.value.body()) == {"error": told | {"details": [told]}}


@pytest.mark.parametrize("body", [b"", b"{", b'{"defaultReward":NaN}', b"[" * 200_000])
def test_what_is_not_json_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(ApiError) as refused:
        updated(STORED, body, "")
    assert (refused.value.status, refused.value.code) == (400, "BadRequest")


def test_an_answer_does_not_grow_with_what_is_wrong() -> None:
    with pytest.raises(ApiError) as refused:
        put(rewardWaitTime="x" * 100_000, modelExportFrequency="y" * 100_000)
    assert len(refused.value.body()) < 10_000


def test_a_policy_has_its_faults_told_together() -> None:
    body = json.dumps({"name": "x" * 257, "arguments": "--ccb_explore_adf"}).encode()
    stored = LoopConfig(auto_optimization=AutoOptimization(enabled=True))
    with pytest.raises(ApiError) as refused:
        policy_body.policy(body, stored)
    assert (refused.value.status, refused.value.code) == (400, "InvalidPolicyContract")
    codes = [fault.code for fault in refused.value.faults]
    assert codes == ["InvalidPolicyContract", "ProblemTypeIncompatibleWithAutoOptimization"]


@pytest.mark.parametrize(
    ("member", "text", "value"),
    [
        ("defaultReward", "0.5", 0.5),
        ("defaultReward", " +5e-1 ", 0.5),
        ("defaultReward", ".5", 0.5),
        ("explorationPercentage", "1.", 1),
        ("logRetentionDays", "30", 30),
        ("modelRetrainDays", " 7", 7),
        ("logMirrorEnabled", "true", True),
        ("isInferenceExplainabilityEnabled", " True ", True),
        ("rewardAggregation", "MEDIAN", "median"),
        ("learningMode", "apprentice", "Apprentice"),
    ],
)
def test_text_is_taken_where_something_else_is_due_and_enumerations_in_any_case(
    member: str, text: str, value: Any
) -> None:
    assert put(**{member: text}) == put(**{member: value}) != put()


@pytest.mark.parametrize(
    ("member", "value"),
    [
        *(
            ("defaultReward", value)
            for value in (True, None, {}, [], "NaN", "Infinity", "1e999", "0x1", "1_0", "", "x")
        ),
        *(("defaultReward", value) for value in (10**400, "9" * 5_000)),
        *(("logRetentionDays", value) for value in (True, 7.0, "7.0", "7e0", "1_0", "٧", "9" * 5_000, {})),
        *(("logMirrorEnabled", value) for value in (1, 0, "1", "yes", "", {})),
        *(("learningMode", value) for value in (0, "", "on", ["Online"])),
        *(("rewardWaitTime", value) for value in (600, True, None, ["PT10M"])),
    ],
)
def test_what_aspnet_did_not_take_is_refused(member: str, value: Any) -> None:
    code, details = refusal(**{member: value})
    assert (code, details) == ("InvalidServiceConfiguration", [("InvalidServiceConfiguration", member)])


def test_members_are_read_in_any_case() -> None:
    assert put(("DefaultReward", 0.5), defaultReward=...).default_reward == 0.5
    assert put(("LEARNINGMODE", "LoggingOnly")).mode == "LoggingOnly"
    assert put(("default_reward", 0.5), ("x", 1)) == put()


def test_a_member_that_is_there_in_two_cases_is_refused_beside_other_faults() -> None:
    _, details = refusal(("DefaultReward", 0.5), logRetentionDays=-2)
    assert [target for _, target in details] == ["defaultReward", "logRetentionDays"]
    for name, value in (("learningMode", "Online"), ("logMirrorEnabled", True), ("modelRetrainDays", None)):
        _, details = refusal((name.upper(), value), **{name: value})
        assert details == [("InvalidServiceConfiguration", name)]


@pytest.mark.parametrize("module", ["function_app", "shared.training.trainer", "shared.vw.learner", "shared.rank.wire"])
def test_processes_that_rank_and_learn_start_without_pydantic(module: str) -> None:
    program = f"import sys, {module}; sys.exit('pydantic' in sys.modules or 'pydantic_core' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=PROJECT, timeout=60).returncode == 0
