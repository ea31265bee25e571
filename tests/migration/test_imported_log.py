"""What is in a loop's log after an import: each event once, with the label that it is learned with."""

import asyncio
import gzip
import json
from pathlib import Path

from harness.exports import START, line, slots_line, write
from harness.migration import Aside

from migration import estimate
from shared.joined_log.log_file import log_name
from shared.loops.config import LoopConfig, Policy
from shared.settings import load
from shared.storage import Storage
from shared.vw.policy import NAMED

HOUR_MS = 3_600_000
MULTI_SLOT = Policy("multi-slot", NAMED["multi-slot"])


def test_equal_lines_without_an_id_are_different_events_and_come_once(aside: Aside, tmp_path: Path) -> None:
    one = {name: value for name, value in line(1).items() if name != "EventId"}
    log = write(tmp_path / "a.json", [one, one, line(2), one])
    assert "4 of 4 events written" in aside.run("import", "--logs", log).stdout
    assert "0 of 4 events" in aside.run("import", "--logs", log).stdout
    assert len({event.event_id for event in aside.loop.joined()}) == 4


def test_a_loop_s_own_log_is_known_also_what_the_next_hour_s_run_has_closed(aside: Aside, tmp_path: Path) -> None:
    own = [line(number) for number in (0, 359, 360)]  # the last two around the end of the first hour
    cut = round(START.timestamp() * 1000) + HOUR_MS + 1000  # in the hour after

    async def store() -> None:
        storage = Storage(load(aside.settings | {"APP_KEYS": "a", "EVENT_HUBS_CONNECTION_STRING": "e"}))
        data = "".join(json.dumps(one) + "\n" for one in own).encode()
        await storage.put(log_name("default", cut, "joined"), gzip.compress(data))
        await storage.close()

    asyncio.run(store())
    done = aside.run("import", "--logs", write(tmp_path / "a.json", [*own, line(361)]))
    assert "1 of 4 events written" in done.stdout, done.stdout


def test_the_report_names_labels_that_no_outcome_gives_and_those_of_an_apprentice(aside: Aside, tmp_path: Path) -> None:
    apprentice = line(4, _label_cost=0.0, _original_label_cost=-1.0, o=[{"v": 1.0}])
    kept = [line(number, _label_cost=-0.5, _original_label_cost=-0.5, o=[]) for number in (1, 2)]
    other = line(3, _label_cost=-0.5, o=[{"v": 0.25, "EventId": "e", "ActionTaken": False}])
    done = aside.run("import", "--dry-run", "--logs", write(tmp_path / "a.json", [apprentice, *kept, other, line(7)]))
    rows = [" ".join(row.split()) for row in done.stdout.splitlines()]
    assert "noted: label kept, for no outcome (o) gives it 2 a.json:2, a.json:3" in rows
    assert any(row.startswith("noted: of Apprentice mode") and row.endswith("1 a.json:1") for row in rows)
    different = "noted: label that the outcomes (o) and the loop's settings would give differently 3"
    assert f"{different} a.json:2, a.json:3, a.json:4" in rows


def test_multi_slot_lines_with_blanks_are_learned(aside: Aside, tmp_path: Path) -> None:
    lines = [json.dumps(slots_line(number, EventId=f"e{number}")) for number in range(50)]
    assert all('"_outcomes": [' in one for one in lines)
    log = write(tmp_path / "a.json", lines)
    aside.run("import", "--logs", write(tmp_path / "one.json", [line(1)]))  # which makes the container
    aside.loop.write(aside.loop.name("config.json"), LoopConfig(policy=MULTI_SLOT).encoded())
    assert "50 of 50 events written" in aside.run("import", "--logs", log).stdout
    done = aside.run("rebuild", "--output", tmp_path / "model.vw")
    assert done.status == 0, done.stderr
    assert estimate.progressive(tmp_path / "model.vw")[1] == 50
