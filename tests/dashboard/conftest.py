"""A running service with readers: a loop with days behind it, one with hostile names, and the default one."""

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest
from harness import past
from harness.pages import HOSTILE, READER_KEY, World, decide
from harness.system import ADMIN_KEY, CONFIGURATION, System, running, wait_until
from harness.traffic import Loop

from shared.auth import Keys
from shared.loops.blob_names import home_of
from shared.loops.registry import Registry
from shared.loops.summary import Summary
from shared.settings import load
from shared.storage import Storage

OWNER = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("dashboard"), READER_KEYS=READER_KEY) as system:
        system.configure()
        yield system


@pytest.fixture(scope="package")
def world(service: System) -> World:
    with httpx.Client(base_url=service.url, headers=OWNER, timeout=60) as owner:
        assert owner.put("/loops/lived").status_code == 201
        made = owner.put("/loops/hostile").json()
        keys = {role: made[f"{role}Keys"] for role in ("app", "admin", "reader")}
        base = "/loops/hostile/personalizer/v1.0"
        assert owner.put(f"{base}/configurations/service", json=CONFIGURATION).status_code == 200
        actions = [{"id": f"{HOSTILE}{number}", "features": [{HOSTILE: HOSTILE}]} for number in range(2)]
        for number in range(6):
            event = f"{HOSTILE}-{number}"
            body = {"eventId": event, "actions": actions, "contextFeatures": [{HOSTILE: {HOSTILE: 1}}]}
            assert owner.post(f"{base}/rank", json=body).status_code == 201
        policy = {"name": HOSTILE, "arguments": "--cb_explore_adf --epsilon 0.3"}
        assert owner.put(f"{base}/configurations/policy", json=policy).status_code == 200
        decide(service, 12, loop="hostile", key=keys["app"][0])
        decide(service, 12)
        whole = asyncio.run(_lived(service))
        for loop in ("default", "hostile"):
            wait_until(lambda at=loop: _joined(owner, at) >= 12, f"the decisions of {loop} are joined")
    return World(service, whole, keys)


def _joined(owner: httpx.Client, loop: str) -> float:
    data = owner.get(f"/dashboard/loops/{loop}.json").json()
    return float(data["history"]["decisions"])


async def _lived(service: System) -> Summary:
    storage = Storage(load({"APP_KEYS": "a", "ADMIN_KEYS": "b"} | _servers(service)))
    try:
        registry = Registry(storage, Keys())
        await registry.refresh()
        home = home_of("lived", registry.created("lived") or "")
        return await past.give(storage, home, 6, _course, round(time.time() * 1000))
    finally:
        await storage.close()


def _course(share: float) -> Loop:
    return Loop(daily=900, usual=0.2, best=0.6, knows=min(0.9, 2 * share), rewarded=0.9, late=0.1)


def _servers(service: System) -> dict[str, str]:
    names = ("STORAGE_CONNECTION_STRING", "EVENT_HUBS_CONNECTION_STRING")
    return {name: service.settings[name] for name in names}
