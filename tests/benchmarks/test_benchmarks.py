"""The benchmarks still measure: their short forms give figures. What they measured is not judged here."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import (
    erasure,
    evaluation,
    hostile,
    http_rank,
    latency,
    memory,
    migration,
    models,
    parts,
    rank,
    slots,
    start,
    summaries,
    trace,
    traffic,
    workers,
)
from benchmarks.figures import Figure, at_least, at_most, bounded, show
from benchmarks.plain import Ranker
from shared.hubs import events
from shared.loops.config import LoopConfig
from shared.rank import slots_ranking, slots_wire, wire
from shared.vw.policy import EARLIER_ARGUMENTS


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """Running servers, and a model for them to serve."""
    with parts.servers() as environment:
        models.publish(environment, count=200)
        yield environment


def check(figures: list[Figure], *names: str) -> None:
    assert len(figures) == len(names)
    for figure, name in zip(figures, names, strict=True):
        assert name in figure.name
        assert float(re.sub("[^0-9.]", "", figure.measured)) > 0
        assert float(re.sub("[^0-9.]", "", figure.reference)) > 0


def test_goals_decide_whether_a_figure_is_reached(capsys: pytest.CaptureFixture[str]) -> None:
    good = [at_most("a", 2, 1, 2, "us"), at_least("b", 3, "1", "3", 3), bounded("c", 15, 10, 5, "MB")]
    poor = [at_most("a", 2.1, 1, 2, "us"), at_least("b", 2.9, "1", "3", 3), bounded("c", 16, 10, 5, "MB")]
    assert all(figure.reached for figure in good)
    assert not any(figure.reached for figure in poor)
    show([*good, *poor])
    assert capsys.readouterr().out.count("not reached") == 3


def test_rank(tmp_path: Path) -> None:
    names = ("request to ranking, against bare VW", "body to ranking, against bare VW", "faster than the plain way")
    check(rank.compare("earlier", actions=10, rounds=2), *names)
    model, body = models.trained(EARLIER_ARGUMENTS, 10, 5, tmp_path, count=100), traffic.request(10, 5, event_id="one")
    event_id, ranking = Ranker(model).ranked(body)
    order = rank.product(model)(wire.rank_request(body)).ranking
    assert event_id == "one"
    assert sorted(probability for _, probability in ranking) == pytest.approx(
        sorted(rank.bare(model)(rank.context(body)))
    )
    assert len(order.probabilities) == 10


def test_slots(tmp_path: Path) -> None:
    check(slots.compare(excluded=2, rounds=1, count=50), "request to answer", "body to answer")
    model, request = slots.trained(tmp_path, count=50), slots_wire.rank_request(slots.request(1, 2))
    context = slots_ranking.decide(request, LoopConfig(), None).context.decode()
    drawn = [f"action-{slot[0][0]}" for slot in slots.bare(model)(context)]
    answered = json.loads(slots.product(model)(request))
    assert [slot["rewardActionId"] for slot in answered["slots"]] == drawn


def test_http_rank(environment: dict[str, str]) -> None:
    told = ("server CPU against the floor", "the same against hello", "the same against FastAPI", "p50", "p99")
    names = [f"{actions} actions: {what}" for actions in (10, 50) for what in told]
    check(http_rank.measure(environment, count=200, rounds=1), *names)


def test_latency(environment: dict[str, str]) -> None:
    check([latency.measure(environment, rounds=1)], "one rank")


def test_hostile(environment: dict[str, str]) -> None:
    check(hostile.measure(environment, seconds=1, rounds=1), "dear to predict", "long to read", "almost long")


def test_workers(environment: dict[str, str]) -> None:
    told = (
        "clients in all",
        "against one, as many clients each",
        "port of their own",
        "20 a second: p99",
        "kept connections: p99",
    )
    check(workers.measure(environment, workers.Size(requests=100, seconds=1, rounds=1)), *told)


def test_summaries() -> None:
    with parts.servers() as environment:  # of a loop that has nothing yet
        check(asyncio.run(summaries.reading(environment)), "by hours", "by five minutes")


def test_start(environment: dict[str, str]) -> None:
    check(
        start.measure(environment, rounds=1),
        "import of function_app",
        "first rank",
        "indexing and loading",
        "azure.identity",
    )


def test_trace() -> None:
    with parts.servers() as environment:
        figures = asyncio.run(trace.measure(environment, count=2_000, asked=10))
    check(figures, "trace, 2,000 events in 1 indexes: p50", ": p95")


def test_erasure() -> None:
    with parts.servers() as environment:
        figures = asyncio.run(erasure.measure(environment, count=7_000))
    check(figures, "of one person of 7,000", "by their ids of 6,993")


def test_migration(environment: dict[str, str]) -> None:
    check(asyncio.run(migration._run(environment, 300, 1)), "against VW learning", "only reading")


def test_an_import_that_loads_what_it_must_not_is_an_error() -> None:
    assert start.import_ms("json", without=start.HEAVY) > 0
    with pytest.raises(RuntimeError, match=r"importing azure\.identity\.aio imports azure\.identity"):
        start.import_ms("azure.identity.aio", without=start.HEAVY)


def test_the_events_that_fill_the_trainers_memory_are_events() -> None:
    lines = list(memory.interactions(3))
    assert [events.decode_interaction(line).id for line in lines] == [f"event-{number:08d}" for number in range(3)]
    assert {len(line) for line in lines} == {memory.EVENT_BYTES}
    rewards = list(memory.observations(3))
    assert [events.decode_observation(line).id for line in rewards] == [f"event-{number:08d}" for number in range(3)]
    assert max(map(len, rewards)) <= memory.REWARD_BYTES
    assert b"".join(memory.packed(iter(lines * 50), memory.EVENT_BYTES)) == b"".join(lines * 50)


def test_the_command_names_its_sections() -> None:
    usage = subprocess.run([sys.executable, "-m", "benchmarks", "--help"], capture_output=True, text=True, check=True)
    assert all(section in usage.stdout for section in command.SECTIONS)
    wrong = subprocess.run([sys.executable, "-m", "benchmarks", "nothing"], capture_output=True, text=True)
    assert wrong.returncode == 2
    assert "there is no section nothing" in wrong.stderr


def test_evaluation() -> None:
    case = evaluation.CELLS[0]
    measured = evaluation.measure(case, 3)
    names = "covered", "width / CR", "width / Gaussian"
    check([evaluation.covering(case, measured), *evaluation.widths(case, measured)], *names)
    missed, width = evaluation.anytime(evaluation.ANYTIME[0][0], 0.431, 5)
    assert 0 <= missed.ratio <= 1
    assert width.ratio > 0
