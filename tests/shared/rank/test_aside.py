"""Predictions beside the event loop: equal to those within it, one at a time per loop, and the loops take turns."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from harness import slots
from harness.learning import PLAIN, decide, train, trained

from shared.errors import ApiError
from shared.loops import artifacts
from shared.rank import aside, ranking, slots_ranking, slots_wire, wire
from shared.rank.aside import Aside, Served
from shared.rank.explanation import shares
from shared.storage import Storage
from shared.vw import policy
from shared.vw.model import Model, PredictionError
from shared.vw.policy import MULTI_SLOT_ARGUMENTS

POLICY = policy.EARLIER_ARGUMENTS


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return trained(tmp_path, POLICY)


@pytest.fixture
def untrained(tmp_path: Path) -> Model:
    return Model("untrained", train(tmp_path / "untrained", [], policy=POLICY).predict)


@pytest.fixture
async def beside(storage: Storage) -> AsyncIterator[Aside]:
    made = Aside(storage)
    yield made
    await made.close()


async def served(storage: Storage, folder: Path, name: str) -> Served:
    return Served(name, await artifacts.publish(storage, name, folder / "predict.vw"), ())


@pytest.fixture
async def asked(storage: Storage, tmp_path: Path, model: Model) -> Served:
    return await served(storage, tmp_path, "one")


async def test_it_predicts_and_explains_as_the_model_does(beside: Aside, model: Model, asked: Served) -> None:
    for body in PLAIN[:5]:
        decision = decide(body, model)
        count, order = len(decision.candidates), decision.ranking.order
        assert await beside.predict("a", asked, decision.context, count) == model.predict(decision.context, count)
        assert await beside.shares("a", asked, decision.context, order) == shares(model, decision.context, order)


async def test_each_model_answers_for_itself(
    beside: Aside, model: Model, untrained: Model, storage: Storage, tmp_path: Path
) -> None:
    context = decide(PLAIN[0], model).context
    both = [await served(storage, tmp_path / folder, folder or "one") for folder in ("", "untrained")]
    for _ in range(2):
        for one, known in zip(both, (model, untrained), strict=True):
            assert await beside.predict("a", one, context, 3) == known.predict(context, 3)
    assert model.predict(context, 3) != untrained.predict(context, 3)


async def test_it_reads_a_request_as_this_process_does(beside: Aside) -> None:
    for body in (PLAIN[0], PLAIN[0] | {"excludedActions": ["b"], "deferActivation": True}):
        expected = ranking.ask(wire.rank_request(msgspec.json.encode(body)), POLICY)._replace(is_dear=True)
        asked, deferred = await beside.read("a", msgspec.json.encode(body | {"eventId": expected.event_id}), POLICY)
        assert (asked, deferred) == (expected, "deferActivation" in body)


async def test_it_reads_a_multi_slot_request_as_this_process_does(beside: Aside) -> None:
    several = slots.body(eventId="e1")
    expected = slots_ranking.ask(slots_wire.rank_request(msgspec.json.encode(several)), MULTI_SLOT_ARGUMENTS)
    asked, deferred = await beside.read_slots("a", msgspec.json.encode(several), MULTI_SLOT_ARGUMENTS)
    assert (asked, deferred) == (expected._replace(is_dear=True), False)


@pytest.mark.parametrize("body", [b'{"actions":[]}', b'{"actions":[{"id":"a","features":[{"f":[[1]]}]}]}', b"[1,"])
async def test_it_refuses_a_request_as_this_process_does(beside: Aside, body: bytes) -> None:
    with pytest.raises(ApiError) as expected:
        wire.rank_request(body)
    with pytest.raises(ApiError) as refused:
        await beside.read("a", body, POLICY)
    assert refused.value.body() == expected.value.body()


async def test_a_process_that_ended_is_started_again(beside: Aside, model: Model, asked: Served) -> None:
    decision = decide(PLAIN[0], model)
    await beside.predict("a", asked, decision.context, 3)
    assert beside.process is not None
    os.kill(beside.process, signal.SIGKILL)
    with pytest.raises(PredictionError, match="crashed"):
        await beside.predict("a", asked, decision.context, 3)
    assert await beside.predict("a", asked, decision.context, 3) == model.predict(decision.context, 3)


async def test_what_vw_refuses_is_an_error_and_no_more(beside: Aside, model: Model, asked: Served) -> None:
    decision = decide(PLAIN[0], model)
    with pytest.raises(PredictionError):
        await beside.predict("a", asked, b'{"_multi":[', 3)
    assert await beside.predict("a", asked, decision.context, 3) == model.predict(decision.context, 3)


async def test_a_loop_waits_for_its_own_turn_only(
    beside: Aside, model: Model, asked: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    decision = decide(PLAIN[0], model)
    await beside.predict("a", asked, decision.context, 3)
    monkeypatch.setattr(aside, "LONGEST_WAIT", 0.2)
    assert beside.process is not None
    os.kill(beside.process, signal.SIGSTOP)
    first = asyncio.create_task(beside.predict("a", asked, decision.context, 3))
    other = asyncio.create_task(beside.predict("b", asked, decision.context, 3))
    await asyncio.sleep(0.01)
    with pytest.raises(ApiError) as busy:
        await beside.predict("a", asked, decision.context, 3)
    os.kill(beside.process, signal.SIGCONT)
    assert (busy.value.code, busy.value.status, busy.value.retry_after) == ("OperationNotAllowed", 503, 2)
    assert await first == await other == model.predict(decision.context, 3)
