"""OpenTelemetry: what one process does, measured as it happens, for those who have the Functions host export it.

The host's own switches turn it on; then the worker sets up OpenTelemetry, whose packages the app has to bring. Without
them this module imports nothing and records nothing. `GET /metrics` counts from the store instead, over all processes.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter

# https://learn.microsoft.com/azure/azure-functions/opentelemetry-howto, for Python
SWITCHES = ("PYTHON_ENABLE_OPENTELEMETRY", "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY")
_TRUE = frozenset(("true", "1", "t", "y", "yes"))


class Instruments:
    """Histograms and counters, named as in `GET /metrics` but with points for underscores."""

    def __init__(self, meter: Meter) -> None:
        self._durations = {
            event: meter.create_histogram(f"personalizer.{event}.duration", unit="s", description=help)
            for event, help in (
                ("rank", "Time to answer a Rank, until its event is logged."),
                ("reward", "Time to log a reward or an activation."),
            )
        }
        self._ranks = meter.create_counter("personalizer.ranks", description="Ranks that were joined, by fate.")
        self._observations = meter.create_counter(
            "personalizer.observations", description="Rewards and activations that are settled, by fate."
        )

    def request(self, event: str, loop: str, seconds: float) -> None:
        """A request that has been answered. event: rank or reward."""
        self._durations[event].record(seconds, {"loop": loop})

    def joined(self, loop: str, ranks: Mapping[str, int], observations: Mapping[str, int]) -> None:
        """A run that is committed: how many events had which fate."""
        for counter, counts in ((self._ranks, ranks), (self._observations, observations)):
            for fate, count in counts.items():
                if count:
                    counter.add(count, {"loop": loop, "fate": fate})


@functools.cache
def current() -> Instruments | None:
    """Those of this process; None unless OpenTelemetry is turned on and installed."""
    if not any(os.environ.get(name, "").lower() in _TRUE for name in SWITCHES):
        return None
    try:
        from opentelemetry import metrics
    except ImportError:
        return None
    return Instruments(metrics.get_meter("open-personalizer"))
