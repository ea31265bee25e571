"""What `GET /metrics` answers, and the same counted again from what is stored and nothing else."""

from __future__ import annotations

import json
import math

import httpx
from prometheus_client.parser import text_string_to_metric_families

from harness.stored import Loop
from harness.system import ADMIN_KEY, System

Labels = frozenset[tuple[str, str]]
Metrics = dict[tuple[str, Labels], float]


def key(name: str, **labels: str) -> tuple[str, Labels]:
    return f"personalizer_{name}", frozenset(labels.items())


def read(text: str) -> Metrics:
    """Every sample; a sample that is there twice is an error."""
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(found) == len(samples)
    return found


def scraped(system: System, path: str = "metrics", admin_key: str = ADMIN_KEY) -> Metrics:
    answer = httpx.get(f"{system.url}/{path}", headers={"Ocp-Apim-Subscription-Key": admin_key}, timeout=30)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return read(answer.text)


def recounted(stored: Loop, loop: str = "default") -> Metrics:
    """The metrics of a single-slot loop in mode Online, from its joined log and its log of what was not joined."""
    lines = [json.loads(line) for line in stored.joined_log().splitlines()]
    late = [reason for reason, _ in stored.late()]
    given = [line for line in lines if not line.get("_skipLearn")]
    outcomes = [one for line in lines for one in line.get("o", [])]
    usual = [line for line in given if line["a"][0] == 1]
    rewards = math.fsum(0 - line["_label_cost"] for line in given)
    weights = math.fsum(1 / line["p"][0] for line in usual)
    weighted = math.fsum(1 / line["p"][0] * (0 - line["_label_cost"]) for line in usual)
    counted = {
        key("ranks_total", fate="learned"): len(given),
        key("ranks_total", fate="skipped"): len(lines) - len(given),
        key("ranks_total", fate="logged"): 0,
        key("ranks_total", fate="rejected"): 0,
        key("ranks_total", fate="duplicate"): late.count("duplicate_ranks"),
        key("observations_total", fate="on_time"): len(outcomes),
        key("observations_total", fate="late"): late.count("late"),
        key("observations_total", fate="orphan"): late.count("orphans"),
        key("observations_total", fate="duplicate"): late.count("duplicate_observations"),
        key("defaulted_total"): sum(all(one["ActionTaken"] for one in line.get("o", [])) for line in given),
        key("unreadable_total"): late.count("unreadable"),
        key("expired_total"): 0,
        key("reward_delay_seconds_count"): sum(not one["ActionTaken"] for one in outcomes),
        key("decisions_total"): len(given),
        key("explored_total"): sum(line["VWState"]["m"] != "N/A" and line["p"][0] < max(line["p"]) for line in given),
        key("reward_sum", policy="online"): rewards,
        key("reward_weight_sum", policy="online"): len(given),
        key("average_reward", policy="online"): rewards / len(given) if given else math.nan,
        key("reward_sum", policy="baseline"): weighted,
        key("reward_weight_sum", policy="baseline"): weights,
        key("average_reward", policy="baseline"): weighted / weights if weights else math.nan,
    }
    return {(name, labels | {("loop", loop)}): float(value) for (name, labels), value in counted.items()}


def differences(stored: Loop, system: System) -> list[str]:
    """Where `GET /metrics` does not say what is stored, exactly."""
    told, known = scraped(system), recounted(stored)
    return [
        f"{name}{dict(labels)} is {told.get((name, labels))}, stored {value}"
        for (name, labels), value in known.items()
        if told.get((name, labels)) != value and not (math.isnan(value) and (name, labels) not in told)
    ]
