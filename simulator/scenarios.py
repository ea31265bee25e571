"""All scenarios, in the order they are shown."""

from __future__ import annotations

from simulator.bookshop import BOOKSHOP
from simulator.cafe import CAFE
from simulator.newsroom import ARRIVAL, DRIFT, LATE, MIX, WEEK
from simulator.scenario import Scenario
from simulator.streaming import STREAMING
from simulator.travel import TRAVEL

SCENARIOS: tuple[Scenario, ...] = (CAFE, BOOKSHOP, TRAVEL, STREAMING)
# What else may happen to a policy; nothing to show.
CHANGES: tuple[Scenario, ...] = (DRIFT, WEEK, MIX, LATE, ARRIVAL)
