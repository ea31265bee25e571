"""The example applications learn in a real loop, do without one that is away, and need what they say they need."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from html import unescape
from typing import NamedTuple

import httpx
import pytest
from harness.examples import EXAMPLES, NAMES, Example, printed, with_loop
from harness.system import ADMIN_KEY, System, running, wait_until

# Simulated users, of whom the second half is judged, and seconds for the loop to learn from the first.
USERS, PAUSE = 2_000, 15
# The share of the possible gain over random choice that proves learning. Choices that nothing was learned for miss it
# by more than ten standard errors, because the figures are means of true chances.
LEARNED = 0.3
NOWHERE = "http://127.0.0.1:9"

each_example = pytest.mark.parametrize("name", NAMES)


class Figures(NamedTuple):
    """What the second half of the simulated users was worth on average, as the example printed it."""

    baseline: float
    at_random: float
    chosen: float
    best: float

    @property
    def gain(self) -> float:
        """The share of the possible gain over random choice."""
        return (self.chosen - self.at_random) / (self.best - self.at_random)


class Started(NamedTuple):
    """An example with its simulated users under way."""

    example: Example
    process: subprocess.Popen[str]


def figures(printed: str) -> Figures:
    """The first number of each of the four rows."""
    rows = re.findall(r"^  \S.*? {2,}(\d[\d.]*)", printed, re.MULTILINE)
    return Figures(*map(float, rows))


def unanswered(printed: str) -> int:
    found = re.search(r"(\d+) without an answer", printed)
    assert found is not None
    return int(found[1])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("examples")) as system:
        yield system


@pytest.fixture(scope="module")
def learning(service: System) -> Iterator[dict[str, Started]]:
    """All examples at once, for they spend most of their time waiting. Each has a loop of its own."""
    with ExitStack() as stack:
        started = {}
        for name in NAMES:
            example = with_loop(service, name, name)
            started[name] = Started(example, example.start("--simulate", str(USERS), "--pause", str(PAUSE)))
            stack.callback(started[name].process.kill)
        yield started


@each_example
def test_it_learns(learning: dict[str, Started], name: str) -> None:
    output, complaints = printed(learning[name].process)
    assert (complaints, unanswered(output)) == ("", 0)
    if figures(output).gain <= LEARNED:  # a busy machine learns late: what was sent by now is enough
        output, complaints = learning[name].example.run("--simulate", "500", "--pause", str(PAUSE))
    found = figures(output)
    assert found.gain > LEARNED, output
    assert found.chosen > found.baseline, output


@each_example
def test_it_is_not_praised_where_nothing_can_be_learned_in_time(service: System, name: str) -> None:
    example = with_loop(service, name, f"slow-{name}", rewardWaitTime="PT10M")
    output, _ = example.run("--simulate", "400", "--pause", "4")
    assert abs(figures(output).gain) < LEARNED


@each_example
def test_without_personalizer_it_does_what_it_would_without(name: str) -> None:
    output, complaints = Example(name, NOWHERE, "key").run("--simulate", "20", "--pause", "0")
    found = figures(output)
    assert unanswered(output) == 20
    assert found.chosen == found.baseline
    assert "Personalizer did not" in complaints
    assert "Traceback" not in complaints


@each_example
def test_it_pins_what_it_needs_and_says_how_it_is_called(name: str) -> None:
    for line in (EXAMPLES / name / "requirements.txt").read_text().splitlines():
        assert re.fullmatch(r"[a-z][a-z0-9-]*==[\d.]+", line)
    told, _ = Example(name, NOWHERE, "key").run("--help")
    page = (EXAMPLES / name / "README.md").read_text()
    for text in (told, page):
        assert {"PERSONALIZER_ENDPOINT", "PERSONALIZER_KEY"} <= set(re.findall(r"\w+", text))
    given = re.findall(r"--[a-z-]+", " ".join(re.findall(rf"{name}\.py ([^`\n]*)", page)))
    assert {"--simulate"} <= set(given) <= set(re.findall(r"--[a-z-]+", told))


def rewards(example: Example, event_id: str) -> list[float]:
    """What the trace of an event says it was rewarded with."""
    headers = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
    answer = httpx.get(f"{example.endpoint}/events/{event_id}", headers=headers, timeout=30)
    found = answer.json().get("observations", []) if answer.status_code == 200 else []
    return [one["value"] for one in found if one["kind"] == "reward"]


def test_the_shop_leads_with_an_offer_and_rewards_who_takes_it(service: System) -> None:
    example = with_loop(service, "shop", "shop-page")
    with example.served() as browser:
        page = browser.get("/", params={"from": "<script>alert(1)</script>"})
        event_id, offer = re.findall(r'action="/events/([^"/]+)/([^"/]+)"', page.text)[0]
        taken = browser.post(f"/events/{event_id}/{offer}", follow_redirects=True)
        missing = browser.get("/offers/nothing")
    assert "has_been_here" in page.headers["set-cookie"]
    assert "<script" not in page.text
    assert "<script>alert(1)" in unescape(page.text)
    assert (taken.status_code, taken.url.path, missing.status_code) == (200, f"/offers/{offer}", 404)
    assert wait_until(lambda: rewards(example, event_id), "the reward is found") == [1.0]


def test_the_shop_is_open_without_personalizer() -> None:
    with Example("shop", NOWHERE, "key").served() as browser:
        page = browser.get("/").text
    assert "Dry all autumn" in page
    assert "/events/" not in page


@pytest.mark.parametrize(("place", "value"), [(0, 1.0), (1, 0.0)])
def test_the_assistant_asks_back_and_rewards_the_first_link(service: System, place: int, value: float) -> None:
    example = with_loop(service, "assistant", f"chat-{place}")
    customer = {"order": "unpaid", "channel": "web"}
    with example.served() as browser:
        clear = browser.post("/messages", json={"text": "Where is my parcel?", "customer": customer}).json()
        vague = browser.post("/messages", json={"text": "this failed", "customer": customer}).json()
        picked = browser.post("/picks", json={"event": vague["event"], "intent": vague["links"][place]["intent"]})
        again = browser.post("/picks", json={"event": vague["event"], "intent": vague["links"][0]["intent"]})
    assert (clear["links"], clear["event"]) == ([], None)
    assert len(vague["links"]) == 6
    assert (picked.status_code, again.status_code) == (200, 200)
    assert wait_until(lambda: rewards(example, vague["event"]), "the reward is found") == [value]
