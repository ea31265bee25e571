"""What owners of a Personalizer resource have on their disks: lines of its log, configuration, policy, model."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SERVICE = {
    "rewardWaitTime": "00:10:00",
    "defaultReward": 0.0,
    "rewardAggregation": "earliest",
    "explorationPercentage": 0.2,
    "modelExportFrequency": "00:05:00",
    "logMirrorEnabled": False,
    "logMirrorSasUri": None,
    "logRetentionDays": 90,
    "lastConfigurationEditDate": "2021-01-01T00:00:00Z",
    "learningMode": "Online",
    "isAutoOptimizationEnabled": False,
    "latencyMode": "Fast",
}
POLICY = {
    "name": "myPolicy",
    "arguments": "--cb_explore_adf --epsilon 0.2 --power_t 0 -l 0.001 --cb_type mtr -q ::",
}
TOPICS = ("news", "sports", "music")
START = (datetime.now(UTC) - timedelta(days=2)).replace(minute=0, second=0, microsecond=0)


def line(number: int, **changed: Any) -> dict[str, Any]:
    """Event `number` of a log in which sports pays in the morning and music at night; one every 10 s."""
    chosen, hour = number % 3 + 1, ("morning", "night")[number % 2]
    reward = 1.0 if (chosen, hour) in ((2, "morning"), (3, "night")) else 0.0
    others = [other for other in (1, 2, 3) if other != chosen]
    event_id = f"e{number:06d}"
    return {
        "_label_cost": -reward,
        "_label_probability": 0.8,
        "_label_Action": chosen,
        "_labelIndex": chosen - 1,
        "o": [{"v": reward, "EventId": event_id, "ActionTaken": False}],
        "Timestamp": (START + timedelta(seconds=10 * number)).strftime("%Y-%m-%dT%H:%M:%S.0000000Z"),
        "Version": "1",
        "EventId": event_id,
        "a": [chosen, *others],
        "c": context(hour),
        "p": [0.8, 0.1, 0.1],
        "VWState": {"m": "N/A"},
        "_original_label_cost": -reward,
    } | changed


def context(hour: str) -> dict[str, Any]:
    actions = [{"_tag": one, "i": {"constant": 1, "id": one}, "j": [{"kind": one}]} for one in TOPICS]
    return {"FromUrl": [{"hour": hour}], "_multi": actions}


def slots_line(number: int, **changed: Any) -> dict[str, Any]:
    """A decision for two slots; early versions named no event of their own."""
    outcomes = [
        {"_label_cost": -1.0, "_id": "one", "_a": [2, 0, 1], "_p": [0.8, 0.1, 0.1], "_o": []},
        {"_label_cost": 0.0, "_id": "two", "_a": [0, 1], "_p": [0.9, 0.1], "_o": []},
    ]
    slots = [{"_id": "one", "sj": [{"size": "big"}]}, {"_id": "two", "sj": [{"size": "small"}]}]
    return {
        "Timestamp": line(number)["Timestamp"],
        "Version": "1",
        "c": context("night") | {"_slots": slots},
        "_outcomes": outcomes,
        "VWState": {"m": "N/A"},
    } | changed


def write(file: Path, lines: list[Any]) -> Path:
    """A log of lines, each an object, or text as it is."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in lines))
    return file
