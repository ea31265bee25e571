"""Units are worked by whatever is an executor; what fails is tried again, left out or told."""

import os
import signal
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest
from harness.logs import START, encoded, log

from evaluation.errors import EvaluationError
from evaluation.executors import processes
from evaluation.runner import ATTEMPTS, Runner
from shared.evaluation import part, plan
from shared.evaluation.plan import Candidate, Plan
from shared.evaluation.spool import Period, Spool

EPSILON = "--cb_explore_adf --cb_type mtr --epsilon 0.3 -q ::"


def planned(folder: Path, *candidates: Candidate, count: int = 300) -> tuple[Plan, Spool]:
    spool = Spool(folder / "log", Period())
    for number, line in enumerate(log(count)):
        spool.add(START + number * 10_000, encoded([line]))
    spool.close()
    stretches = spool.stretches()
    return Plan(list(candidates), stretches, 0.0, spool.schema, plan.half(stretches)), spool


class Flaky(Executor):
    """Loses the first orders, as a worker that is killed does."""

    def __init__(self, executor: Executor, losses: int) -> None:
        self._executor, self._losses = executor, losses

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self._losses:
            self._losses -= 1
            lost: Future[Any] = Future()
            lost.set_exception(OSError("the learner was killed"))
            return lost
        return self._executor.submit(fn, *args, **kwargs)


def test_a_policy_that_fails_leaves_the_others(tmp_path: Path) -> None:
    made, spool = planned(
        tmp_path, Candidate("bad", "--cb_explore_adf --cb_type no", 0.2), Candidate("e", EPSILON, 0.3)
    )
    shares: list[float] = []
    with processes(1) as executor:
        runner = Runner(executor, 1, made, spool, tmp_path)
        assert runner.expected_seconds() > 0
        found = runner.run(lambda share, _: shares.append(share))
    assert found.failed.keys() == {"bad"}
    assert "bad cannot be judged" in found.failed["bad"]
    assert {unit.policy for unit in found.parts} == {"", "e"}
    assert shares == sorted(shares)


def test_a_lost_unit_is_worked_again_with_the_same_bits(tmp_path: Path) -> None:
    made, spool = planned(tmp_path, Candidate("e", EPSILON, 0.3))
    with processes(2) as executor:
        calm = Runner(executor, 2, made, spool, tmp_path / "calm").run(lambda *_: None)
        stormy = Runner(Flaky(executor, ATTEMPTS - 1), 2, made, spool, tmp_path / "stormy").run(lambda *_: None)
        with pytest.raises(EvaluationError, match="the learner was killed"):
            Runner(Flaky(executor, 99), 2, made, spool, tmp_path / "lost").run(lambda *_: None)
    assert {unit: part.encode(one) for unit, one in calm.parts.items()} == {
        unit: part.encode(one) for unit, one in stormy.parts.items()
    }
    assert len(calm.parts) == 2 * len(made.stretches)


def test_a_killed_worker_gets_a_sentence(tmp_path: Path) -> None:
    made, spool = planned(tmp_path, Candidate("e", EPSILON, 0.3))
    with processes(1) as executor:
        os.kill(executor.submit(os.getpid).result(), signal.SIGKILL)
        with pytest.raises(EvaluationError, match="fewer --workers"):
            Runner(executor, 1, made, spool, tmp_path).run(lambda *_: None)


def test_the_newest_state_of_a_policy_is_all_that_is_kept(tmp_path: Path) -> None:
    made, spool = planned(tmp_path, Candidate("e", EPSILON, 0.3))
    with processes(1) as executor:
        Runner(executor, 1, made, spool, tmp_path / "states").run(lambda *_: None)
    states = [one for one in (tmp_path / "states").iterdir() if (one / "model.vw").exists()]
    assert len(states) == 1


def test_a_spool_keeps_more_files_than_it_has_open(tmp_path: Path) -> None:
    spool, lines = Spool(tmp_path / "log", Period()), log(400)
    for number, line in enumerate(lines):
        spool.add(START + number % 200 * 300_000, encoded([line]))
    spool.close()
    found = b"".join(file.read_bytes() for file in spool.files(START, START + 200 * 300_000))
    assert sorted(found.splitlines()) == sorted(encoded(lines).splitlines())
    assert spool.schema.context == "F"
    assert spool.events == 400
