"""The bodies that the OpenAPI document shows as examples."""

RANK = {
    "eventId": "visit-1",
    "contextFeatures": [{"timeOfDay": "morning", "device": "phone"}],
    "actions": [
        {"id": "pasta", "features": [{"taste": "salty", "calories": 650}]},
        {"id": "ice-cream", "features": [{"taste": "sweet", "calories": 270}]},
    ],
}
SLOTS = [
    {"id": "top", "baselineAction": "pasta", "features": [{"size": "large"}]},
    {"id": "side", "baselineAction": "ice-cream", "excludedActions": ["pasta"]},
]
CONFIGURATION = {
    "rewardWaitTime": "PT10M",
    "defaultReward": 0,
    "rewardAggregation": "earliest",
    "explorationPercentage": 0.2,
    "modelExportFrequency": "PT1M",
    "logRetentionDays": 90,
    "learningMode": "Online",
}
POLICY = {"name": "plain", "arguments": "--cb_explore_adf --epsilon 0.2 --cb_type mtr -q ::"}
REWARD = {"value": 1}
MULTI_SLOT_RANK = RANK | {"eventId": "visit-2", "slots": SLOTS}
MULTI_SLOT_REWARD = {"reward": [{"slotId": "top", "value": 1}]}
_PERIOD = {"name": "last week", "startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-08T00:00:00Z"}
EVALUATION = _PERIOD | {"enableOfflineExperimentation": True, "policies": [POLICY]}
OFFLINE_EVALUATION = _PERIOD | {"enablePolicyOptimization": True, "policies": [POLICY]}
POLICY_REFERENCE = {"evaluationId": "last-week", "policyName": "plain"}
FEATURE_IMPORTANCE = _PERIOD
SEARCH = {"selection": [{"eventId": "visit-1"}, {"feature": "user.id", "value": "u-17"}]}
