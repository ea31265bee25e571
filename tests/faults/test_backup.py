"""A backup made as the operations guide has it, the trainer paused and all else going on: nothing is missing in it."""

import time
from pathlib import Path

from harness.load import Load
from harness.stored import Loop
from harness.system import CONTAINER, System, running, wait_until

WAIT = 2


def back_up(system: System, target: str) -> None:
    """Copies all blobs. The trainer is stopped at any instant and started again."""
    system.timers.kill()
    source, copy = system.blobs(CONTAINER), system.blobs(target)
    copy.create_container()
    for name in source.list_blob_names():
        copy.upload_blob(name, source.download_blob(name).readall())
    system.timers.start()
    system.timers.ready()


def test_a_restored_system_goes_on_and_has_everything(tmp_path: Path) -> None:
    with running(tmp_path) as system:
        system.configure(rewardWaitTime=f"PT{WAIT}S")
        loop, restored = Loop(system), Loop(system, "restored")
        with Load(system, seed=7) as load:
            wait_until(lambda: loop.checkpoint().get("model"), "the first model")
            back_up(system, "restored")
            saved = restored.checkpoint()
            time.sleep(2)
        loop.wait_until_done()
        system.timers.end()
        assert load.ledger.contradictions(loop.joined(), WAIT) == []
        assert 0 < saved["counts"]["learned"] < loop.counts()["learned"]
        trainer = system.more_timers(STORAGE_CONTAINER="restored")
        trainer.start()
        restored.wait_until_done()
        trainer.end()
        assert restored.counts() == loop.counts()
        assert sorted(restored.joined()) == sorted(loop.joined())
        assert restored.weights() == loop.weights()
