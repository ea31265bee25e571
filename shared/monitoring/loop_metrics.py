"""The metrics of one loop, made of its checkpoint. Counters count since the loop began."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from shared.loops.checkpoint import Checkpoint
from shared.loops.exact_sum import ExactSum
from shared.loops.reward_sums import DELAYS_MS
from shared.monitoring import prometheus_text
from shared.monitoring.prometheus_text import Family, Sample


def families(loop: str, state: Checkpoint, now: float) -> Iterator[Family]:
    """The metrics of a loop. now: s since 1970."""
    label = {"loop": loop}
    yield from _funnel(label, state)
    yield from _rewards(label, state)
    yield from _model(label, state, now)


def _funnel(loop: dict[str, str], state: Checkpoint) -> Iterator[Family]:
    counts, statistics = state.counts, state.statistics

    def counter(name: str, help: str, value: int) -> Family:
        return Family(name, "counter", help, [Sample(loop, value)])

    def fates(name: str, help: str, counted: Mapping[str, int]) -> Family:
        return Family(name, "counter", help, [Sample({**loop, "fate": one}, count) for one, count in counted.items()])

    yield fates(
        "personalizer_ranks_total", "Ranks whose reward wait time is over, by what became of them.", counts.ranks
    )
    yield fates(
        "personalizer_observations_total", "Rewards and activations that are settled, by what became of them.",
        counts.observations,
    )  # fmt: skip
    yield counter("personalizer_defaulted_total", "Learned ranks that got the default reward.", counts.defaulted)
    yield counter("personalizer_unreadable_total", "Entries of the hubs that are no events.", counts.unreadable)
    damaged = [Sample(loop, len(state.damaged))]
    help = "Files of the log that could not be read to their end when they were last learned from."
    yield Family("personalizer_log_damaged", "gauge", help, damaged)
    yield counter(
        "personalizer_expired_total", "Messages of the hubs that expired before the loop had read them.", counts.expired
    )
    yield Family(
        "personalizer_reward_delay_seconds", "histogram", "From a rank to a reward that was in time.",
        prometheus_text.histogram(loop, [one / 1000 for one in DELAYS_MS], statistics.delays, statistics.delay / 1000),
    )  # fmt: skip


def _rewards(loop: dict[str, str], state: Checkpoint) -> Iterator[Family]:
    statistics = state.statistics
    policies = {"online": statistics.online, "baseline": statistics.baseline}

    def gauge(name: str, help: str, values: Mapping[str, float | None]) -> Family:
        shown = [Sample({**loop, "policy": one}, value) for one, value in values.items() if value is not None]
        return Family(name, "gauge", help, shown)

    def each(name: str, help: str, of: str) -> Family:
        return gauge(name, help, {one: _number(getattr(sums, of)) for one, sums in policies.items()})

    yield Family(
        "personalizer_decisions_total", "counter", "Joined decisions that were shown, learned or not.",
        [Sample(loop, statistics.decisions)],
    )  # fmt: skip
    yield Family(
        "personalizer_explored_total", "counter", "Those of them that did not show the most probable action.",
        [Sample(loop, statistics.explored)],
    )  # fmt: skip
    if statistics.decisions:
        share = statistics.explored / statistics.decisions
        help = "Their share, since the loop began."
        yield Family("personalizer_exploration_ratio", "gauge", help, [Sample(loop, share)])
    yield each(
        "personalizer_average_reward",
        "Average reward of decisions since the loop began, of several slots that of the first: as they were shown, and "
        "as if the baseline had always been shown.",
        "mean",
    )
    yield each("personalizer_average_reward_interval", "Half the width of its 95 % interval.", "interval")
    yield each(
        "personalizer_reward_sum", "Rewards times weights; over a time, delta of this by delta of weights.", "wr"
    )
    yield each("personalizer_reward_weight_sum", "Weights: 1 online, 1/p where the baseline was shown.", "w")


def _number(value: ExactSum | float | None) -> float | None:
    return None if value is None else float(value)


def _model(loop: dict[str, str], state: Checkpoint, now: float) -> Iterator[Family]:
    if state.committed:
        help = "When the last run was committed."
        at = [Sample(loop, state.committed / 1000)]
        yield Family("personalizer_trainer_last_commit_timestamp_seconds", "gauge", help, at)
    refused = [Sample(loop, state.failure is not None)]
    yield Family("personalizer_model_refused", "gauge", "1: the last run's model was refused.", refused)
    waiting = state.backlog.events if state.backlog is not None else 0
    help = "Logged events that the model has not learned yet, for they are beyond what runs may spend."
    yield Family("personalizer_backlog_events", "gauge", help, [Sample(loop, waiting)])
    help = "1: a new model is learning the log anew, while the one before it serves."
    yield Family("personalizer_relearning", "gauge", help, [Sample(loop, state.draft is not None)])
    model = state.model
    if model is not None:
        version = [Sample({**loop, "version": model.version}, 1)]
        yield Family("personalizer_model_info", "gauge", "The version of the current model.", version)
        born = [Sample(loop, model.born)]
        yield Family("personalizer_model_created_timestamp_seconds", "gauge", "When the model was made.", born)
        if model.past is not None:
            schedule = model.past.experience.schedule
            age = [Sample(loop, schedule.learned - schedule.since)]
            help = "Events that the model has learned since exploration began, or began anew."
            yield Family("personalizer_exploration_age_events", "gauge", help, age)
        if model.fall is not None and model.fall.at:  # an imported event may lack its time
            fell = [Sample(loop, datetime.fromisoformat(model.fall.at).timestamp())]
            help = "When the last event was ranked of those whose rewards had fallen, so that exploration began anew."
            yield Family("personalizer_reward_fall_timestamp_seconds", "gauge", help, fell)
        age = [Sample(loop, max(0.0, now - model.born))]
        yield Family("personalizer_model_age_seconds", "gauge", "How long ago that was.", age)
