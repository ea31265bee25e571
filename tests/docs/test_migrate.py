"""The walk-through of docs/migrate.md, from a resource that still answers to a loop that serves its model."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from harness.exports import line, write
from harness.system import ADMIN_KEY, PROJECT, System

PAGE = (PROJECT / "docs" / "migrate.md").read_text()
COMMANDS = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def aimed(command: str, system: System) -> str:
    """A command, pointed at the running system, which also stands for the old resource."""
    command = command.replace("http://127.0.0.1:7071", system.url).replace("local-admin-key", ADMIN_KEY)
    command = command.replace("https://NAME.cognitiveservices.azure.com", system.url).replace("YOUR_OLD_KEY", ADMIN_KEY)
    return command.replace(".venv/bin/python", shlex.quote(sys.executable)).replace(" --data .data", "")


def test_the_walk_through_works(system: System, tmp_path: Path) -> None:
    system.configure()
    with system.client(ADMIN_KEY) as old:  # a model that another test left has options of its own
        assert old.delete("configurations/policy").status_code == 200
        assert old.delete("model").status_code == 204
    write(tmp_path / "exported" / "logs" / "2026" / "11_0.json", [line(number) for number in range(300)])
    storage = {"STORAGE_CONNECTION_STRING": system.settings["STORAGE_CONNECTION_STRING"], "PYTHONPATH": str(PROJECT)}
    said = []
    try:
        for command in COMMANDS:
            done = subprocess.run(
                ["bash", "-euc", aimed(command, system)],
                cwd=tmp_path,
                env=os.environ | storage,
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
            said.append(done.stdout)
        with system.client(ADMIN_KEY) as owner:
            traced = owner.get(f"{system.url}/loops/shop/events/e000007").json()
            unknown = owner.get(f"{system.url}/loops/shop/events/e000300")
    finally:
        with system.client(ADMIN_KEY) as owner:
            owner.delete(f"{system.url}/loops/shop")
    _, created, dry, imported, rebuilt, summarised, compared, served = said
    assert len(json.loads(created)["appKeys"]) == 2
    assert (traced["eventId"], traced["status"], unknown.status_code) == ("e000007", "imported", 404)
    assert "300 of 300 events to be written" in dry
    for outcome in ("learning policy: in effect", "300 of 300 events written", "model: serves"):
        assert outcome in imported
    assert (tmp_path / "shop.vw").stat().st_size > 0
    assert "published: version" in rebuilt
    assert "300 imported ones among them" in summarised
    assert "Is the new loop as good as the old one?" in compared
    assert "The exported model was not judged. The log has no events after" in compared
    probabilities = [one["probability"] for one in json.loads(served[served.index('{"ranking"') :])["ranking"]]
    assert sum(probabilities) == pytest.approx(1)
    assert probabilities[0] != pytest.approx(probabilities[1])
    assert "0001-01-01" not in served
