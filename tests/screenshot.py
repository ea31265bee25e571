"""The picture of the dashboard in docs/: `make screenshot`.

A running service, a loop with two weeks of simulated decisions behind it, and the browser of the tests.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import httpx
import msgspec

PROJECT = Path(__file__).parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

from harness import past  # noqa: E402
from harness.browser import looking, started  # noqa: E402
from harness.pages import decide  # noqa: E402
from harness.system import ADMIN_KEY, CONFIGURATION, System, running, wait_until  # noqa: E402
from harness.traffic import Loop  # noqa: E402

from shared.auth import Keys  # noqa: E402
from shared.evaluation.job import moment  # noqa: E402
from shared.loops import stored  # noqa: E402
from shared.loops.blob_names import Home, home_of  # noqa: E402
from shared.loops.registry import Registry  # noqa: E402
from shared.loops.summary import DAY_MS  # noqa: E402
from shared.settings import load  # noqa: E402
from shared.storage import Storage  # noqa: E402

NAME, DAYS, PICTURE = "shop-landing", 15, PROJECT / "docs" / "overview.png"


def main() -> None:
    """Entry point of the command."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as system:
        owner = httpx.Client(base_url=system.url, headers={"Ocp-Apim-Subscription-Key": ADMIN_KEY}, timeout=60)
        key = owner.put(f"/loops/{NAME}").json()["appKeys"][0]
        base = f"/loops/{NAME}/personalizer/v1.0/configurations"
        owner.put(f"{base}/service", json=CONFIGURATION).raise_for_status()
        policy = {"name": "Hyper2", "arguments": "--cb_explore_adf --epsilon 0.2 --learning_rate 0.3"}
        owner.put(f"{base}/policy", json=policy).raise_for_status()
        decide(system, 30, loop=NAME, key=key)
        asyncio.run(_live(system))
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


async def _live(system: System) -> None:
    names = ("STORAGE_CONNECTION_STRING", "EVENT_HUBS_CONNECTION_STRING")
    own = {name: system.settings[name] for name in names}
    storage = Storage(load({"APP_KEYS": "a", "ADMIN_KEYS": "b"} | own))
    registry = Registry(storage, Keys())
    await registry.refresh()
    home = home_of(NAME, registry.created(NAME) or "")
    await past.give(storage, home, DAYS, _course, round(time.time() * 1000), seed=3)
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


def _course(share: float) -> Loop:
    """It learns in a few days; one in five decisions explores."""
    return Loop(daily=3_400, usual=0.25, best=0.5, knows=min(0.92, 4 * share), rewarded=0.93, late=0.04)


if __name__ == "__main__":
    main()
