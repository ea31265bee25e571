"""Turns of administrators' trials."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from shared.admin import trials
from shared.admin.trials import Turns
from shared.errors import ApiError


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "LONGEST_WAIT", 0.05)


async def is_refused(turns: Turns, loop: str) -> bool:
    try:
        async with turns.one(loop):
            return False
    except ApiError as error:
        return (error.code, error.status, error.retry_after) == ("OperationNotAllowed", 503, trials.RETRY_AFTER)


async def test_a_loop_has_one_and_a_process_two() -> None:
    turns = Turns()
    async with turns.one("a"):
        assert await is_refused(turns, "a")
        async with turns.one("b"):
            assert await is_refused(turns, "c")
        assert not await is_refused(turns, "c")
    assert not await is_refused(turns, "a")


async def test_the_next_one_has_its_turn_when_one_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "LONGEST_WAIT", 30)
    turns, stack = Turns(), AsyncExitStack()
    await stack.enter_async_context(turns.one("a"))
    waiting = asyncio.create_task(is_refused(turns, "a"))
    await asyncio.sleep(0)
    assert not await is_refused(turns, "b")
    await stack.aclose()
    assert not await waiting


async def test_a_trial_that_fails_or_is_cancelled_gives_its_turn_back() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError):
        async with turns.one("a"):
            _ = 1 / 0
    held = asyncio.create_task(hold(turns))
    await asyncio.sleep(0.01)
    held.cancel()
    await asyncio.gather(held, return_exceptions=True)
    assert not await is_refused(turns, "a")


async def hold(turns: Turns) -> None:
    async with turns.one("a"):
        await asyncio.Event().wait()
