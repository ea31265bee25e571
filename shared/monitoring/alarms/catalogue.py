"""All alarms of a loop, in the order in which they are told."""

from collections.abc import Callable
from typing import NamedTuple

from shared.monitoring.alarms import calibration, choices, earnings, exploration, features, one_action, rewards, split
from shared.monitoring.alarms.judgement import Judgement
from shared.monitoring.alarms.window import Window

PAGE = "docs/monitoring.md#"


class Alarm(NamedTuple):
    """name: in answers, metrics and log lines. title: what is wrong when it is raised."""

    name: str
    title: str

    @property
    def link(self) -> str:
        """Where it is explained."""
        return f"{PAGE}{self.name}"


# Judged by 24 closed hours.
HOURLY: dict[Alarm, Callable[[Window], Judgement]] = {
    Alarm("choices-off", "Choices do not follow the logged probabilities"): choices.judge,
    Alarm("exploration-collapse", "Exploration has collapsed"): exploration.judge_collapse,
    Alarm("rewards-missing", "Rewards are missing"): rewards.judge_missing,
    Alarm("reward-drop", "Rewards have fallen"): earnings.judge_drop,
    Alarm("worse-than-baseline", "It earns less than the baseline"): earnings.judge_lift,
    Alarm("one-action", "One action takes all"): one_action.judge,
    Alarm("rewards-equal", "All rewards are equal"): rewards.judge_equal,
    Alarm("rewards-late", "Rewards come late"): rewards.judge_late,
    Alarm("little-exploration", "Too little exploration to evaluate"): exploration.judge_amount,
    Alarm("calibration", "Predicted rewards are off"): calibration.judge,
    Alarm("feature-drift", "A feature drifts"): features.judge_drift,
    Alarm("feature-cardinality", "A feature is an id or a time stamp"): features.judge_cardinality,
    Alarm("holdback-split", "The holdback is not split as it should be"): split.judge,
}
# Judged at each look, whether hours close or not.
TRAINER_BEHIND = Alarm("trainer-behind", "The trainer stands still")
MODEL_REFUSED = Alarm("model-refused", "The last model was refused")
CHECKPOINT_DAMAGED = Alarm("checkpoint-damaged", "The loop's state is damaged")
ALARMS: tuple[Alarm, ...] = (*HOURLY, TRAINER_BEHIND, MODEL_REFUSED, CHECKPOINT_DAMAGED)
# While one of these is raised, nothing is changed automatically: what it would go by is wrong.
STOPPING = ("choices-off", "exploration-collapse", "rewards-missing")
