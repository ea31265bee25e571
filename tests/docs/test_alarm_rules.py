"""What watches alarms is in step with them: the guide, the rules for Prometheus, the query of the alert in Azure."""

import re
from typing import get_args

import yaml
from harness.bicep import INFRA
from harness.system import PROJECT

from shared.loops.checkpoint import Checkpoint
from shared.loops.gathering import Gatherer
from shared.loops.reward_sums import Statistics
from shared.monitoring import metrics
from shared.monitoring.alarms.catalogue import ALARMS, STOPPING
from shared.monitoring.heartbeat import Heartbeat
from shared.monitoring.metrics import State
from shared.monitoring.states import Grade
from shared.monitoring.verdict import WORDS

GUIDE = (PROJECT / "docs" / "monitoring.md").read_text()
SECTION = GUIDE[GUIDE.index("## Alarms") : GUIDE.index("## Log lines")]
RULES = yaml.safe_load((PROJECT / "docs" / "prometheus-rules.yaml").read_text())["groups"][0]["rules"]
QUERY = (INFRA / "queries" / "loop-alarm.kql").read_text()
RAISED = set(get_args(Grade)) - {"ok"}


def test_every_alarm_has_the_heading_that_it_links_to_and_there_are_no_others() -> None:
    assert re.findall(r"^### (\S+)$", SECTION, re.MULTILINE) == [alarm.name for alarm in ALARMS]
    for alarm in ALARMS:
        page, _, anchor = alarm.link.partition("#")
        assert (PROJECT / page).exists()
        assert anchor == alarm.name


def test_the_guide_names_those_that_stop_automation() -> None:
    stopping = re.search(r"While ([^.]*) is raised, automatic", SECTION.replace("\n", " "))
    assert stopping
    assert set(re.findall(r"[\w-]+-[\w-]+", stopping[1])) == set(STOPPING)


def test_the_guide_says_when_each_verdict_is_given() -> None:
    table = GUIDE[GUIDE.index("| verdict | when |") : GUIDE.index("The **lift**")]
    named = {word for row in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE) for word in row.split(", ")}
    assert {word for word, _ in WORDS.values()} == named - {"verdict"}


def test_the_rules_ask_for_metrics_and_states_that_there_are() -> None:
    statistics = Statistics()
    statistics.add(Gatherer().finished())
    told = metrics.families([State("l", Checkpoint(statistics=statistics))], Heartbeat(ticked=1.0), 2.0)
    known = {family.name for family in told}
    asked = {name for rule in RULES for name in re.findall(r"personalizer_\w+", rule["expr"])}
    assert asked <= known
    assert {state for rule in RULES for state in re.findall(r'state="(\w+)"', rule["expr"])} == RAISED
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


def test_the_rules_use_labels_that_their_metrics_have() -> None:
    told = {family.name: family for family in metrics.families([State("l", Checkpoint())], Heartbeat(ticked=1.0), 2.0)}
    for rule in RULES:
        name = re.findall(r"personalizer_\w+", rule["expr"])[0]
        used = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        assert used <= set(told[name].samples[0].labels), rule["alert"]


def test_the_alert_in_azure_looks_for_the_states_that_are_raised() -> None:
    states = re.search(r"state in \(([^)]*)\)", QUERY)
    assert states
    assert set(re.findall(r"'(\w+)'", states[1])) == RAISED
