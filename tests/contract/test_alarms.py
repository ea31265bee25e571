"""`GET /loops/{loop}/alarms`: what is answered and to whom, and that the evaluator judges and tells by itself."""

import random
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from harness import traffic
from harness.metrics import Labels, scraped
from harness.stored import Loop
from harness.system import ADMIN_KEY, APP_KEY, System, running, wait_until
from harness.traffic import EPSILON

from shared.loops import checkpoint, summary_names
from shared.loops.blob_names import DEFAULT_HOME
from shared.loops.checkpoint import Checkpoint, Summarised
from shared.loops.stored import config_name
from shared.loops.summary import DAY_MS, HOUR_MS, Summary, encode
from shared.monitoring import headline
from shared.monitoring.alarms.catalogue import ALARMS


def call(system: System, path: str, who: str = ADMIN_KEY, method: str = "GET") -> httpx.Response:
    return httpx.request(method, f"{system.url}/{path}", headers={"Ocp-Apim-Subscription-Key": who}, timeout=30)


def standing(loop: str, name: str, state: str) -> tuple[str, Labels]:
    return "personalizer_alarm", frozenset({"loop": loop, "name": name, "state": state}.items())


@pytest.fixture(scope="module")
def shop(system: System) -> Iterator[dict[str, Any]]:
    yield call(system, "loops/watched", method="PUT").json()
    assert call(system, "loops/watched", method="DELETE").status_code == 204


def test_a_new_loop_has_all_alarms_and_none_was_judged(system: System, shop: dict[str, Any]) -> None:
    told = call(system, "loops/watched/alarms", shop["adminKeys"][0]).json()
    assert (told["judged"], told["automationStopped"], told["history"]) == (None, [], [])
    assert [one["name"] for one in told["alarms"]] == [alarm.name for alarm in ALARMS]
    for one in told["alarms"]:
        assert (one["state"], one["since"], one["cause"]) == ("unknown", None, "It has not been judged yet.")


def test_metrics_tell_how_each_alarm_stands(system: System, shop: dict[str, Any]) -> None:
    found = scraped(system, "loops/watched/metrics", shop["adminKeys"][0])
    for alarm in ALARMS:
        assert found[standing("watched", alarm.name, "unknown")] == 1


@pytest.mark.parametrize(
    ("path", "who", "status"),
    [
        ("loops/watched/alarms", "nobody", 401),
        ("loops/watched/alarms", "app", 403),
        ("loops/watched/alarms", "reader", 200),
        ("loops/watched/alarms", ADMIN_KEY, 200),
        ("loops/watched/alarms", APP_KEY, 401),
        ("loops/default/alarms", "admin", 401),
        ("loops/unknown/alarms", ADMIN_KEY, 404),
        ("loops/default/alarms/reward-drop", ADMIN_KEY, 404),
    ],
)
def test_who_may_ask(system: System, shop: dict[str, Any], path: str, who: str, status: int) -> None:
    known = {"app": "appKeys", "admin": "adminKeys", "reader": "readerKeys"}
    used = shop[known[who]][0] if who in known else who
    assert call(system, path, used).status_code == status


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A loop of which ten days are in storage, the last of them without rewards, judged by the evaluator's process."""
    with running(tmp_path_factory.mktemp("lived")) as made:
        _store(made)
        yield made


def _store(system: System) -> None:
    """Days up to the last hour but one, and then the checkpoint by which they are read."""
    end, chance = int(time.time() * 1000) // HOUR_MS * HOUR_MS - HOUR_MS, random.Random(3)
    days, calm = dict[int, Summary](), traffic.Loop()
    blobs = system.blobs()
    if not blobs.exists():
        blobs.create_container()
    for number in range(240):
        at = end - (240 - number) * HOUR_MS
        shift = at // HOUR_MS - traffic.START // HOUR_MS
        loop = calm if number < 214 else calm._replace(rewarded=0.0)
        days.setdefault(at // DAY_MS, Summary(span=HOUR_MS)).absorb(traffic.hour(loop, shift, chance))
    for day, summary in days.items():
        name = summary_names.rolled_up(DEFAULT_HOME, summary_names.DAYS, day * DAY_MS, Summarised())
        blobs.upload_blob(name, encode(summary), overwrite=True)
    blobs.upload_blob(config_name(DEFAULT_HOME), EPSILON.encoded(), overwrite=True)
    blobs.upload_blob(checkpoint.name(DEFAULT_HOME), checkpoint.encode(Checkpoint(cut=end, summarised=Summarised())))


def test_the_evaluator_judges_tells_and_stops_automation(lived: System) -> None:
    def judged() -> dict[str, Any] | None:
        told: dict[str, Any] = call(lived, "loops/default/alarms").json()
        return told if told["judged"] else None

    told = wait_until(judged, "the evaluator has judged the loop", 90)
    assert told["automationStopped"] == ["rewards-missing"]
    raised = {one["name"]: one for one in told["alarms"] if one["state"] in ("warning", "critical")}
    assert raised["rewards-missing"]["state"] == "critical"
    assert raised["rewards-missing"]["next"]
    assert {one["name"] for one in told["history"]} == set(raised)
    assert scraped(lived)[standing("default", "rewards-missing", "critical")] == 1
    stored = wait_until(lambda: Loop(lived).names("headline.json"), "the headline is stored", 30)
    found = headline.decode(lived.blobs().download_blob(stored[0]).readall())
    assert found.verdict is not None
    assert found.verdict.kind == "rewards-missing"
