"""One process's parts: what it keeps of loops that come and go."""

import weakref

import httpx
from harness.system import ADMIN_KEY, System

from shared.serving.service import Service
from shared.settings import load


async def test_a_process_lets_go_of_loops_that_are_deleted(system: System) -> None:
    """Their models are several megabytes each, and nobody may ever ask for such a loop again."""
    service = Service(load(system.settings))
    owner = httpx.AsyncClient(headers={"Ocp-Apim-Subscription-Key": ADMIN_KEY}, timeout=30)
    assert (await owner.put(f"{system.url}/loops/passing")).status_code == 201
    await service.registry.refresh()
    passing, default = weakref.ref(service.loop("passing")), service.loop()
    assert passing() is service.loop("passing")
    assert (await owner.delete(f"{system.url}/loops/passing")).status_code == 204
    await service.registry.refresh()
    assert service.loop() is default
    assert passing() is None
    await owner.aclose()
    await service.close()
