"""A model made anew from a log: what VW's own driver makes of the same lines, and safe beside a trainer."""

import asyncio
import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from harness.exports import context, line, slots_line, write
from harness.migration import Aside, run
from harness.stored import Loop
from harness.system import ADMIN_KEY, running, wait_until

from migration import estimate, rebuild
from shared.admin import undo
from shared.admin.undo import Undone
from shared.loops import checkpoint, chronicle, erasures
from shared.loops.artifacts import Artifact
from shared.loops.blob_names import DEFAULT_HOME
from shared.loops.checkpoint import Checkpoint, Plan
from shared.loops.config import LoopConfig, Policy
from shared.loops.erasures import Erasure, Wanted
from shared.serving.service import Service
from shared.settings import load
from shared.vw import policy
from shared.vw.model import Model

EPSILON = "--cb_explore_adf --cb_type mtr --epsilon 0.1 -q Fj"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write(tmp_path / "log.json", [line(number) for number in range(600)])


def predicted(file: Path, hour: str) -> list[float]:
    model = Model("m", file)
    try:
        return model.predict(json.dumps(context(hour)).encode(), 3)
    finally:
        model.close()


def test_it_is_what_vw_learns_from_the_log(aside: Aside, log: Path) -> None:
    aside.run("import", "--logs", log)
    done = aside.run("rebuild")
    assert done.status == 0, done.stderr
    assert "600 of 600 events learned; they earned 0.3333 on average" in done.stderr
    assert "progressive estimate of this policy's average reward: 0." in done.stdout
    assert aside.loop.weights() == aside.loop.replayed()
    record = aside.loop.checkpoint()["model"]
    assert record["version"] in done.stdout
    assert record["arguments"] == LoopConfig().arguments
    assert aside.loop.checkpoint()["failure"] is None


def test_it_crosses_the_namespaces_that_come_later_too(aside: Aside, tmp_path: Path) -> None:
    lines = [line(number) for number in range(300)]
    for later in lines[50:]:
        later["c"]["FromUrl"].append({"user": {"age": 3}})
    aside.run("import", "--logs", write(tmp_path / "log.json", lines))
    done = aside.run("rebuild", "--force")
    assert done.status == 0, done.stderr
    assert "300 of 300 events learned" in done.stderr
    past = aside.loop.checkpoint()["model"]["past"]
    assert past["schema"] == past["experience"]["schema"]
    assert "u" in past["schema"]["context"]
    assert past["experience"]["schedule"]["learned"] == 300
    assert aside.loop.weights() == aside.loop.replayed()


def test_what_is_damaged_is_named_and_the_rest_is_learned(aside: Aside, log: Path) -> None:
    aside.run("import", "--logs", log)
    names = [name for name in aside.loop.names("logs/") if name.endswith(".dsjson.gz")]
    damaged, *whole = names
    assert whole
    data = aside.loop.read(damaged)
    aside.loop.write(damaged, data[:-6] + bytes([data[-6] ^ 1]) + data[-5:])
    lost = len(gzip.decompress(data).splitlines())
    done = aside.run("rebuild")
    assert done.status == 0, done.stderr
    assert f"{600 - lost} of {600 - lost} events learned" in done.stderr
    file = damaged.rpartition("/")[2]
    assert f"skipped from its damage on: {file} (" in done.stdout
    assert aside.loop.checkpoint()["damaged"] == [file]


@pytest.mark.parametrize("given", [EPSILON, "personalizer"])
def test_with_another_policy_the_loop_has_it(aside: Aside, log: Path, given: str) -> None:
    aside.run("import", "--logs", log)
    done = aside.run("rebuild", "--policy", given)
    assert done.status == 0, done.stderr
    config = msgspec.json.decode(aside.loop.read(aside.loop.name("config.json")), type=LoopConfig)
    arguments = dict(policy.NAMED).get(given, given)  # type: ignore[call-overload]
    assert config.arguments == arguments == aside.loop.checkpoint()["model"]["arguments"]
    assert config.exploration == (0.1 if given == EPSILON else 0.2)
    assert aside.loop.weights() == aside.loop.replayed()


def test_a_multi_slot_loop_has_its_own_kind_of_log(aside: Aside, tmp_path: Path) -> None:
    aside.run("import", "--logs", write(tmp_path / "one.json", [line(1)]))
    multi_slot = LoopConfig(policy=Policy("multi-slot", policy.NAMED["multi-slot"]))
    aside.loop.write(aside.loop.name("config.json"), multi_slot.encoded())
    mixed = write(tmp_path / "two.json", [line(2), *(slots_line(number) for number in range(50))])
    assert "50 of 51 events" in aside.run("import", "--logs", mixed).stdout
    done = aside.run("rebuild", "--output", tmp_path / "model.vw")
    assert done.status == 0, done.stderr
    assert estimate.progressive(tmp_path / "model.vw")[1] == 50


def test_as_a_file_it_changes_nothing(aside: Aside, log: Path, tmp_path: Path) -> None:
    aside.run("import", "--logs", log)
    before, output = aside.loop.names(""), tmp_path / "model.vw"
    done = aside.run("rebuild", "--policy", EPSILON, "--output", output)
    assert done.status == 0, done.stderr
    assert aside.loop.names("") == before
    assert predicted(output, "morning")[1] > 0.8
    assert predicted(output, "night")[2] > 0.8


def test_a_model_that_is_worse_than_the_log_replaces_nothing_unless_forced(aside: Aside, tmp_path: Path) -> None:
    """The log is that of an excellent policy; one that explores at every second event would earn less."""
    best = [line(number, **_always(2 if number % 2 == 0 else 3)) for number in range(600)]
    aside.run("import", "--logs", write(tmp_path / "best.json", best))
    before, worse = aside.loop.names(""), ("rebuild", "--policy", "--cb_explore_adf --epsilon 0.5")
    refused = aside.run(*worse)
    assert refused.status == 1
    assert "less than the 1.0000 of the log. Nothing was replaced" in refused.stderr
    assert "--force" in refused.stderr
    assert aside.loop.names("") == before
    written = aside.run(*worse, "--output", tmp_path / "model.vw")
    assert (written.status, "less than the 1.0000 of the log" in written.stdout) == (0, True)
    assert aside.loop.names("") == before
    forced = aside.run(*worse, "--force")
    assert forced.status == 0, forced.stderr
    assert "less than the 1.0000 of the log" in forced.stdout
    assert aside.loop.checkpoint()["model"]["version"] in forced.stdout


def _always(chosen: int) -> dict[str, Any]:
    others = [other for other in (1, 2, 3) if other != chosen]
    rewarded = {"_label_cost": -1.0, "_original_label_cost": -1.0, "o": [{"v": 1.0}]}
    return rewarded | {"_label_Action": chosen, "_labelIndex": chosen - 1, "a": [chosen, *others]}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "is empty"),
        (("--policy=--bogus",), "Invalid policy configuration"),
        (("--policy", "--cb_explore_adf -f /tmp/x"), "Invalid policy configuration"),
        (("--policy", "--cb_explore_adf --epsilon much"), "Invalid policy configuration"),
    ],
)
def test_what_cannot_be_done_is_told(aside: Aside, log: Path, arguments: tuple[str, ...], reason: str) -> None:
    if arguments:
        aside.run("import", "--logs", log)
    before = aside.loop.names("")
    done = aside.run("rebuild", *arguments)
    assert (done.status, reason in done.stderr) == (1, True), done.stderr
    assert aside.loop.names("") == before


def test_a_planned_run_is_waited_for_and_kept(aside: Aside, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aside.run("import", "--logs", log)
    plan = Plan("20260101T000000000Z", 1767225600000, [3], [4], LoopConfig())
    planned = checkpoint.encode(Checkpoint(cut=5, plan=plan))
    aside.loop.write(aside.loop.name("checkpoint.json"), planned)
    monkeypatch.setattr(rebuild, "PLANNED_SECONDS", 0.2)
    done = aside.run("rebuild")
    assert (done.status, "A training run is planned" in done.stderr) == (1, True), done.stderr
    assert aside.loop.read(aside.loop.name("checkpoint.json")) == planned


def test_it_can_be_undone_with_its_policy(aside: Aside, log: Path) -> None:
    aside.run("import", "--logs", log)
    for given in (("--policy", EPSILON), ()):
        assert aside.run("rebuild", "--force", *given).status == 0
    before = aside.loop.checkpoint()["model"]
    assert aside.run("rebuild", "--force", "--policy", "personalizer").status == 0
    told, history = asyncio.run(undone(aside))
    assert (told.policy.arguments, told.exploration_percentage, told.model) == (EPSILON, 0.1, "restored")
    assert (told.model_created, told.events) == (before["created"], 0)
    assert aside.loop.checkpoint()["model"] == before
    assert history == [("policy", ["rebuilt"]), ("policy", ["personalizer"]), ("undo", ["rebuilt"])]


async def undone(aside: Aside) -> tuple[Undone, list[tuple[str, list[str]]]]:
    """What an undo has put back, and all changes that the loop knows."""
    service = Service(load(aside.settings | {"APP_KEYS": "unused", "EVENT_HUBS_CONNECTION_STRING": "unused"}))
    try:
        loop = service.loop()
        told = await undo.undo(loop)
        return told, [(one.kind, one.about) for one in await chronicle.entries(loop.storage, loop.home)]
    finally:
        await service.close()


@pytest.mark.parametrize("when", ["before", "meanwhile", "begun and ended meanwhile"])
def test_what_is_being_erased_comes_back_with_no_model(
    aside: Aside, log: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    aside.run("import", "--logs", log)
    doubt = rebuild._Rebuilt.doubt

    def erase() -> None:
        if when == "begun and ended meanwhile":
            state = Checkpoint(erased=Artifact("keys.json", "0"))
            aside.loop.write(aside.loop.name("checkpoint.json"), checkpoint.encode(state))
            return
        asked = Erasure("request", [Wanted(event_id="secret")], "", "")
        aside.loop.write(aside.loop.name(f"erasures/{erasures.digest('request')}.json"), msgspec.json.encode(asked))
        aside.loop.write(erasures.marker(DEFAULT_HOME, erasures.digest("request")), b"")

    async def meanwhile(model: Any) -> str:
        erase()
        return await doubt(model)

    if when == "before":
        erase()
    else:
        monkeypatch.setattr(rebuild._Rebuilt, "doubt", meanwhile)
    done = aside.run("rebuild")
    assert (done.status, "Events of the log are being erased. Nothing was replaced" in done.stderr) == (1, True)
    assert not aside.loop.names("models/")


def test_beside_a_trainer_every_event_is_learned_once(tmp_path: Path, log: Path) -> None:
    with running(tmp_path) as system, system.client(ADMIN_KEY) as client:
        system.configure(rewardWaitTime="PT1S")
        stored = Loop(system)
        settings = {"STORAGE_CONNECTION_STRING": system.settings["STORAGE_CONNECTION_STRING"]}
        imported = run("import", "--logs", log, **settings)
        assert imported.status == 0, imported.stderr
        with visitors(client) as ranked:
            wait_until(lambda: stored.counts().get("learned"), "the trainer has learned")
            done = run("rebuild", "--policy", EPSILON, **settings)
            assert done.status == 0, done.stderr
            time.sleep(1)
        count = len(ranked)
        wait_until(lambda: stored.counts().get("learned") == count, "the trainer has learned all")
        assert sorted(one.event_id for one in stored.joined() if one.event_id in set(ranked)) == sorted(ranked)
        record = stored.checkpoint()["model"]
        assert record["arguments"] == EPSILON
        model = tmp_path / "model.vw"
        model.write_bytes(stored.read(record["trainer"]["name"]))
        assert estimate.progressive(model)[1] == len(stored.joined()) == 600 + count


@contextmanager
def visitors(client: httpx.Client) -> Iterator[list[str]]:
    """Ranks and rewards until the block ends; the ids of the events."""
    ranked: list[str] = []
    over = threading.Event()

    def visit() -> None:
        while not over.wait(0.02):
            body: dict[str, Any] = {
                "contextFeatures": [{"hour": "night"}],
                "actions": [{"id": one, "features": [{"kind": one}]} for one in ("news", "sports", "music")],
            }
            answer = client.post("rank", json=body)
            event_id = answer.json()["eventId"]
            client.post(f"events/{event_id}/reward", json={"value": 1.0})
            ranked.append(event_id)

    thread = threading.Thread(target=visit)
    thread.start()
    try:
        yield ranked
    finally:
        over.set()
        thread.join()


def test_an_estimate_takes_decisions_among_more_actions_than_rank_allows(tmp_path: Path) -> None:
    """Imported logs may have them."""
    judged, predictions = estimate.Judged(), tmp_path / "predictions"
    judged.add(b'{"_label_cost":-1,"_label_probability":0.5,"_labelIndex":299}')
    predictions.write_text(f"299:0.25,{','.join(f'{one}:0.0025' for one in range(299))}\n\n")
    assert judged.estimate(predictions) == (0.5, 1)
