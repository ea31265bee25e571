"""The demo: a loop of its own that really learns, on an owner's request and only where it is switched on."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from harness.pages import READER_KEY, World, send, text, visitor
from harness.system import System, running, wait_until

from shared.dashboard.demo import cafe


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("demo"), DEMO="true", READER_KEYS=READER_KEY) as system:
        yield system


def twin(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/demo.json").json()
    return found


def sent(client: httpx.Client, visits: int) -> dict[str, Any]:
    """What is told once a thousand more have been learned, so many in all."""
    assert send(client, "/loops/demo-send").status_code == 303
    wait_until(lambda: (twin(client)["learned"] or 0) >= visits, "all visits are learned", 90)
    return twin(client)


def gain(found: dict[str, Any]) -> float:
    """How far the loop has come from choosing at random to the best there is, 0..1."""
    worth = found["worth"]
    return float((worth["now"] - worth["random"]) / (worth["best"] - worth["random"]))


def test_it_is_off_where_nobody_has_switched_it_on(world: World) -> None:
    with visitor(world.system.url) as client:
        assert client.get("/demo").status_code == 404
        assert send(client, "/loops/demo-begin").status_code == 403
        assert "Try it as a visitor" not in client.get("/loops").text


def test_a_reader_does_not_play(demo: System) -> None:
    with visitor(demo.url, READER_KEY) as client:
        assert client.get("/demo").status_code == 403
        for action in ("begin", "visit", "answer", "send", "end"):
            assert send(client, f"/loops/demo-{action}").status_code == 403


def test_it_learns_from_visitors_and_from_one_s_own_clicks(demo: System) -> None:
    with visitor(demo.url) as client:
        assert "Try it as a visitor" in client.get("/loops").text
        assert not twin(client)["exists"]
        assert send(client, "/loops/demo-begin").headers["location"] == "/dashboard/demo"
        begun = twin(client)["worth"]
        assert begun["now"] == pytest.approx(begun["random"])
        offer = send(client, "/loops/demo-visit", weather="rainy", time="noon")
        assert "No model yet: at random" in text(offer.text)
        assert "rainy" in text(offer.text)
        event = re.findall(r'name="event" value="([^"]+)"', offer.text)[0]
        answer = send(client, "/loops/demo-answer", event=event, value="1", weather="rainy", time="noon")
        assert answer.headers["location"] == "/dashboard/demo?weather=rainy&time=noon"
        for thousands in range(1, 5):  # chance decides what a thousand visits show, less so what more of them do
            found = sent(client, 1 + 1_000 * thousands)
            if gain(found) > 0.5:
                break
        assert gain(found) > 0.5
        assert len(found["worth"]["moments"]) == len(cafe.MOMENTS)
        trace = client.get("/loops/demo-cafe/events.json", params={"id": event}).json()["trace"]
        assert (trace["status"], trace["reward"]) == ("learned", 1.0)
        assert send(client, "/loops/demo-end").status_code == 303
        assert not twin(client)["exists"]


def test_what_a_guest_sends_is_checked(demo: System) -> None:
    with visitor(demo.url) as client:
        assert send(client, "/loops/demo-visit").status_code == 404
        send(client, "/loops/demo-begin")
        odd = send(client, "/loops/demo-visit", weather="<script>", time="x")
        assert odd.status_code == 200
        assert "<script>" not in odd.text
        assert send(client, "/loops/demo-answer", event="").status_code == 400
        send(client, "/loops/demo-end")


def test_the_world_of_the_demo_is_the_simulator_s(tmp_path: Path) -> None:
    from random import Random

    from simulator.cafe import CAFE

    visit = CAFE.visit(Random(1), 0)
    moment = visit.context[0]
    assert visit.expected == [cafe.expected(moment["weather"], moment["time"], drink) for drink in cafe.DRINKS]
