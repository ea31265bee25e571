"""The command: what it prints, and what it says when it cannot start."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from raw_client import RawClient, data

from local.eventhubs.codec import frames
from local.eventhubs.process import EventHubsProcess

PROJECT = Path(__file__).parents[3]


def run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local.eventhubs", *options]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=30, check=False)


def test_help_explains_every_option():
    result = run("--help")
    assert result.returncode == 0
    for option in ("--port", "--data", "--hub", "--retention-hours", "--retention-bytes", "--key", "--max-connections"):
        assert option in result.stdout


def test_a_taken_port_is_one_line_that_says_what_to_do(folder, tmp_path):
    with EventHubsProcess(folder, "events:1") as server:
        result = run("--port", str(server.port), "--data", str(tmp_path / "other"), "--hub", "events:1")
    assert result.returncode == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert f"cannot listen on 127.0.0.1:{server.port}" in result.stderr
    assert "choose another with --port" in result.stderr


def test_a_port_that_is_none_is_refused(folder):
    for port in ("70000", "-1", "amqp"):
        result = run("--port", port, "--data", str(folder), "--hub", "events:1")
        assert result.returncode == 2
        assert "write a number from 0 to 65535" in result.stderr


def test_a_data_directory_that_cannot_be_used_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    result = run("--port", "0", "--data", str(tmp_path / "file"), "--hub", "events:1")
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "check --data" in result.stderr


def test_a_data_directory_has_one_server(folder):
    with EventHubsProcess(folder, "events:1"):
        result = run("--port", "0", "--data", str(folder), "--hub", "events:1")
    assert result.returncode == 1
    assert "another server uses" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_number_of_partitions_stays(folder):
    EventHubsProcess(folder, "events:3").stop()
    result = run("--port", "0", "--data", str(folder), "--hub", "events:4")
    assert result.returncode == 1
    assert "start with --hub events:3" in result.stderr
    (folder / "events" / "hub.json").write_text("{")
    result = run("--port", "0", "--data", str(folder), "--hub", "events:3")
    assert result.returncode == 1
    assert "is damaged: delete it" in result.stderr


@pytest.mark.parametrize("hub", ["events", "events:0", "events:x", "../x:1", "events:1025", ":1", ""])
def test_a_hub_that_makes_no_sense_is_one_line(folder, hub):
    result = run("--port", "0", "--data", str(folder), "--hub", hub)
    assert result.returncode == 1
    assert result.stderr.splitlines() == [f"eventhubs: --hub {hub}: write NAME:PARTITIONS, with 1 to 1024 partitions"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_connections_and_exits_cleanly(folder, number):
    server = EventHubsProcess(folder, "events:1")
    with RawClient(server.port) as client:
        client.open()
        client.attach_producer("events/Partitions/0")
        client.transfer(0, data(b"x"))
        server.process.send_signal(number)
        outcome = client.read()
        close = client.read() if outcome.code == frames.DISPOSITION else outcome
        assert close.code == frames.CLOSE
        assert close.fields[0].value[0] == "amqp:connection:forced"
    server.process.wait(timeout=20)
    server.stop()
    assert server.process.returncode == 0
    assert server.log.read_text() == ""
