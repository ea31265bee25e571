"""What summaries hold of an erased value whose log is gone: their sums stay, and the value is none of its names."""

import gzip
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from harness.mortal import Mortal
from harness.summarised import SummarisedLoop

from shared.loops import summaries, summary_names
from shared.loops.blob_names import blob_name
from shared.loops.feature_sample import Sample
from shared.loops.summary import DAY_MS, HOUR_MS
from shared.settings import Settings
from shared.training.summaries_anew import Making
from shared.vw.learners import Learners

STEP, DAY = 1_200_000, 19_675 * DAY_MS
FIRST, RUNS = DAY + 21 * HOUR_MS + STEP // 4, 14

MakeLoop = Callable[[str], SummarisedLoop]


@pytest.fixture
async def make(settings: Settings, tmp_path: Path, learners: Learners) -> AsyncIterator[MakeLoop]:
    storage = Mortal(settings)
    yield lambda loop: SummarisedLoop(storage, loop, tmp_path, learners, FIRST, STEP)
    await storage.close()


async def samples(one: SummarisedLoop) -> dict[int, Sample]:
    end = DAY + 2 * DAY_MS
    return (await summaries.over(one.storage, one.home, end, end, features_from=DAY)).summary.features


def texts(found: dict[int, Sample]) -> dict[str, int]:
    """How often each text is named, by feature."""
    made: dict[str, int] = {}
    for sample in found.values():
        for stratum in sample.strata.values():
            for name, values in stratum.features.items():
                for text, count in values.texts.items():
                    made[f"{name}={text}"] = made.get(f"{name}={text}", 0) + count
    return made


async def erase(one: SummarisedLoop, days: list[int], *values: str) -> None:
    making = Making(one.storage, one.home, 0.25, lambda _: None)
    await making.without_erased(days, values)


@pytest.mark.parametrize("swept", [False, True])
async def test_an_erased_value_is_named_by_no_summary_and_its_uses_stay(make: MakeLoop, swept: bool) -> None:
    one = make(f"gone-{swept}")
    for number in range(RUNS):
        await one.train(number)
    if swept:
        await one.sweep()
        await one.sweep()
    await one.storage.delete_all(await one.storage.names(blob_name(one.home, "logs", "")))
    before = texts(await samples(one))
    name, _, value = max(before, key=lambda text: (before[text], text)).partition("=")
    assert value
    await erase(one, [], value)
    after = texts(await samples(one))
    assert after == {key: count for key, count in before.items() if key != f"{name}={value}"} | {
        f"{name}=": before[f"{name}={value}"]
    }
    for item in await one.storage.names(summary_names.prefix(one.home)):
        blob = await one.storage.read(item)
        assert blob is not None
        assert f'"{value}"'.encode() not in gzip.decompress(blob.data), item


async def test_days_that_are_made_anew_have_the_features_of_their_log(make: MakeLoop) -> None:
    one = make("anew")
    for number in range(RUNS):
        await one.train(number)
    for _ in range(3):  # the last one deletes what is in the roll-ups of the first
        await one.sweep()
    before = await one.blobs()
    await erase(one, [DAY, DAY + DAY_MS])
    assert await one.blobs() == before
    assert sum(sample.n for sample in (await samples(one)).values()) == 4 * RUNS
