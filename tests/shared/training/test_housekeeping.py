"""What is done for loops beside the ticks, and when."""

from pathlib import Path

from shared.joined_log import event_index
from shared.joined_log.log_file import Entries
from shared.loops.blob_names import Home
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig
from shared.storage import Storage
from shared.training import retention
from shared.training.housekeeping import UNMERGED, Housekeeping
from shared.training.trainee import Trainee


async def commit(storage: Storage, trainee: Trainee, folder: Path, number: int) -> None:
    """Stores the index of a run, which is committed."""
    entries = Entries(folder / "entries")
    entries.add(number, 7)
    await event_index.publish(storage, trainee.home, 1_000 * number, entries, Entries(folder / "none"), folder)
    trainee.untidy, trainee.unmerged = (Checkpoint(),), trainee.unmerged + 1


async def test_the_indexes_of_several_runs_are_merged_at_once(storage: Storage, tmp_path: Path) -> None:
    trainee, housekeeping = Trainee("indexed", "", LoopConfig()), Housekeeping(storage)
    await retention.sweep(storage, trainee.home, -1)  # not due again soon
    for number in range(1, UNMERGED):
        await commit(storage, trainee, tmp_path, number)
        housekeeping.start([trainee])
        await housekeeping.done()
    assert len(await event_index.listed(storage, Home("indexed"))) == UNMERGED - 1
    await commit(storage, trainee, tmp_path, UNMERGED)
    housekeeping.start([trainee])
    await housekeeping.done()
    assert [one.length for one in await event_index.listed(storage, Home("indexed"))] == [UNMERGED]
    assert trainee.unmerged == 0
