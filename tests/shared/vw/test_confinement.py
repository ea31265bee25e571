"""Processes that VW works in have no secrets, and cannot fill memory, disk or the table of processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness.learning import PLAIN, decide, train
from harness.system import wait_until

from shared.loops import artifacts
from shared.rank.aside import Aside, Served
from shared.storage import Storage
from shared.vw import confinement, policy
from shared.vw.learner import Learner
from shared.vw.zygote import Zygote

SECRET = "a-connection-string-or-a-key"
LIMITS = ("Max address space", "Max file size", "Max core file size", "Max processes")


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_CONNECTION_STRING", SECRET)
    monkeypatch.setenv("ADMIN_KEYS", SECRET)


def limits(process: int) -> dict[str, str]:
    lines = Path(f"/proc/{process}/limits").read_text().splitlines()
    return {name: line for name in LIMITS for line in lines if line.startswith(name)}


def check(process: int) -> None:
    assert SECRET not in Path(f"/proc/{process}/environ").read_text()
    told = wait_until(lambda: "unlimited" not in limits(process)[LIMITS[0]] and limits(process), "it is limited")
    assert str(confinement.MOST_MEMORY_BYTES) in told["Max address space"]
    assert str(confinement.LARGEST_FILE_BYTES) in told["Max file size"]
    assert "unlimited" not in told["Max processes"]


@pytest.fixture
def predict(tmp_path: Path) -> Path:
    return train(tmp_path / "model", []).predict


async def test_a_learner(tmp_path: Path) -> None:
    async with Zygote() as zygote:
        learner = await Learner.start(zygote, policy.EARLIER_ARGUMENTS, None, tmp_path)
        check(learner.pid)
        await learner.kill()


async def test_a_process_that_predicts_beside_the_event_loop(storage: Storage, predict: Path) -> None:
    aside = Aside(storage)
    served = Served("one", await artifacts.publish(storage, "one", predict), ())
    await aside.predict("a", served, decide(PLAIN[0]).context, 3)
    assert aside.process is not None
    check(aside.process)
    await aside.close()


def test_a_trial_is_limited_in_time_of_the_processor_too() -> None:
    script = "from shared.vw import confinement\nconfinement.limit(5, 1)\nwhile True: pass"
    done = subprocess.run([sys.executable, "-c", script], env=confinement.environment(), check=False, timeout=30)
    assert done.returncode < 0


@pytest.mark.parametrize("work", ["bytearray(5 << 30)", "open('large', 'wb').truncate(3 << 30)"])
def test_what_is_too_much_is_an_error(work: str, tmp_path: Path) -> None:
    script = f"from shared.vw import confinement\nconfinement.limit(0)\n{work}"
    done = subprocess.run(
        [sys.executable, "-c", script], env=confinement.environment(), cwd=tmp_path, capture_output=True, text=True
    )
    assert "MemoryError" in done.stderr or "File too large" in done.stderr


def test_tasks_counts_threads_of_this_user() -> None:
    assert confinement.tasks() >= len(os.listdir("/proc/self/task"))
