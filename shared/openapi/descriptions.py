"""What the document says of members of the structs that msgspec decodes and encodes, beside their types."""

from typing import Any

from shared.errors import ERRORS

Schema = dict[str, Any]

_RANK = {
    "actions": "What may be shown, in the application's own order: the first is what it would show by itself.",
    "contextFeatures": "Features of the visitor, the place, the moment: the same for all actions.",
    "eventId": "Names the decision and seeds its draw; made if it is missing.",
    "deferActivation": "true: learn from it only once it is activated.",
    "holdbackId": "Of whom all decisions are to be in one arm of a holdback, such as a user's pseudonym; not kept.",
}
_JOB = {
    "id": "What it is asked for by.",
    "name": "What it is called.",
    "startTime": "From when events count.",
    "endTime": "Until when events count.",
    "creationTime": "When it was asked for.",
    "status": "How far it is.",
    "evaluationType": "Manual: somebody has asked for it.",
    "optimalPolicy": "Where a better policy was looked for: the one to be used.",
}
_POINT = {"expectedReward": "By decision.", "confidenceInterval": "Both ends of the 95 % interval."}
_POLICY_RESULT = {
    "name": "The policy's name.",
    "arguments": "Options of Vowpal Wabbit; empty for those that do not learn.",
    "policySource": "Where it comes from.",
}
_EXCLUDED = "Ids of actions that must not be chosen."
_TEXTS = {
    "RankRequest": _RANK | {"excludedActions": _EXCLUDED},
    "RankableAction": {"id": "The application's name of it.", "features": "What is known of it."},
    "RankResponse": {
        "ranking": "Every action with its probability.",
        "eventId": "For the reward.",
        "rewardActionId": "The action to show.",
        "inferenceExplanation": "Which features counted for which action, where the configuration asks for it.",
    },
    "RankedAction": {"id": "The action's id.", "probability": "With which it was chosen."},
    "ActionExplanation": {"id": "The action's id.", "features": "Those that counted, the weightiest first."},
    "FeatureScore": {"name": "Namespace and feature; several together with ^ between.", "score": "Its share."},
    "RewardRequest": {"value": "How well the decision did."},
    "MultiSlotRankRequest": _RANK | {"slots": "Places to be filled, the most valuable first; no more than actions."},
    "SlotRequest": {
        "id": "The application's name of it.",
        "baselineAction": "The action that the application would show there by itself; another one in each slot.",
        "features": "What is known of the slot.",
        "excludedActions": "Ids of actions that must not be chosen for it.",
    },
    "MultiSlotRankResponse": {"slots": "The slots, in the order of the request.", "eventId": "For the rewards."},
    "SlotResponse": {"id": "The slot's id.", "rewardActionId": "The action to show there."},
    "MultiSlotRewardRequest": {"reward": "A reward for each slot that did well or badly."},
    "SlotReward": {"slotId": "The slot's id.", "value": "How well it did."},
    "ModelProperties": {
        "creationTime": "When the loop's first model was made.",
        "lastModifiedTime": "When its current model was made.",
        "verified": "false: the model was imported, and no trusted signature vouches for it.",
    },
    "PolicyResultSummary": {
        "timeStamp": "When the time begins, or when all of it ends.",
        "ipsEstimatorNumerator": "The sum of rewards times weights.",
        "ipsEstimatorDenominator": "How many decisions.",
        "snipsEstimatorDenominator": "The sum of weights: how probable the action was for the policy, against the log.",
        "aggregateTimeWindow": "How long the time is; PT0S: all of it.",
        "nonZeroProbability": "Decisions that the policy may have made, too.",
        "sumOfSquares": "Of rewards times weights.",
        "confidenceInterval": "Half the width of the 95 % interval around averageReward.",
        "averageReward": "ipsEstimatorNumerator by ipsEstimatorDenominator.",
    },
    "PolicyResult": _POLICY_RESULT
    | {
        "summary": "By five minutes; empty in a list.",
        "totalSummary": "Over all of the time; of several slots, the first.",
    },
    "Evaluation": _JOB
    | {
        "jobId": "The evaluation's id.",
        "policyResults": "By policy, once it is completed.",
        "featureImportance": "Empty: see feature importances of 2022-09-01-preview.",
        "error": "Why it failed, or why policies are missing.",
    },
    "Summary": _POINT,
    "TimePoint": _POINT | {"timeStamp": "When the interval ends."},
    "TimeSeries": {"data": "A point for each interval with events."},
    "OfflinePolicyResult": _POLICY_RESULT
    | {
        "slotId": "Of several slots, the one; absent for all together.",
        "summary": "Over all of the evaluation.",
        "timeseries": "Over the time that is asked for.",
    },
    "EvaluationResult": {
        "startTime": "As it is asked for.",
        "endTime": "As it is asked for.",
        "intervalInMinutes": "Between two points.",
        "value": "By policy.",
    },
    "JobDetails": _JOB | {"description": "Why it failed, or why policies are missing."},
    "OfflineEvaluation": _JOB
    | {"description": "Why it failed, or why policies are missing."}
    | {"content": "The results, once it has succeeded."},
    "ImportanceScore": {
        "namespace": "The object that the feature is in.",
        "featureName": "The feature; empty for all of the namespace.",
        "score": "0 to 1, 1 for the one that matters most.",
    },
    "FeatureImportance": _JOB
    | {"description": "Why it failed, or why policies are missing."}
    | {"featureScores": "Descending, once it has succeeded."},
    "JobPage": {"value": "The newest first.", "nextLink": "Where the next page is."},
    "LogsProperties": {"dateRange": "From the first event of the log to the last."},
    "DateRange": {"from": "ISO 8601.", "to": "ISO 8601."},
    "Trace": {
        "eventId": "The event's id.",
        "loop": "The loop's name.",
        "status": "How far learning has come with it.",
        "rankedAt": "When it was ranked.",
        "waitingUntil": "Until when its rewards are awaited.",
        "erasedAt": "When it was erased.",
        "learnedBy": "The first model that has learned it, or only its run if that model is deleted.",
        "learnedAt": "When its run stored it.",
        "refusal": "Why its run's model was not fit.",
        "mode": "The learning mode when it was ranked.",
        "model": "The version that ranked it, N/A before the first.",
        "interactions": "What the current model crosses by itself, if it ranked the event.",
        "explored": "The action shown was not the most probable one; never before the first model.",
        "chosenAction": "What was answered; in Apprentice mode the baseline.",
        "ownAction": "In Apprentice mode, what the model would have answered.",
        "ranking": "Every action with its probability.",
        "slots": "The slots of a multi-slot event.",
        "reward": "What it is learned with: rewards aggregated, or the default one.",
        "holdback": "The arm of an event that was ranked with a holdback.",
        "observations": "Its rewards and activations, as they were received.",
        "repeatedAt": "When the same event was ranked again within its window, which does not count.",
        "context": "The shared features, as logged.",
        "actions": "The candidates with their features, as logged.",
        "note": "What this answer could not find out.",
    },
    "Slot": {
        "id": "The slot's id.",
        "ranking": "Every action that was left for it, with its probability.",
        "explored": "Its action was not the most probable one; never before the first model.",
        "reward": "What it is learned with.",
    },
    "TracedObservation": {
        "kind": "A reward or an activation.",
        "at": "When it was received.",
        "fate": "Whether it counts: late is outside the window, orphan without an event, duplicate stored twice.",
        "value": "The reward.",
        "slot": "The slot that it is for.",
    },
    "Optimizations": {
        "enabled": "Whether it is switched on.",
        "nextRun": "When it is due next.",
        "watched": "The policy that was applied by itself and is watched.",
        "heldBy": "The alarms that are raised while which it does nothing.",
        "runs": "The last 24, the newest first.",
    },
    "OptimizationRun": {
        "evaluationId": "The evaluation that compared the policies.",
        "at": "When it began.",
        "startTime": "The beginning of the log that was compared on.",
        "endTime": "Its end.",
        "status": "What was decided.",
        "policy": "The best policy that was found.",
        "online": "What was earned on average.",
        "baseline": "What the baseline would have earned.",
        "best": "What the best policy would have earned.",
        "reason": "Why the policy was retained.",
        "undone": "That the policy was taken back by itself.",
    },
    "AlarmList": {
        "judged": "Up to when; null before the first hour has closed.",
        "automationStopped": "The alarms because of which nothing is changed automatically.",
        "alarms": "All there are.",
        "history": "What was raised and ended, the latest first.",
    },
    "AlarmInfo": {
        "name": "As in metrics and log lines.",
        "title": "What is wrong when it is raised.",
        "state": "How it stands; unknown: there is not enough to judge by.",
        "since": "Since when.",
        "cause": "Why, with the figures.",
        "next": "What to do.",
        "link": "Where it is explained.",
    },
    "AlarmChange": {
        "at": "Of event time: the end of the last hour that was judged.",
        "name": "The alarm's name.",
        "before": "How it stood.",
        "state": "How it stands since then.",
        "cause": "Why.",
    },
    "TakenBack": {"at": "When.", "reason": "Why."},
    "ErasureInfo": {
        "id": "As it was put.",
        "status": "waiting, running, done, refused or failed.",
        "dryRun": "It only counts.",
        "asked": "When it was asked for.",
        "ended": "When it ended.",
        "counts": "What it meant.",
        "model": "kept; or learned anew, now or by then.",
        "left": "What is left where, and for how long.",
        "reason": "Why it was refused or failed.",
    },
    "ErasureCounts": {
        "joined": "Lines of the log.",
        "late": "Lines of the log of late events.",
        "pending": "Events in the hubs that are not logged yet.",
        "totalJoined": "All joined lines of the log.",
    },
    "PolicyBack": {"name": "As it was put.", "arguments": "VW's."},
    "Undone": {
        "policy": "The policy that is in effect again.",
        "explorationPercentage": "The exploration that goes with it.",
        "model": "What became of the model: restored; kept, for the change had not replaced it yet; learned anew.",
        "events": "How many events it has yet to learn.",
        "modelCreated": "When the model was made.",
    },
    "Report": {
        "mode": "The learning mode that the loop is in now.",
        "last": "Its last decisions as an apprentice.",
        "total": "All of its decisions as an apprentice.",
    },
    "Progress": {
        "events": "Decisions.",
        "matched": "Decisions in which the model would have chosen the baseline.",
        "matchRate": "Their share.",
        "baselineReward": "What the baseline earned on average.",
        "ownReward": "What the model's own choices would have earned on average.",
        "ratio": "ownReward over baselineReward.",
    },
    "HoldbackReport": {
        "holdbackPercentage": "The share of decisions that show the baseline now.",
        "since": "When this share was put; null without a holdback.",
        "policy": "The arm that shows what the policy draws.",
        "baseline": "The arm that shows the baseline.",
        "lift": "How much more the policy's arm earned by decision; null as long as an arm is empty.",
        "needed": "How long it takes.",
    },
    "ArmReport": {
        "decisions": "Those that are joined with their rewards.",
        "rewarded": "Those of them with another reward than 0.",
        "averageReward": "By decision; null without any.",
    },
    "LiftReport": {
        "value": "The difference of the average rewards.",
        "lower": "Of the 95 % interval, which holds however often it is looked at; null before it can be told.",
        "upper": "Its other end.",
    },
    "Needed": {
        "percentage": "The share that this is for.",
        "difference": "The difference in average reward that is to be seen; null if none is named or known.",
        "decisions": "So many decisions show it with 80 % power; null if the rewards do not tell.",
        "lately": "Decisions in the last 30 days.",
    },
    "Arm": {
        "arm": "baseline, which was shown, or policy.",
        "bucket": "Of the key that has decided, 0 to 99.",
        "share": "Of the arm baseline when it was ranked.",
        "window": "Names the assignment of keys to arms.",
    },
    "Health": {
        "status": "degraded: something below is not well.",
        "version": "That of the service.",
        "model": "Its model.",
        "log": "Its event log.",
    },
    "ServiceStatus": {
        "service": "The service.",
        "apiStatus": "Valid, for a key that is.",
        "apiStatusMessage": "The same in words.",
    },
    "ModelHealth": {
        "trained": "It has learned.",
        "ageSeconds": "How long ago it was made.",
        "refreshed": "It could be looked for lately.",
    },
    "LogHealth": {"reachable": "It answers.", "dropped": "Events that this process had to give up."},
    "ErrorResponse": {"error": "What went wrong."},
    "PersonalizerError": {
        "code": "The code of the only fault, else of the operation or of the document.",
        "message": "What to change.",
        "target": "The path of what is wrong in the body, such as policies[2].arguments.",
        "details": "One entry for each fault of a document, with the fault's own code, message and target.",
        "innerError": "A finer code.",
    },
    "InternalError": {"code": "The finer code."},
}
_RULES: dict[tuple[str, str], Schema] = {
    ("RankedAction", "probability"): {"minimum": 0, "maximum": 1},
    ("PersonalizerError", "code"): {"enum": sorted(ERRORS)},
}


def add(schemas: dict[str, Schema]) -> None:
    """Adds what a struct cannot say to its schema."""
    schemas["DateRange"]["description"] = "A period of time."
    for name, texts in _TEXTS.items():
        for member, text in texts.items():
            schemas[name]["properties"][member]["description"] = text
    for (name, member), rules in _RULES.items():
        schemas[name]["properties"][member].update(rules)
