"""One process's parts: what it keeps of loops that come and go."""

import weakref

import pytest

from shared.errors import ApiError
from shared.loops.registry import LoopRecord
from shared.serving import service
from shared.serving.loop import Serving
from shared.serving.service import Service


async def test_a_process_lets_go_of_loops_that_are_deleted(parts: Service) -> None:
    """Their models are several megabytes each, and nobody may ever ask for such a loop again."""
    await parts.registry.change(lambda loops: loops | {"passing": LoopRecord("2026-01-01T00:00:00Z")})
    passing, default = weakref.ref(parts.loop("passing")), parts.loop()
    assert passing() is parts.loop("passing")
    await parts.registry.change(lambda _: {})
    assert parts.loop() is default
    assert passing() is None
    with pytest.raises(ApiError):
        parts.loop("passing")


async def test_a_loop_that_is_made_anew_is_another(parts: Service) -> None:
    await parts.registry.change(lambda loops: loops | {"again": LoopRecord("2026-01-01T00:00:00Z")})
    first = parts.loop("again")
    await parts.registry.change(lambda loops: loops | {"again": LoopRecord("2026-01-02T00:00:00Z")})
    second = parts.loop("again")
    assert second is not first
    assert second.home != first.home
    assert parts.loop("again") is second


async def test_loops_that_nobody_asks_for_rest(parts: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    await parts.registry.change(lambda loops: loops | {"quiet": LoopRecord("2026-01-01T00:00:00Z")})
    busy, quiet = parts.loop(), parts.loop("quiet")
    rested: list[Serving] = []
    monkeypatch.setattr(Serving, "rest", lambda loop: rested.append(loop))
    for loop in (quiet, busy):
        await parts.ready(loop, "e")
    quiet.asked -= service.IDLE_SECONDS
    await parts.ready(busy, "e")
    await parts.ready(busy, "e")  # not yet time to look again
    assert rested == [quiet]
