"""`make run` prints what to open, and the link to the dashboard lets in once."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
from harness.system import PROJECT

from local.services import free_port


def test_the_link_that_is_printed_opens_the_dashboard_once(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "local", "--port", str(port), "--data", str(tmp_path / "data")]
    own = dict.fromkeys(("STORAGE_CONNECTION_STRING", "EVENT_HUBS_CONNECTION_STRING", "ADMIN_KEYS"), "")
    with subprocess.Popen(command, cwd=PROJECT, env=os.environ | own, stdout=subprocess.PIPE, text=True) as run:
        try:
            assert run.stdout is not None
            said = []
            for line in run.stdout:
                said.append(line)
                if line.startswith("ready: "):
                    break
            told = {line.partition(": ")[0]: line.partition(": ")[2] for line in said}
            assert told["data"].startswith(str(tmp_path / "data"))
            assert "Ctrl-C" in told["data"]
            assert httpx.get(told["documentation"].strip(), timeout=30).status_code == 200
            link = told["dashboard"].split()[0]
            with httpx.Client(follow_redirects=True, timeout=30) as client:
                assert "Sign out" in client.get(link).text
            assert httpx.get(link, timeout=30).status_code == 401
        finally:
            run.terminate()
