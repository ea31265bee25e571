"""The picture of the dashboard in docs/: `make screenshot`.

A running service, a loop that has decided for two weeks, and the browser of the tests. Its decisions are real: each
guest of the demo's café gets an offer that is ranked by what was learned of the guests before, and it is joined with
their order, as the service does. Only the times are made up, since nobody waits for two weeks.
"""

import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

import httpx
import msgspec

PROJECT = Path(__file__).parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

from harness import learning, past  # noqa: E402
from harness.browser import looking, started  # noqa: E402
from harness.system import ADMIN_KEY, CONFIGURATION, System, running, wait_until  # noqa: E402

from shared.auth import Keys  # noqa: E402
from shared.dashboard.demo import cafe, playing  # noqa: E402
from shared.evaluation.job import moment  # noqa: E402
from shared.hubs.events import Observation, key_of  # noqa: E402
from shared.joined_log.joined_lines import join_line  # noqa: E402
from shared.joined_log.summarising import Summarising  # noqa: E402
from shared.loops import chronicle, stored  # noqa: E402
from shared.loops.blob_names import Home, home_of  # noqa: E402
from shared.loops.chronicle import Chronicle  # noqa: E402
from shared.loops.config import LoopConfig, Policy  # noqa: E402
from shared.loops.registry import Registry  # noqa: E402
from shared.loops.summary import DAY_MS, Summary  # noqa: E402
from shared.settings import load  # noqa: E402
from shared.storage import Storage  # noqa: E402
from shared.vw.model import Model  # noqa: E402

NAME, DAYS, DAILY, PICTURE = "cafe", 15, 600, PROJECT / "docs" / "overview.png"
POLICY = Policy("crossing", "--cb_explore_adf --cb_type mtr --epsilon 0.2 --cubic ::i")
KEY_HEADER = "Ocp-Apim-Subscription-Key"
# The share of guests who go without an answer, and that of those whose answer comes after the reward wait time.
SILENT, LATE = 0.06, 0.03


def main() -> None:
    """Entry point of the command."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as system:
        owner = httpx.Client(base_url=system.url, headers={KEY_HEADER: ADMIN_KEY}, timeout=60)
        key = owner.put(f"/loops/{NAME}").json()["appKeys"][0]
        base = f"/loops/{NAME}/personalizer/v1.0/configurations"
        owner.put(f"{base}/service", json=CONFIGURATION).raise_for_status()
        policy = {"name": POLICY.name, "arguments": POLICY.arguments}
        owner.put(f"{base}/policy", json=policy).raise_for_status()
        start, end = past.span(DAYS, round(time.time() * 1000))
        asyncio.run(_live(system, _decided(start, end), start, end))
        _visit(httpx.Client(base_url=f"{system.url}/loops/{NAME}/personalizer/v1.0", headers={KEY_HEADER: key}))
        wait_until(lambda: _is_judged(owner), "the evaluator has judged the loop", 120)
        with started() as browser, looking(browser, system.url) as watched:
            watched.page.set_viewport_size({"width": 1280, "height": 1040})
            watched.go(f"/loops/{NAME}?period=14d")
            watched.page.screenshot(path=PICTURE)
    print(PICTURE)


def _is_judged(owner: httpx.Client) -> bool:
    data = owner.get(f"/dashboard/loops/{NAME}.json").json()
    is_good = data["standing"]["kind"] == "working" and data["model"] is not None
    return is_good and all(one["state"] == "ok" for one in data["checks"])


async def _live(system: System, decided: Summary, start: int, end: int) -> None:
    names = ("STORAGE_CONNECTION_STRING", "EVENT_HUBS_CONNECTION_STRING")
    own = {name: system.settings[name] for name in names}
    storage = Storage(load({"APP_KEYS": "a", "ADMIN_KEYS": "b"} | own))
    registry = Registry(storage, Keys())
    await registry.refresh()
    home = home_of(NAME, registry.created(NAME) or "")
    await past.put(storage, home, decided, start, end)
    await _configured_before(storage, home)
    await storage.close()


async def _configured_before(storage: Storage, home: Home) -> None:
    """As if the loop had been configured early on: what is judged by the last day does not count from today."""
    found = await stored.read_config(storage, home)
    assert found.value is not None
    assert found.value.replaced is not None
    at = found.value.replaced.at - 11 * DAY_MS
    before = msgspec.structs.replace(found.value.replaced, at=at)
    config = msgspec.structs.replace(found.value, edited=moment(at - DAY_MS), replaced=before)
    await storage.replace(stored.config_name(home), config.encoded(), found.etag)
    settings, policy = await chronicle.entries(storage, home)
    earlier = msgspec.structs.replace(settings, at=at - DAY_MS), msgspec.structs.replace(policy, at=at)
    await storage.put(chronicle.name(home), msgspec.json.encode(Chronicle(list(earlier))))


def _visit(client: httpx.Client) -> None:
    """Guests of today, by the service itself: so it has a model."""
    chance = random.Random(4)
    for number in range(40):
        weather, hour = chance.choice(cafe.MOMENTS)
        ranked = client.post("rank", content=playing.body(weather, hour, cafe.WEEKDAYS[0], f"today-{number}"))
        ranked.raise_for_status()
        offered = ranked.json()["rewardActionId"]
        value = float(chance.random() < cafe.expected(weather, hour, offered))
        client.post(f"events/today-{number}/reward", json={"value": value}).raise_for_status()


def _decided(start: int, end: int) -> Summary:
    """What came of the guests of each day, whom the model of the day before was asked for."""
    made, chance, model, trained = Summarising(0.0), random.Random(3), None, None
    config = msgspec.structs.replace(LoopConfig(), policy=POLICY)
    with tempfile.TemporaryDirectory() as folder:
        for day in range(start, end, DAY_MS):
            until = min(day + DAY_MS, end)
            times = [chance.randrange(day, until) for _ in range(round(DAILY * (until - day) / DAY_MS))]
            lines = [_guest(made, at, config, model, chance) for at in times]
            learner = learning.train(Path(folder, str(day)), lines, trained, POLICY.arguments)
            model, trained = Model(str(day), learner.predict), learner.model
    return made.finished()


def _guest(made: Summarising, at: int, config: LoopConfig, model: Model | None, chance: random.Random) -> bytes:
    """The line of one guest, ranked at an instant, in the joined log."""
    weather, hour = chance.choice(cafe.MOMENTS)
    body = playing.body(weather, hour, chance.choice(cafe.WEEKDAYS), f"guest-{chance.random()}")
    decision = learning.decide(body, model, config)
    event = learning.interaction(decision)
    offered = decision.candidates[decision.ranking.order[0]]
    value, rewards = float(chance.random() < cafe.expected(weather, hour, offered)), list[Observation]()
    answered = chance.random()
    if answered >= SILENT + LATE:
        kept = Observation(v=1, loop=NAME, id=event.id, at="", kind="reward", nonce="n", value=value)
        rewards.append(kept)
    elif answered >= SILENT:
        made.leave(at, "late")
    joined = join_line(event, at, rewards, config)
    made.join(at, event, joined, len(rewards), key_of(event.id))
    return joined.line


if __name__ == "__main__":
    main()
