"""OpenTelemetry's own SDK receives what is measured, if the host's switches are on, and nothing is imported if not."""

import os
import subprocess
import sys
from typing import Any

import pytest
from harness.system import PROJECT
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from shared.loops.counts import Counts
from shared.otel import SWITCHES, Instruments

USE = """
import sys
import function_app
from shared import otel
made = otel.current()
print(made is not None, "opentelemetry" in sys.modules)
"""


def points(reader: InMemoryMetricReader) -> dict[str, list[Any]]:
    data = reader.get_metrics_data()
    assert data is not None
    (resource,) = data.resource_metrics
    (scope,) = resource.scope_metrics
    return {metric.name: list(metric.data.data_points) for metric in scope.metrics}


def test_histograms_and_counters() -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    made = Instruments(provider.get_meter("test"))
    made.request("rank", "shop", 0.25)
    made.request("rank", "shop", 0.5)
    made.request("reward", "default", 0.125)
    counts = Counts(learned=3, skipped=1, matched=2, late=1)
    made.joined("shop", counts.ranks, counts.observations)
    made.joined("shop", counts.ranks, counts.observations)
    found = points(reader)
    provider.shutdown()
    (rank,), (reward,) = found["personalizer.rank.duration"], found["personalizer.reward.duration"]
    assert (rank.count, rank.sum, dict(rank.attributes)) == (2, 0.75, {"loop": "shop"})
    assert (reward.count, reward.sum, dict(reward.attributes)) == (1, 0.125, {"loop": "default"})
    by_fate = [
        {point.attributes["fate"]: point.value for point in found[f"personalizer.{kind}"]}
        for kind in ("ranks", "observations")
    ]
    assert by_fate == [{"learned": 6, "skipped": 2}, {"on_time": 4, "late": 2}]


@pytest.mark.parametrize(
    ("switch", "value", "on"), [("", "", False), *((one, "true", True) for one in SWITCHES), (SWITCHES[0], "0", False)]
)
def test_only_the_host_s_switches_turn_it_on(switch: str, value: str, on: bool) -> None:
    environment = {name: text for name, text in os.environ.items() if name not in SWITCHES}
    environment |= {switch: value} if switch else {}
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=PROJECT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(on)] * 2
