import json
from typing import Any

import msgspec
import pytest

from shared.admin.configuration_body import of, updated
from shared.errors import ApiError
from shared.loops.blob_names import blob_name
from shared.loops.config import LoopConfig, Policy, decode_config

EDITED = "2026-01-01T00:00:00Z"
VALID: dict[str, Any] = {
    "rewardWaitTime": "PT5M",
    "defaultReward": -0.5,
    "rewardAggregation": "sum",
    "explorationPercentage": 0.3,
    "modelExportFrequency": "00:00:15",
    "logRetentionDays": 7,
}
# What a client of v1.0 says nothing of.
UNCHANGED: dict[str, Any] = {
    "logMirrorEnabled": False,
    "learningMode": "Online",
    "isAutoOptimizationEnabled": False,
    "autoOptimizationFrequency": "P28D",
    "isInferenceExplainabilityEnabled": False,
    "holdbackPercentage": 0.0,
}
OPTIONAL: dict[str, Any] = {
    "logMirrorEnabled": True,
    "logMirrorSasUri": "https://example.org/container?sig=x",
    "learningMode": "Apprentice",
    "isAutoOptimizationEnabled": True,
    "autoOptimizationFrequency": "P7D",
    "autoOptimizationStartDate": "2019-01-19T00:00:00Z",
    "modelRetrainDays": 7,
    "isInferenceExplainabilityEnabled": True,
}
MULTI_SLOT = Policy("slots", "--ccb_explore_adf --epsilon 0.4")


def put(**changed: Any) -> LoopConfig:
    body = {name: value for name, value in (VALID | changed).items() if value is not ...}
    return updated(LoopConfig(), json.dumps(body).encode(), EDITED)


def test_a_configuration_comes_back_as_it_was_put_with_iso_durations() -> None:
    wire = of(put()).wire()
    assert wire == VALID | UNCHANGED | {"modelExportFrequency": "PT15S", "lastConfigurationEditDate": EDITED}


@pytest.mark.parametrize("absent", [..., None])
def test_optional_members_are_kept_until_they_are_put_again(absent: Any) -> None:
    config = put()
    for name, value in OPTIONAL.items():
        config = updated(config, json.dumps(VALID | {name: value}).encode(), EDITED)
    again = {name: absent for name in OPTIONAL if absent is None}
    config = updated(config, json.dumps(VALID | again).encode(), EDITED)
    wire = of(config).wire()
    assert {name: wire[name] for name in OPTIONAL} == OPTIONAL
    assert decode_config(config.encoded()) == config


@pytest.mark.parametrize("changed", [{"defaultReward": 1}, {"rewardWaitTime": "PT1M"}, {"rewardAggregation": "max"}])
def test_the_learning_mode_is_not_changed_together_with_rewards(changed: dict[str, Any]) -> None:
    config = put()
    for body in (VALID | {"learningMode": "Apprentice"}, VALID | changed, VALID | changed | {"learningMode": "Online"}):
        updated(config, json.dumps(body).encode(), EDITED)
    with pytest.raises(ApiError) as refused:
        updated(config, json.dumps(VALID | changed | {"learningMode": "LoggingOnly"}).encode(), EDITED)
    assert refused.value.code == "InvalidLearningModeServiceConfiguration"


def test_retraining_reaches_as_far_as_the_log() -> None:
    config = put(modelRetrainDays=7)
    assert updated(config, json.dumps(VALID | {"logRetentionDays": 3}).encode(), EDITED).retrain_days == 3
    assert put(modelRetrainDays=1_000, logRetentionDays=-1).retrain_days == 1_000


def test_a_policy_sets_the_exploration_it_has() -> None:
    config = put()
    assert config.with_policy(Policy("p", "--cb_explore_adf --epsilon 0.05")).exploration == 0.05
    assert config.with_policy(Policy("p", "--cb_explore_adf --squarecb")).exploration == 0.3


def test_multi_slot_and_automatic_optimization_exclude_each_other() -> None:
    config, body = put().with_policy(MULTI_SLOT), json.dumps(VALID | {"isAutoOptimizationEnabled": True}).encode()
    for refused in (
        lambda: updated(config, body, EDITED),
        lambda: updated(put(), body, EDITED).with_policy(MULTI_SLOT),
    ):
        with pytest.raises(ApiError) as error:
            refused()
        assert (error.value.status, error.value.code) == (403, "ProblemTypeIncompatibleWithAutoOptimization")


def test_the_defaults_are_a_valid_configuration() -> None:
    default = LoopConfig()
    again = updated(default, msgspec.json.encode(of(default).wire()), default.edited)
    assert again == default


def test_what_is_stored_reads_the_same() -> None:
    assert decode_config(put().encoded()) == put()
    with pytest.raises(msgspec.DecodeError):
        decode_config(b"{}x")


@pytest.mark.parametrize(
    ("changed", "code", "message"),
    [
        ({"rewardWaitTime": "PT0.5S"}, "InvalidRewardWaitTime", "at least PT1S and at most P2D"),
        ({"rewardWaitTime": "P2DT1S"}, "InvalidRewardWaitTime", "at least PT1S and at most P2D"),
        ({"rewardWaitTime": "10 minutes"}, "InvalidRewardWaitTime", "ISO 8601 such as PT10M, or hh:mm:ss"),
        ({"rewardWaitTime": ""}, "InvalidRewardWaitTime", "ISO 8601 such as PT10M, or hh:mm:ss"),
        ({"rewardWaitTime": 600}, "InvalidServiceConfiguration", "rewardWaitTime must be text"),
        ({"rewardWaitTime": ...}, "InvalidServiceConfiguration", "rewardWaitTime is missing."),
        ({"modelExportFrequency": "PT0S"}, "InvalidServiceConfiguration", "modelExportFrequency must be at least PT1S"),
        ({"modelExportFrequency": "P366D"}, "InvalidServiceConfiguration", "at most P365D"),
        ({"modelExportFrequency": "soon"}, "InvalidServiceConfiguration", "modelExportFrequency: 'soon' is not"),
        ({"modelExportFrequency": f"P{10**9}D"}, "InvalidServiceConfiguration", "too long"),
        ({"defaultReward": 1.01}, "InvalidServiceConfiguration", "defaultReward must be at most 1."),
        ({"defaultReward": -1.01}, "InvalidServiceConfiguration", "defaultReward must be at least -1."),
        ({"defaultReward": True}, "InvalidServiceConfiguration", "defaultReward must be a number."),
        ({"rewardAggregation": "mode"}, "InvalidServiceConfiguration", "earliest, average, median, sum, min, max"),
        ({"explorationPercentage": 1.1}, "InvalidServiceConfiguration", "explorationPercentage must be at most 1."),
        ({"explorationPercentage": -0.1}, "InvalidServiceConfiguration", "explorationPercentage must be at least 0."),
        ({"explorationPercentage": ...}, "InvalidServiceConfiguration", "explorationPercentage is missing."),
        ({"modelRetrainDays": 8}, "InvalidModelRetrainDays", "from 0 to logRetentionDays"),
        ({"modelRetrainDays": -1}, "InvalidModelRetrainDays", "from 0 to logRetentionDays"),
        ({"modelRetrainDays": 1.5}, "InvalidServiceConfiguration", "modelRetrainDays must be a whole number."),
        (
            {"learningMode": "off"},
            "InvalidServiceConfiguration",
            "learningMode must be one of Online, Apprentice, LoggingOnly.",
        ),
        ({"autoOptimizationFrequency": "PT1H"}, "InvalidServiceConfiguration", "at least P1D"),
        ({"autoOptimizationStartDate": "soon"}, "InvalidServiceConfiguration", "ISO 8601"),
        ({"isInferenceExplainabilityEnabled": 1}, "InvalidServiceConfiguration", "isInferenceExplainabilityEnabled"),
        ({"logRetentionDays": -2}, "InvalidServiceConfiguration", "logRetentionDays must be at least -1."),
        ({"logRetentionDays": 2**31}, "InvalidServiceConfiguration", "logRetentionDays must be at most 2147483647."),
        ({"logRetentionDays": 1.5}, "InvalidServiceConfiguration", "logRetentionDays must be a whole number."),
        ({"logRetentionDays": 0}, "InvalidLogRetentionDays", "-1 or at least rewardWaitTime + 1 day"),
        ({"logRetentionDays": 1}, "InvalidLogRetentionDays", "-1 or at least rewardWaitTime + 1 day"),
        ({"logRetentionDays": 2, "rewardWaitTime": "P1DT1S"}, "InvalidLogRetentionDays", "rewardWaitTime + 1 day"),
        *(
            ({"logMirrorSasUri": uri}, "InvalidContainer", "https://host/container")
            for uri in ("x", "/container", "https://", "https://h", "https://[x/c", "http://h/c?sig=x", "ftp://h/c")
        ),
    ],
)
def test_refused(changed: dict[str, Any], code: str, message: str) -> None:
    with pytest.raises(ApiError) as refused:
        put(**changed)
    assert (refused.value.status, refused.value.code) == (400, code)
    assert message in refused.value.message


@pytest.mark.parametrize(
    "changed",
    [
        {"rewardWaitTime": "PT1S", "modelExportFrequency": "PT1S"},
        {"rewardWaitTime": "P2D", "logRetentionDays": 3},
        {"logRetentionDays": -1},
        {"logRetentionDays": 2**31 - 1},
        {"defaultReward": 1, "explorationPercentage": 0},
        {"rewardAggregation": "EARLIEST"},
        {"somethingElse": {"x": [1]}, "logMirrorSasUri": None},
        {"isAutoOptimizationEnabled": False, "autoOptimizationFrequency": "P7D"},
        {"logMirrorSasUri": ""},
        {"logMirrorSasUri": "http://127.0.0.1:10000/devstoreaccount1/container?sig=x"},
    ],
)
def test_accepted(changed: dict[str, Any]) -> None:
    put(**changed)


def test_exploration_acts_on_a_policy_with_epsilon() -> None:
    config = msgspec.structs.replace(LoopConfig(), exploration=0.3)
    assert "--epsilon" not in config.arguments


def test_blob_names() -> None:
    assert blob_name("default", "models", "1.vw") == "loops/default/models/1.vw"


def test_what_earlier_versions_stored_counts_as_put_only_where_it_was() -> None:
    for days, known in ((2, None), (0, 0), (30, 30)):
        stored = json.dumps(json.loads(LoopConfig().encoded()) | {"model_retrain_days": days})
        assert decode_config(stored.encode()).retrain_days == known
    put_again = updated(LoopConfig(), json.dumps(VALID | {"modelRetrainDays": 2}).encode(), EDITED)
    assert decode_config(put_again.encoded()).retrain_days == 2
