"""Ticks of trainers on real event hubs and storage: every event is joined once, whatever happens in between."""

import asyncio
import gzip
import hashlib
from collections.abc import Callable, Sequence

import msgspec
import pytest
from harness.metrics import key, read
from harness.servers import Overtaken
from harness.trained import AT_ONCE, CREATED, Deployment, trainer

from shared.hubs.reader_pairs import Pair
from shared.joined_log import unjoined_lines
from shared.loops import checkpoint, commits, exact_sum, registry, stored
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import Policy
from shared.loops.counts import Counts
from shared.monitoring import loop_metrics, prometheus_text
from shared.serving.loop import Serving
from shared.serving.service import Service
from shared.settings import Settings
from shared.storage import Storage, StorageUnavailable
from shared.training import lane
from shared.training.passes import Pass
from shared.training.run import Run


@pytest.fixture
def deployed(parts: Service) -> Deployment:
    return Deployment(parts)


class Outage(Storage):
    """Storage in which blobs whose names begin with `prefix` are replaced only so many times, until it is `over`."""

    def __init__(self, settings: Settings, prefix: str, replaced: int) -> None:
        super().__init__(settings)
        self._prefix, self._left, self.over = prefix, replaced, False

    async def replace(self, name: str, data: bytes, etag: str | None) -> str:
        if name.startswith(self._prefix) and not self.over:
            self._left -= 1
            if self._left < 0:
                raise StorageUnavailable(f"{name} cannot be replaced")
        return await super().replace(name, data, etag)


async def test_a_tick_joins_what_is_in_the_hubs_and_says_how_far_it_has_read(
    deployed: Deployment, parts: Service
) -> None:
    await deployed.make("default")
    await deployed.reward("b", 0.5)
    await deployed.rank("a", "b", "c", "d")
    async with trainer(parts) as one:
        await one.tick()
    assert await deployed.joined() == {"a": 0, "b": 0.5, "c": 0, "d": 0}
    assert await deployed.counts() == {"skipped": 4, "matched": 1}
    state = await deployed.checkpoint()
    assert (sum(state.interactions), sum(state.observations)) == (4 - 2, 1 - 2)
    assert (state.plan, state.model, state.observed) == (None, None, state.observations)


async def test_ticks_that_overlap_in_a_process_wait_for_each_other(
    deployed: Deployment, parts: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading: list[Pass] = []

    class Noted(Pass):
        async def observe(self) -> None:
            assert not reading, "two passes share the readers"
            reading.append(self)
            await super().observe()

        async def close(self) -> list[int]:
            reached = await super().close()
            reading.remove(self)
            return reached

    monkeypatch.setattr(lane, "Pass", Noted)
    await deployed.make("default")
    ids = [str(number) for number in range(12)]
    async with trainer(parts) as one:
        for some in (ids[:4], ids[4:8], ids[8:]):
            await deployed.rank(*some)
            await asyncio.gather(*(one.tick() for _ in range(3)))
    assert await deployed.joined() == dict.fromkeys(ids, 0)
    assert await deployed.counts() == {"skipped": 12}


async def test_one_pass_serves_the_loops_that_go_together(
    deployed: Deployment, parts: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[set[str]] = []

    class Noted(Pass):
        def __init__(self, pair: Pair, runs: Sequence[Run], drop: Callable[[Run, Exception], None]) -> None:
            passes.append({run.loop for run in runs})
            super().__init__(pair, runs, drop)

    monkeypatch.setattr(lane, "Pass", Noted)
    await deployed.make("default", "a", "b")
    await deployed.reward("same", 0.25, loop="b")
    for loop in ("default", "a", "b"):
        await deployed.rank("same", f"of-{loop}", loop=loop)
    async with trainer(parts) as one:
        await one.tick()
    assert passes == [{"default", "a", "b"}]
    assert await deployed.joined() == {"same": 0, "of-default": 0}
    assert await deployed.joined("a") == {"same": 0, "of-a": 0}
    assert await deployed.joined("b") == {"same": 0.25, "of-b": 0}
    assert [await deployed.counts(loop) for loop in ("default", "a")] == [{"skipped": 2}] * 2
    assert await deployed.counts("b") == {"skipped": 2, "matched": 1}


async def test_what_cannot_be_read_is_kept_by_the_default_loop_and_stops_nothing(
    deployed: Deployment, parts: Service
) -> None:
    await deployed.make("default", "a")
    for log in (parts.interactions, parts.observations):
        for line in (b"no event\n", b"\xff\n", b'{"v":99,"loop":"a"}\n'):
            assert await log.append(0, line)
    await deployed.reward("1", 0.5, loop="a")
    await deployed.rank("1", loop="a")
    async with trainer(parts) as one:
        await one.tick()
    assert await deployed.joined("a") == {"1": 0.5}
    assert await deployed.counts("a") == {"skipped": 1, "matched": 1}
    assert await deployed.counts() == {"unreadable": 6}
    assert await deployed.kept() == ["unreadable"] * 6


async def test_every_event_that_cannot_be_joined_is_kept_with_its_reason(deployed: Deployment, parts: Service) -> None:
    await deployed.make("default")
    await deployed.reward("1", 0.5, nonce="sent twice")
    await deployed.reward("1", 0.5, nonce="sent twice")
    await deployed.rank("1", "1", at=CREATED)
    async with trainer(parts) as one:
        await one.tick()
        await deployed.reward("1", 1.0)
        await one.tick()
    assert await deployed.joined() == {"1": 0.5}
    reasons = ["duplicate_observations", "duplicate_ranks", "late"]
    assert await deployed.counts() == dict.fromkeys([*reasons, "matched", "skipped"], 1)
    assert await deployed.kept() == reasons


async def test_a_run_that_fails_is_dropped_and_the_others_commit(deployed: Deployment, parts: Service) -> None:
    await deployed.make("default", "a", "b")
    for loop in ("a", "b"):
        await deployed.rank("1", loop=loop)
    outage = Outage(parts.settings, f"loops/{deployed.home('a')}", replaced=1)
    async with trainer(parts, outage) as one:
        await one.tick()
        assert await deployed.joined("b") == {"1": 0}
        assert await deployed.counts("b") == {"skipped": 1}
        assert (await deployed.checkpoint("a")).counts == Counts()
        outage.over = True
        await one.tick()
    for loop in ("a", "b"):
        assert await deployed.joined(loop) == {"1": 0}
        assert await deployed.counts(loop) == {"skipped": 1}


async def test_a_loop_whose_configuration_is_damaged_waits_for_another_one(
    deployed: Deployment, parts: Service, caplog: pytest.LogCaptureFixture
) -> None:
    await deployed.make("a", "b")
    await deployed.storage.put(stored.config_name(deployed.home("a")), b"{")
    for loop in ("a", "b"):
        await deployed.rank("1", loop=loop)
    async with trainer(parts) as one:
        await one.tick()
        assert await deployed.joined("b") == {"1": 0}
        assert await deployed.joined("a") == {}
        assert '"loop":"a","message":"It was not trained' in caplog.text
        await deployed.make("a")
        await one.tick()
    assert await deployed.counts("a") == {"skipped": 1}


async def test_a_plan_that_was_left_behind_is_repeated_to_the_byte(deployed: Deployment, parts: Service) -> None:
    await deployed.make("default")
    await deployed.reward("b", 0.5)
    await deployed.reward("open")
    await deployed.rank("a", "b")
    async with trainer(parts, Outage(parts.settings, "loops/default", replaced=1)) as one:
        await one.tick()
    plan = (await deployed.checkpoint()).plan
    assert plan is not None
    left = {name: data for name, data in (await deployed.blobs("default")).items() if "/check" not in name}
    assert sum(plan.run in name for name in left) == 4, "the log, its index, the summary and the memory"
    for name in left:
        if plan.run in name:
            await deployed.storage.delete(name)
    await deployed.rank("c", "open")
    async with trainer(parts) as another:
        await another.tick()
    repeated = await deployed.blobs("default")
    assert {name: repeated[name] for name in left} == left
    assert await deployed.joined() == {"a": 0, "b": 0.5, "c": 0, "open": 1}
    assert await deployed.counts() == {"skipped": 4, "matched": 2}


async def test_two_trainers_at_once_join_everything_once(deployed: Deployment, parts: Service) -> None:
    await deployed.make("default", "a")
    names = [f"event-{number}" for number in range(8)]
    async with trainer(parts) as one, trainer(parts) as other:
        for some in (names[:4], names[4:]):
            for loop in ("default", "a"):
                await deployed.reward(some[0], 0.5, loop=loop)
                await deployed.rank(*some, loop=loop)
            await asyncio.gather(one.tick(), other.tick())
        await one.tick()
        await other.tick()
    for loop in ("default", "a"):
        assert await deployed.joined(loop) == dict.fromkeys(names, 0) | {names[0]: 0.5, names[4]: 0.5}
        assert await deployed.counts(loop) == {"skipped": 8, "matched": 2}


async def test_a_trainer_goes_on_from_what_another_has_committed(deployed: Deployment, parts: Service) -> None:
    await deployed.make("default")
    async with trainer(parts) as one, trainer(parts) as other:
        for process, event_id in ((one, "1"), (other, "2")):
            await deployed.rank(event_id, at=CREATED)
            await process.tick()
        await deployed.rank("2", "3", at=CREATED)
        await one.tick()
    assert await deployed.joined() == {"1": 0, "2": 0, "3": 0}
    assert await deployed.counts() == {"skipped": 3, "duplicate_ranks": 1}


async def test_who_was_overtaken_gives_way_and_goes_on_from_there(deployed: Deployment, parts: Service) -> None:
    await deployed.make("default", "a", "b")
    await deployed.rank("1", loop="a")
    await deployed.rank("1", loop="b")

    async def change() -> None:
        """What an administrator does to a loop's state."""
        await commits.amend(
            deployed.storage, deployed.home("a"), lambda state: msgspec.structs.replace(state, epoch=state.epoch + 1)
        )

    storage = Overtaken(parts.settings, change, times=1)
    async with trainer(parts, storage) as one:
        await one.tick()
        assert (await deployed.checkpoint("a")).counts == Counts()
        assert await deployed.counts("b") == {"skipped": 1}
        await one.tick()
    assert (await deployed.checkpoint("a")).epoch == 1
    for loop in ("a", "b"):
        assert await deployed.joined(loop) == {"1": 0}
        assert await deployed.counts(loop) == {"skipped": 1}


async def test_loops_in_which_nothing_happens_leave_no_trace(deployed: Deployment, parts: Service) -> None:
    await deployed.make("default", "idle", "busy")
    made = set(await deployed.storage.names(""))
    async with trainer(parts) as one:
        await one.tick()
        assert set(await deployed.storage.names("")) == made | {"trainer.json"}
        await deployed.rank("1", loop="idle")
        await deployed.rank("1", loop="busy")
        await one.tick()
        idle = await deployed.blobs("idle")
        await deployed.rank("2", loop="busy")
        await one.tick()
    assert await deployed.counts("busy") == {"skipped": 2}
    assert await deployed.blobs("idle") == idle
    busy = await deployed.blobs("busy")
    async with trainer(parts) as another:
        await another.tick()
        assert await deployed.blobs("idle") == idle
        assert await deployed.blobs("busy") == busy
        await deployed.reward("2", 0.5, loop="idle")
        await deployed.rank("2", loop="idle")
        await another.tick()
    assert await deployed.joined("idle") == {"1": 0, "2": 0.5}


async def test_another_process_knows_the_rewards_that_wait_for_their_rank(deployed: Deployment, parts: Service) -> None:
    await deployed.make("default")
    await deployed.rank("1")
    await deployed.reward("2", 0.5)
    async with trainer(parts) as one:
        await one.tick()
    assert await deployed.counts() == {"skipped": 1}
    await deployed.rank("2")
    async with trainer(parts) as another:
        await another.tick()
    assert await deployed.joined() == {"1": 0, "2": 0.5}
    assert await deployed.counts() == {"skipped": 2, "matched": 1}


@pytest.mark.parametrize("damage", [b"", None], ids=["damaged", "lost"])
async def test_a_process_that_has_lost_its_memory_reads_it_from_the_log(
    damage: bytes | None, deployed: Deployment, parts: Service
) -> None:
    await deployed.make("default")
    await deployed.rank("1", at=CREATED)
    async with trainer(parts) as one:
        await one.tick()
    for name in await deployed.blobs("default", "join/"):
        await (deployed.storage.delete(name) if damage is None else deployed.storage.put(name, damage))
    await deployed.rank("1", "2", at=CREATED)
    await deployed.reward("1")
    async with trainer(parts) as another:
        await another.tick()
    assert await deployed.joined() == {"1": 0, "2": 0}
    assert await deployed.counts() == {"skipped": 2, "duplicate_ranks": 1, "late": 1}
    assert await deployed.kept() == ["duplicate_ranks", "late"]


async def test_what_is_only_logged_teaches_nothing(deployed: Deployment, parts: Service) -> None:
    await deployed.make("default")
    await deployed.reward("1", 0.5)
    await deployed.rank("1", mode="LoggingOnly", deferred=False)
    async with trainer(parts) as one:
        await one.tick()
    assert await deployed.joined() == {"1": 0.5}
    assert await deployed.counts() == {"logged": 1, "matched": 1}
    assert (await deployed.checkpoint()).model is None


async def test_what_was_shown_is_learned_and_served(deployed: Deployment, parts: Service) -> None:
    """With VW in a child of this process, as always."""
    await deployed.make("a")
    await deployed.reward("1", 0.5, loop="a")
    await deployed.rank("1", "2", loop="a", deferred=False)
    await deployed.rank("3", loop="a")
    async with trainer(parts) as one:
        await one.tick()
    assert await deployed.counts("a") == {"learned": 2, "rewarded": 1, "skipped": 1, "matched": 1}
    model = (await deployed.checkpoint("a")).model
    assert model is not None
    serving = Serving("a", deployed.home("a"), deployed.storage, AT_ONCE)
    await serving.ready()
    assert serving.model is not None
    assert serving.model.version == model.version
    serving.close()


async def test_a_damaged_blob_of_the_log_is_counted_and_the_others_are_learned_again(
    deployed: Deployment, parts: Service, caplog: pytest.LogCaptureFixture
) -> None:
    await deployed.make("a")
    logs: list[str] = []
    async with trainer(parts) as one:
        for event_id in ("1", "2", "3"):
            await deployed.reward(event_id, 0.5, loop="a")
            await deployed.rank(event_id, loop="a", deferred=False)
            await one.tick()
            logs = [name for name in await deployed.blobs("a", "logs/") if name.endswith(".dsjson.gz")]
        assert len(logs) == 3
        data = (await deployed.blobs("a"))[logs[1]]
        await deployed.storage.put(logs[1], data[:-6] + bytes([data[-6] ^ 1]) + data[-5:])
        policy = Policy("other", "--cb_explore_adf -q ::")
        await deployed.make("a", config=msgspec.structs.replace(AT_ONCE, policy=policy))
        await deployed.rank("4", loop="a", deferred=False)
        await one.tick()
        state = await deployed.checkpoint("a")
        assert state.damaged == [logs[1].rpartition("/")[2]]
        assert state.counts.learned == 4
        assert state.model is not None
        assert "-q ::" in state.model.arguments
        assert caplog.text.count(f"The log {logs[1]} is damaged") == 1
        told = read(prometheus_text.encode(loop_metrics.families("a", state, 0)).decode())
        assert told[key("log_damaged", loop="a")] == 1
        await deployed.rank("5", loop="a", deferred=False)
        await one.tick()
    assert (await deployed.checkpoint("a")).damaged == state.damaged


async def test_a_loop_of_a_later_version_is_left_alone_and_named(
    deployed: Deployment, parts: Service, caplog: pytest.LogCaptureFixture
) -> None:
    await deployed.make("a", "b")
    async with trainer(parts) as one:
        await deployed.rank("1", loop="a")
        await one.tick()
        name = checkpoint.name(deployed.home("a"))
        later = checkpoint.encode(msgspec.structs.replace(await deployed.checkpoint("a"), v=checkpoint.LATEST + 1))
        await deployed.storage.put(name, later)
        before = await deployed.blobs("a")
        for loop in ("a", "b"):
            await deployed.rank("2", loop=loop)
        await one.tick()
        assert await deployed.joined("b") == {"2": 0}
        assert f"It was not trained: {name} is of format {checkpoint.LATEST + 1}" in caplog.text
        assert await deployed.blobs("a") == before
        state = checkpoint.encode(msgspec.structs.replace(_unsealed(later), v=checkpoint.VERSION))
        await deployed.storage.put(name, state)
        await one.tick()
    assert await deployed.joined("a") == {"1": 0, "2": 0}


def _unsealed(data: bytes) -> Checkpoint:
    return msgspec.json.decode(data, type=Checkpoint, dec_hook=exact_sum.from_json)


async def test_a_trainer_goes_on_with_the_loops_it_knows_when_their_list_is_gone(
    deployed: Deployment, parts: Service, caplog: pytest.LogCaptureFixture
) -> None:
    await deployed.make("default", "a")
    async with trainer(parts) as one:
        await deployed.rank("1", loop="a")
        await one.tick()
        await deployed.storage.delete(registry.BLOB)
        await deployed.rank("2", loop="a")
        await one.tick()
        assert await deployed.joined("a") == {"1": 0, "2": 0}
        assert "loops.json, the list of loops, is gone" in caplog.text
    async with trainer(parts) as another:
        await deployed.rank("3")
        await another.tick()
        assert await deployed.joined() == {"3": 0}
        assert "there are blobs of a/" in caplog.text


async def test_an_event_of_a_later_version_is_kept_whole_with_the_reason(
    deployed: Deployment, parts: Service, caplog: pytest.LogCaptureFixture
) -> None:
    await deployed.make("default", "a")
    later = b'{"v":99,"loop":"a","id":"1","kind":{"of another":"shape"}}\n'
    for log in (parts.interactions, parts.observations):
        assert await log.append(0, later)
    async with trainer(parts) as one:
        await one.tick()
    assert await deployed.counts() == {"unreadable": 2}
    (late,) = (data for name, data in (await deployed.blobs("default", "logs/late/")).items())
    kept = [unjoined_lines.decode(line) for line in gzip.decompress(late).splitlines()]
    assert [one.event.encode() + b"\n" for one in kept] == [later] * 2
    assert [one.why for one in kept] == ["event version 99 is not 1"] * 2
    assert caplog.text.count("event version 99") == 1


@pytest.mark.parametrize("words", [b"1234567", b"12345678"], ids=["no word", "half a pair"])
async def test_a_memory_that_cannot_be_read_though_it_is_what_was_written_is_made_again(
    words: bytes, deployed: Deployment, parts: Service
) -> None:
    await deployed.make("default")
    await deployed.rank("1", at=CREATED)
    async with trainer(parts) as one:
        await one.tick()
    state = await deployed.checkpoint()
    (part,) = state.windows
    data = gzip.compress(words)
    await deployed.storage.put(part.file.name, data)
    file = msgspec.structs.replace(part.file, sha256=hashlib.sha256(data).hexdigest())
    changed = msgspec.structs.replace(state, windows=[msgspec.structs.replace(part, file=file)])
    await deployed.storage.put(checkpoint.name(deployed.home("default")), checkpoint.encode(changed))
    await deployed.rank("1", "2", at=CREATED)
    async with trainer(parts) as another:
        await another.tick()
    assert await deployed.counts() == {"skipped": 2, "duplicate_ranks": 1}


async def test_a_trainer_goes_on_from_the_memory_of_an_earlier_version(deployed: Deployment, parts: Service) -> None:
    await deployed.make("default")
    await deployed.rank("1", at=CREATED)
    async with trainer(parts) as one:
        await one.tick()
    state = await deployed.checkpoint()
    (part,) = state.windows
    earlier = msgspec.structs.replace(state, v=1, seen=part.file, windows=[])
    await deployed.storage.put(checkpoint.name(deployed.home("default")), checkpoint.encode(earlier))
    await deployed.rank("1", "2", at=CREATED)
    await deployed.reward("1")
    async with trainer(parts) as another:
        await another.tick()
    assert await deployed.counts() == {"skipped": 2, "duplicate_ranks": 1, "late": 1}
    state = await deployed.checkpoint()
    assert (state.v, state.seen) == (checkpoint.WITH_SUMMARIES, None)
    assert [one.file for one in state.windows][:1] == [part.file]
    assert len(state.windows) == 2
