"""Events are taken out of files of old logs."""

import argparse
import asyncio
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from harness import migration
from harness.exports import line, write

from migration import erase, files
from migration.erase import EraseError


def ids(file: Path) -> set[str]:
    data = file.read_bytes()
    plain = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    return {json.loads(one)["EventId"] for one in plain.splitlines()}


@pytest.mark.parametrize("dry", [False, True])
def test_events_go_from_plain_and_gzipped_files(tmp_path: Path, dry: bool) -> None:
    plain = write(tmp_path / "logs" / "1.json", [line(number) for number in range(20)])
    zipped = tmp_path / "logs" / "2.json.gz"
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    before = ids(plain)
    gone = {sorted(before)[3], sorted(before)[7]}
    selection = tmp_path / "selection.json"
    selection.write_text(json.dumps([{"eventId": one} for one in gone]))
    done = migration.run("erase", "--logs", tmp_path / "logs", "--selection", selection, *["--dry-run"] * dry)
    assert done.status == 0, done.stderr
    assert "4 lines of 2 files" in done.stdout
    for file in (plain, zipped):
        assert ids(file) == (before if dry else before - gone)
    assert [one.name for one in (tmp_path / "logs").iterdir() if one.name.startswith(".")] == []


def test_what_is_wrong_gets_a_sentence(tmp_path: Path) -> None:
    logs = write(tmp_path / "1.json", [line(1)])
    empty = tmp_path / "selection.json"
    empty.write_text("[]")
    for arguments, said in {
        ("--logs", logs, "--selection", empty): "is no selection of events",
        ("--logs", logs, "--selection", tmp_path / "none"): "cannot be read",
        ("--logs", tmp_path / "nowhere", "--selection", empty): "is no selection",
    }.items():
        done = migration.run("erase", *arguments)
        assert (done.status, said in done.stderr, "Traceback" in done.stderr) == (1, True, False), done.stderr


WHO = {"FromUrl": [{"user": {"id": "u-17"}}]}


def event(id: str, context: dict[str, Any] | None = None) -> str:
    return json.dumps({"EventId": id, "c": context or {"FromUrl": [{"user": {"id": "other"}}]}})


def run(tmp_path: Path, *logs: Path, everything: bool = False) -> int:
    selection = tmp_path / "selection"
    selection.write_text(
        json.dumps({"selection": [{"feature": "user.id", "value": "u-17"}]} | ({"all": True} if everything else {}))
    )
    return asyncio.run(erase.run(argparse.Namespace(logs=list(logs), selection=selection, dry_run=False)))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("first", [True, False])
def test_what_stays_has_the_bytes_that_it_had(tmp_path: Path, encoding: str, first: bool) -> None:
    file, kept = tmp_path / "1.dsjson", f"\r\n  {event('stays')} \r\nno event\u00e9\ud83d\ude00\n"
    kept = kept.encode("utf-16", "surrogatepass").decode("utf-16")
    gone = event("goes", WHO) + "\r\n"
    file.write_bytes((gone + kept if first else kept + gone).encode(encoding))
    assert run(tmp_path, file) == 0
    assert file.read_bytes() == kept.encode(encoding)


def test_a_file_keeps_its_mode_and_the_file_behind_a_link_is_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs, elsewhere = tmp_path / "logs", tmp_path / "elsewhere"
    logs.mkdir()
    elsewhere.mkdir()
    for name in ("behind.dsjson", "hard.dsjson"):
        (elsewhere / name).write_text(event("goes", WHO) + "\n" + event("stays") + "\n")
    (logs / "link.dsjson").symlink_to(elsewhere / "behind.dsjson")
    (logs / "folder").symlink_to(elsewhere)
    (logs / "hard.dsjson").hardlink_to(elsewhere / "hard.dsjson")
    (elsewhere / "behind.dsjson").chmod(0o400)
    assert run(tmp_path, logs) == 1
    assert (logs / "link.dsjson").is_symlink()
    assert ids(elsewhere / "behind.dsjson") == ids(logs / "hard.dsjson") == {"stays"}
    assert (elsewhere / "behind.dsjson").stat().st_mode & 0o777 == 0o400
    said = capsys.readouterr().out
    assert f"a link to a folder: {logs / 'folder'}" in said
    assert f"hard links) that it has: {logs / 'hard.dsjson'}" in said


def test_a_command_that_was_killed_is_finished_by_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, own, others in (("1", "a", "b"), ("2", "b", "a")):
        lines = (event(own, WHO), event(others), event(f"stays-{name}"))
        (tmp_path / f"{name}.dsjson").write_text("\n".join(lines) + "\n")
    replace, left = os.replace, list[bool]()

    def killed(*given: Any) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        replace(*given)

    monkeypatch.setattr(os, "replace", killed)
    for allowed in (0, 1, 1, 1):
        left[:] = [True] * allowed
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, tmp_path / "1.dsjson", tmp_path / "2.dsjson")
    monkeypatch.setattr(os, "replace", replace)
    run(tmp_path, tmp_path / "1.dsjson", tmp_path / "2.dsjson")
    assert [ids(tmp_path / f"{name}.dsjson") for name in "12"] == [{"stays-1"}, {"stays-2"}]


def test_what_means_every_event_has_to_say_so_and_what_is_no_log_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "1.dsjson"
    file.write_text(event("goes", WHO) + "\n\n")
    with pytest.raises(EraseError, match='"all": true'):
        run(tmp_path, file)
    assert ids(file.with_suffix(".dsjson")) if not file.read_text().endswith("\n\n") else True
    assert run(tmp_path, file, everything=True) == 0
    assert file.read_text() == "\n"
    file.write_text(event("goes", WHO) + "\n" + event("long " * 100) + "\n")
    before = file.read_bytes()
    monkeypatch.setattr(files, "LONGEST_LINE", 200)
    assert run(tmp_path, file) == 1
    assert file.read_bytes() == before


def test_a_disk_that_is_full_leaves_a_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    file = tmp_path / "1.dsjson"
    file.write_text(event("goes", WHO) + "\n" + event("stays") + "\n")
    before = file.read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EraseError, match="No space left on device"):
        run(tmp_path, file)
    assert file.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []
