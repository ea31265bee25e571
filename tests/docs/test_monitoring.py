"""docs/monitoring.md names every metric and every event of the log with its members, and nothing else."""

import re

from harness.system import PROJECT

from shared.loops.artifacts import Artifact
from shared.loops.checkpoint import Checkpoint
from shared.loops.gathering import Gatherer
from shared.loops.model_records import ModelRecord, Past
from shared.loops.reward_sums import Statistics
from shared.monitoring import metrics, refused
from shared.monitoring.heartbeat import Heartbeat
from shared.monitoring.metrics import State
from shared.monitoring.prometheus_text import Family
from shared.otel import SWITCHES
from shared.telemetry import VOCABULARY
from shared.vw.experience import Experience
from shared.vw.schedule import Fall, Schedule
from shared.vw.schema import Schema

PAGE = (PROJECT / "docs" / "monitoring.md").read_text()
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in PAGE.splitlines() if line.startswith("| `")]


def families() -> list[Family]:
    """All metrics there are."""
    statistics, gatherer = Statistics(), Gatherer()
    for action in (1, 1, 2):
        gatherer.count(0, "shown")
        gatherer.show(0, 0, 1.0, [0.5], [action], "a")
    statistics.add(gatherer.finished())
    past = Past(Schema(), Experience(Schedule(fall=Fall(1, "2026-01-01T00:00:00Z", 0.1, 0.2))))
    model = ModelRecord("v", Artifact("v", ""), Artifact("v", ""), "2026-01-01T00:00:00Z", "", past=past)
    state = Checkpoint(model=model, committed=1, statistics=statistics)
    told = metrics.families([State("l", state)], Heartbeat(ticked=1.0), 2.0, damaged=False)
    return [*told, *refused.families({"l": {"BadRequest": 1, "Noted/NoContext": 1}})]


def test_every_metric_is_described_with_its_labels() -> None:
    described = {row[0].strip("`"): row[1] for row in ROWS if row[0].startswith("`personalizer_")}
    assert set(described) == {family.name for family in families()}
    for family in families():
        labels = set(family.samples[0].labels) - {"loop", "le"}
        named = set(re.findall(r"`(\w+)`", described[family.name]))
        assert named == labels, family.name
        assert ("loop" in family.samples[0].labels) == (described[family.name] != "none")
    assert set(re.findall(r"personalizer_\w+", PAGE)) == set(described)


def test_every_event_is_described_with_its_members() -> None:
    described = {row[0].strip("`"): tuple(re.findall(r"`(\w+)`", row[1])) for row in ROWS if len(row) == 3}
    assert {name: members for name, members in described.items() if "personalizer" not in name} == VOCABULARY


def test_the_switches_are_named() -> None:
    assert all(f"`{switch}`" in PAGE for switch in SWITCHES)
