"""What summaries hold of an erased value whose log is gone: their sums stay, and the value is none of its names."""

import gzip
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from harness.mortal import Mortal
from harness.summarised import SummarisedLoop

from shared.hubs.events import key_of
from shared.joined_log import erasing
from shared.joined_log.erasing import Lines
from shared.joined_log.selection import Selection
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


@pytest.mark.parametrize("anew", [True, False])
async def test_a_value_that_events_of_the_log_have_keeps_its_counts(make: MakeLoop, anew: bool) -> None:
    one = make(f"kept-{anew}")
    for number in range(RUNS):
        await one.train(number)
    for _ in range(3):
        await one.sweep()
    found, before = await samples(one), await one.blobs()
    values = {text.partition("=")[2] for text in texts(found)}
    assert values
    await erase(one, [DAY, DAY + DAY_MS] if anew else [], *values, "a", "b", "c")
    later = await samples(one)
    sure = [hour for hour in found if hour > FIRST]  # what was logged before the first run may be gone
    assert texts({hour: later[hour] for hour in sure}) == texts({hour: found[hour] for hour in sure})
    assert (await one.blobs() == before) is anew


async def test_what_a_rewriting_reads_makes_the_summaries_that_its_log_makes(make: MakeLoop, tmp_path: Path) -> None:
    one, days = make("passing"), [DAY, DAY + DAY_MS]
    for number in range(RUNS):
        await one.train(number)
    for _ in range(3):
        await one.sweep()
    before, folder = await one.blobs(), tmp_path / "passing"
    folder.mkdir()
    making = Making(one.storage, one.home, 0.25, lambda _: None)
    passing = await making.passing(days, None, folder)
    lines = Lines(Selection([]), frozenset({key_of("e0-0"), key_of(f"e{RUNS - 1}-0")}))
    async for made in erasing.rewrite(one.storage, one.home, tmp_path, lines, set(), None, passing):
        if made.without is not None:
            await one.storage.overwrite(made.name, made.without)
    await making.without_erased(days, [], passing)
    assert not making.logged, "no day was read again"
    after = await one.blobs()
    assert after != before
    await making.without_erased(days, [])
    assert sum(making.logged.values()) == 5 * RUNS - 2
    assert await one.blobs() == after
