"""The page about features: what it says is what its twin says, which is what the summaries say."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from harness import past, visitors
from harness.pages import HOSTILE, World, tags, text, visitor
from harness.system import ADMIN_KEY, System
from harness.traffic import Loop

from shared.auth import Keys
from shared.dashboard import figures
from shared.dashboard.pages.features import seen
from shared.dashboard.pages.features.data import Day, Features, Seen
from shared.loops.blob_names import home_of
from shared.loops.registry import Registry
from shared.loops.summary import HOUR_MS
from shared.monitoring.feature_report import FeatureReport
from shared.settings import load
from shared.storage import Storage


@pytest.fixture(scope="module")
def owner(world: World) -> Iterator[httpx.Client]:
    with visitor(world.system.url) as client:
        yield client


def day(owner: httpx.Client, loop: str) -> Any:
    return owner.get(f"/loops/{loop}/features.json").json()["day"]


def test_every_number_is_that_of_the_summaries(world: World, owner: httpx.Client) -> None:
    told, until = day(owner, "lived"), max(world.past.features) + HOUR_MS
    report = FeatureReport(world.past, until)
    assert (told["until"], told["decisions"], told["others"]) == (until, report.recent.sampled, 0)
    assert told["lacking"] == report.lacking
    rows = {one["name"]: one for one in told["features"]}
    assert rows.keys() == {one.name for one in report.features} == visitors.calm(0, visitors.random.Random(1)).keys()
    page = text(owner.get("/loops/lived/features").text)
    for one in report.features:
        row = rows[one.name]
        assert (row["share"], row["uses"], row["values"]) == (one.share, one.uses, one.values)
        assert row["common"] == one.common
        assert f"{one.name} {text(figures.fine_percent(one.share))} {figures.count(one.values)}" in page
    assert f"From a sample of {told['decisions']:,} decisions" in page
    assert f"Drift is not told: {told['lacking']}" in page


def test_a_young_loop_shows_its_current_hour_and_runs_nothing_of_it(owner: httpx.Client) -> None:
    told = day(owner, "hostile")
    [name] = [one["name"] for one in told["features"] if one["name"].startswith(f"{HOSTILE}.")]
    assert name == f"{HOSTILE}.{HOSTILE}"
    page = owner.get("/loops/hostile/features").text
    assert name in text(page)
    assert "img" not in tags(page)


def test_what_the_model_expects_is_told_beside_the_actions(world: World, owner: httpx.Client) -> None:
    with httpx.Client(base_url=world.system.url, headers={"Ocp-Apim-Subscription-Key": ADMIN_KEY}, timeout=60) as api:
        assert api.put("/loops/judged").status_code == 201
        asyncio.run(_judged(world.system))
        judged = owner.get("/loops/judged/actions.json").json()["judged"]
        page = text(owner.get("/loops/judged/actions").text)
        assert api.delete("/loops/judged").status_code == 204
    assert (judged["expected"], judged["came"]) == (0.5, 0.25)
    assert 18 <= judged["decisions"] <= 24
    assert "mean reward expected in the last day 0.500 that came 0.250" in page
    assert owner.get("/loops/hostile/actions.json").json()["judged"] is None
    assert "What the model expects" not in owner.get("/loops/hostile/actions").text


async def _judged(system: System) -> None:
    """Two days of a loop of its own: other tests clear the model of the one that they share."""
    stores = {name: system.settings[name] for name in ("STORAGE_CONNECTION_STRING", "EVENT_HUBS_CONNECTION_STRING")}
    storage = Storage(load({"APP_KEYS": "a", "ADMIN_KEYS": "b"} | stores))
    try:
        registry = Registry(storage, Keys())
        await registry.refresh()
        home = home_of("judged", registry.created("judged") or "")
        await past.give(storage, home, 2, lambda share: Loop(daily=100), round(time.time() * 1000))
    finally:
        await storage.close()


def made(name: str, **changes: Any) -> Seen:
    calm = {"share": 1.0, "uses": 2_000, "values": 3.0, "ratio": 0.0015, "common": {"phone": 0.6}, "psi": 0.01}
    grades = {"cardinality": "ok", "stability": "ok", "is_gone": False, "bound": 0.1}
    return Seen(**{"name": name} | calm | grades | changes)


def test_what_to_look_at_is_marked() -> None:
    rows = [
        made("a", stability="critical", psi=0.81),
        made("b", stability="critical", is_gone=True, share=0.0),
        made("c", cardinality="critical"),
        made("d", cardinality="warning", stability="warning"),
        made("e", psi=0.3, bound=0.9),
    ]
    told = text(str(seen.card(Features("x", Day(0, 2_000, rows, 12, None), [], None, None))))
    assert "a drifts 100 % 3 phone 60 % 0.81 b gone" in told.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "c an id or a time stamp" in told
    assert "d drifts nearly an id" in told
    assert told.count("as always 0.30") == told.count("as always") == 1
    assert "12 uses of further features" in told
    assert "Drift is not told" not in told


def test_a_loop_without_features_says_when_there_will_be_some() -> None:
    told = text(str(seen.card(Features("x", None, [], None, None))))
    assert "No features are known of the last day." in told
    assert "python -m migration summarise" in told
