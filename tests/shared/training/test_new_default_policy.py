"""Loops under the default policy: what their models cross, know and serve, whatever runs they learn in."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from harness.stored import replayed, told, unweighted
from harness.trained import AT_ONCE, Deployment, trainer

from shared.loops import checkpoint, stored
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import Policy
from shared.loops.model_records import ModelRecord, Past
from shared.serving.loop import Serving
from shared.serving.service import Service
from shared.training import new_model
from shared.vw import policy
from shared.vw.known_actions import ENOUGH, KnownActions
from shared.vw.schema import Schema


@pytest.fixture
def deployed(parts: Service) -> Deployment:
    return Deployment(parts)


def context(**more: Any) -> dict[str, Any]:
    actions = [{"_tag": one, "i": {"constant": 1, "id": one}, "j": [{"x": number}]} for number, one in enumerate("abc")]
    return {"c": msgspec.Raw(msgspec.json.encode({"FromUrl": [{"hour": 1, **more}], "_multi": actions}))}


async def fill(deployed: Deployment, first: int, count: int, **more: Any) -> None:
    """Events of which every second one is rewarded."""
    ids = [f"e{number}" for number in range(first, first + count)]
    for event_id in ids[::2]:
        await deployed.reward(event_id)
    await deployed.rank(*ids, deferred=False, **(context(**more) | {"a": [2, 1, 3], "p": [0.2, 0.5, 0.3]}))


async def learned(deployed: Deployment, parts: Service) -> Checkpoint:
    """The state once nothing is left to learn."""
    async with trainer(parts) as one:
        for _ in range(20):
            await one.tick()
            state = await deployed.checkpoint()
            past = past_of(state)
            if state.draft is None and past.schema.includes(past.experience.schema):
                return state
    raise AssertionError("it goes on learning")


def past_of(state: Checkpoint) -> Past:
    assert state.model is not None
    assert state.model.past is not None
    return state.model.past


async def weights(deployed: Deployment, model: ModelRecord | None) -> bool:
    """True if the model has the weights that VW's own driver learns, unweighted, from the log in one go."""
    assert model is not None
    lines = b"".join(line + b"\n" for line in await deployed._lines("default", ".dsjson.gz"))
    blob = await deployed.storage.read(model.trainer.name)
    assert blob is not None
    return replayed(unweighted(lines), blob.data, told(msgspec.to_builtins(model)))


async def test_a_new_loop_crosses_what_its_events_have(deployed: Deployment, parts: Service) -> None:
    await deployed.make("default")
    await fill(deployed, 0, 30, user={"age": 3})
    state = await learned(deployed, parts)
    assert past_of(state).schema == Schema("Fu", "j")
    assert past_of(state).experience.schedule.learned == 30
    assert await weights(deployed, state.model)


async def test_a_namespace_that_comes_later_is_crossed_once_the_log_is_learned_anew(
    deployed: Deployment, parts: Service, caplog: pytest.LogCaptureFixture
) -> None:
    await deployed.make("default")
    await fill(deployed, 0, 30)
    assert past_of(await learned(deployed, parts)).schema == Schema("F", "j")
    await fill(deployed, 30, 80, user={"age": 3})
    state = await learned(deployed, parts)
    assert past_of(state).schema == Schema("Fu", "j")
    assert past_of(state).experience.schedule.learned == 110
    assert await weights(deployed, state.model)
    assert "Events have features in new namespaces; learning about 110 events anew." in caplog.text


async def test_whatever_the_runs_the_model_is_the_same(
    deployed: Deployment, parts: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deployed.make("default", "other")
    for start in range(0, 240, 40):
        await fill(deployed, start, 40, **({"user": {"age": 3}} if start > 100 else {}))
        await learned(deployed, parts)
    state = await deployed.checkpoint()
    assert await weights(deployed, state.model)
    # The whole log once more, in parts of some ten events.
    monkeypatch.setattr(new_model, "UNITS", 1_000)
    changed = msgspec.structs.replace(AT_ONCE, policy=Policy("other", policy.EARLIER_ARGUMENTS))
    for config in (changed, AT_ONCE):
        await deployed.storage.put(stored.config_name(deployed.home("default")), config.encoded())
        async with trainer(parts) as one:
            for _ in range(60):
                await one.tick()
                again = await deployed.checkpoint()
                if again.draft is None and again.model and again.model.arguments == config.arguments:
                    break
    assert past_of(again).experience == past_of(state).experience
    assert past_of(again).schema == past_of(state).schema
    assert await weights(deployed, again.model)
    assert await actions(deployed, again) == await actions(deployed, state)


async def actions(deployed: Deployment, state: Checkpoint) -> bytes:
    file = past_of(state).actions
    assert file is not None
    blob = await deployed.storage.read(file.name)
    assert blob is not None
    return blob.data


async def test_actions_are_known_once_they_were_chosen_often_enough(
    deployed: Deployment, parts: Service, tmp_path: Path
) -> None:
    await deployed.make("default")
    await fill(deployed, 0, ENOUGH - 1)
    state = await learned(deployed, parts)
    assert await served(deployed, parts) == [False, False, False]
    await fill(deployed, ENOUGH, 1)
    later = await learned(deployed, parts)
    assert await served(deployed, parts) == [False, True, False]
    await fill(deployed, ENOUGH + 1, 5)
    last = await learned(deployed, parts)
    files = [past_of(one).actions for one in (state, later, last)]
    assert files[0] != files[1]
    assert files[1] == files[2]  # nothing new was to be stored


async def served(deployed: Deployment, parts: Service) -> list[bool]:
    """Which of the actions a process that ranks knows."""
    serving = Serving("default", deployed.home("default"), parts.storage, AT_ONCE)
    await serving.refresh()
    assert serving.model is not None
    assert serving.model.exploration is not None
    known = serving.model.exploration._actions
    serving.close()
    assert isinstance(known, KnownActions)
    return [name in known for name in "abc"]


async def test_a_damaged_list_of_actions_stops_neither_learning_nor_serving(
    deployed: Deployment, parts: Service, caplog: pytest.LogCaptureFixture
) -> None:
    await deployed.make("default")
    await fill(deployed, 0, 30)
    file = past_of(await learned(deployed, parts)).actions
    assert file is not None
    await deployed.storage.put(file.name, b"something else")
    serving = Serving("default", deployed.home("default"), parts.storage, AT_ONCE)
    await serving.refresh()
    assert serving.model is not None
    assert serving.failure is None
    serving.close()
    await fill(deployed, 30, 30)
    state = await learned(deployed, parts)
    assert past_of(state).experience.schedule.learned == 60
    assert await weights(deployed, state.model)
    assert "all actions are new for a while" in caplog.text


async def test_a_loop_that_an_earlier_version_began_keeps_its_policy(deployed: Deployment, parts: Service) -> None:
    name = checkpoint.name(deployed.home("default"))
    state = msgspec.json.decode(checkpoint.encode(Checkpoint(cut=1)))
    del state["defaults"], state["sha256"]
    await deployed.storage.put(name, checkpoint._sealed(msgspec.json.encode(state)))
    async with trainer(parts) as one:
        await one.tick()
    kept = (await stored.read_config(deployed.storage, deployed.home("default"))).value
    assert kept is not None
    assert kept.policy == Policy("default", policy.EARLIER_ARGUMENTS)


async def test_a_new_loop_that_nobody_has_configured_has_no_configuration(deployed: Deployment, parts: Service) -> None:
    for _ in range(2):
        await deployed.rank("1")
        async with trainer(parts) as one:
            await one.tick()
    assert (await stored.read_config(deployed.storage, deployed.home("default"))).value is None
