"""What a sweep deletes, and what it must not."""

import time

import msgspec

from shared.loops.artifacts import Artifact
from shared.loops.blob_names import DEFAULT_HOME, run_name
from shared.loops.checkpoint import Checkpoint, WindowPart
from shared.loops.model_records import Draft, ModelRecord, Place, RewardSettings
from shared.storage import Storage
from shared.training import retention
from shared.training.retention import DAY_MS, KEPT_RUNS

AGES = (0, 1, 6, 8, 400)
NOTHING = Checkpoint()


async def left(
    storage: Storage, names: list[str], days: int, state: Checkpoint = NOTHING, before: Checkpoint = NOTHING
) -> set[str]:
    """The names that a sweep keeps."""
    for name in names:
        await storage.put(name, b"x")
    await retention.sweep(storage, DEFAULT_HOME, days, before, state)
    return set(await storage.names("loops/default/")).intersection(names)


def aged(prefix: str, suffix: str) -> dict[int, str]:
    """A name for each age in days."""
    now = int(time.time() * 1000)
    return {age: f"loops/default/{prefix}{run_name(now - age * DAY_MS)}{suffix}" for age in AGES}


async def test_a_sweep_deletes_what_is_past_its_retention(storage: Storage) -> None:
    logs, late = aged("logs/2026/01/01/00/", ".dsjson.gz"), aged("logs/late/2026/01/01/00/", ".jsonl.gz")
    every = [*logs.values(), *late.values()]
    assert await left(storage, every, 7) == {one[age] for one in (logs, late) for age in (0, 1, 6)}
    for days in (-1, 400_000, 2**31 - 1):
        assert await left(storage, every, days) == set(every), days


async def test_a_sweep_keeps_the_last_models_and_the_current_one(storage: Storage) -> None:
    runs = [run_name(number * 1000) for number in range(KEPT_RUNS + 2)]
    models = [f"loops/default/models/{run}{suffix}" for run in runs for suffix in (".vw", ".predict.vw")]
    assert await left(storage, models, 7) == set(models[4:])
    for name in models:
        await storage.delete(name)
    # An import that came after many rebuilds of the same cut.
    imported, rebuilt = f"{runs[0]}-000001-0a1b2c3d", [f"{runs[0]}_{run}" for run in runs]
    given = [f"loops/default/models/{version}.vw" for version in (imported, *rebuilt)]
    file = Artifact("", "")
    current = Checkpoint(model=ModelRecord(imported, file, file, "", ""))
    assert await left(storage, given, 7, current) == {given[0], *given[3:]}


async def test_a_sweep_keeps_the_state_of_a_draft(storage: Storage) -> None:
    drafts = [f"loops/default/drafts/{run_name(number * 1000)}.vw" for number in range(KEPT_RUNS + 3)]
    rewards = RewardSettings(1.0, 0.0, "earliest")
    draft = Draft("--cb_explore_adf", rewards, 0, Place(""), Artifact(drafts[0], ""))
    assert await left(storage, drafts, 7, Checkpoint(draft=draft)) == {drafts[0], *drafts[3:]}


async def test_a_sweep_keeps_the_parts_of_the_memory(storage: Storage) -> None:
    """Those that are current, and those that were so before the run: another trainer may be loading them."""
    parts = [f"loops/default/join/{run_name(number * 1000)}.windows.gz" for number in range(KEPT_RUNS + 4)]
    models = [f"loops/default/models/{run_name(number * 1000)}.vw" for number in range(KEPT_RUNS + 4)]
    now, before = (Checkpoint(windows=[WindowPart(Artifact(parts[number], ""), 1, 1)]) for number in (0, 2))
    assert await left(storage, [*parts, *models], 7, now, before) == {parts[0], parts[2], *parts[4:], *models[4:]}


async def test_a_sweep_keeps_the_model_that_undo_would_put_back(storage: Storage) -> None:
    runs = [run_name(number * 1000) for number in range(KEPT_RUNS + 3)]
    models = [f"loops/default/models/{run}{suffix}" for run in runs for suffix in (".vw", ".predict.vw")]
    file = Artifact("", "")
    state = Checkpoint(model=ModelRecord(runs[0], file, file, "", "")).replacing_model(7)
    assert await left(storage, models, 7, msgspec.structs.replace(state, model=None)) == {*models[:2], *models[6:]}
