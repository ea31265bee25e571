"""The same numbers, to the last bit, from processes of this machine and from a cluster."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import LocalCluster
from harness.evaluation import run
from harness.logs import encoded, log

POLICIES = ("--policy", "default", "--policy", "plain=--cb_explore_adf --epsilon 0.1 -q ::")


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Two worker processes on this machine; its scheduler's address."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, worker_dashboard_address=None
    ) as made:
        yield made.scheduler_address


def test_a_cluster_comes_to_the_same_numbers(cluster: str, tmp_path: Path) -> None:
    file = tmp_path / "log.dsjson"
    file.write_bytes(encoded(log(1_200)))
    here, there = tmp_path / "here.json", tmp_path / "there.json"
    for command, policies in (("compare", POLICIES), ("optimise", ()), ("features", ("--policy", "default"))):
        assert run(command, "--log", file, *policies, "--json", here).status == 0
        done = run(command, "--log", file, *policies, "--json", there, "--cluster", cluster)
        assert done.status == 0, done.stderr
        assert here.read_bytes() == there.read_bytes()


def test_a_cluster_that_is_not_there_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.executors.PATIENCE_SECONDS", 0.5)
    file = tmp_path / "log.dsjson"
    file.write_bytes(encoded(log(30)))
    for address in ("tcp://127.0.0.1:1", "nonsense://x", ""):
        done = run("compare", "--log", file, "--policy", "default", "--cluster", address)
        assert (done.status, "Traceback" in done.stderr) == (1, False), done.stderr
        assert "does not answer" in done.stderr
