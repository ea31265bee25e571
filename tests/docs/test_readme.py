"""The README's commands and examples do what it says."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from harness.system import ADMIN_KEY, APP_KEY, System, wait_until

from local.azurite import TOOLS, find_node
from local.services import free_port
from shared.loops.config import LoopConfig
from shared.rank import ranking, wire
from shared.vw import sampling

PROJECT = Path(__file__).parents[2]
README = (PROJECT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def aimed(example: str, system: System) -> str:
    """An example, pointed at the running system."""
    example = example.replace("http://127.0.0.1:7071", system.url)
    return example.replace("local-app-key", APP_KEY).replace("local-admin-key", ADMIN_KEY)


def curl_body(command: str) -> bytes:
    match = re.search(r"-d '(.*)'", command, re.DOTALL)
    assert match
    return match[1].encode()


def test_the_shown_answer_is_what_a_fresh_loop_answers() -> None:
    request = wire.rank_request(curl_body(blocks("bash")[0]))
    decision = ranking.decide(request, LoopConfig(), None, sampling.uniform_hash("default"))
    assert json.loads(ranking.answer(decision)) == json.loads(blocks("json")[0])


@pytest.mark.parametrize(("number", "status"), [(0, 201), (1, 204), (2, 200)])
def test_the_curl_commands_work(system: System, number: int, status: int) -> None:
    options = "--silent --output /dev/null --write-out '%{http_code}'"
    command = aimed(blocks("bash")[number], system).replace("curl ", f"curl {options} ")
    done = subprocess.run(["bash", "-c", command], check=True, capture_output=True, text=True)
    system.configure()
    assert done.stdout == str(status)


def test_the_sdk_example_works(system: System) -> None:
    example = aimed(blocks("python")[0], system)
    done = subprocess.run([sys.executable, "-c", example], check=True, capture_output=True, text=True)
    assert done.stdout.strip() in {"pasta", "ice-cream"}


def test_the_server_for_a_web_page_works_and_keeps_the_key(system: System, tmp_path: Path) -> None:
    (tmp_path / "server.mjs").write_text(aimed(blocks("js")[0], system))
    port = free_port()
    settings = os.environ | {"PORT": str(port)}
    with subprocess.Popen([find_node(), "server.mjs"], cwd=tmp_path, env=settings) as server:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as page:
                wait_until(lambda: _answers(page), "the server answers")
                choice = page.post("/choice").json()
                clicked, shown = page.post(f"/clicked/{choice['eventId']}"), page.get("/").text
        finally:
            server.kill()
    assert choice["action"] in {"pasta", "ice-cream"}
    assert (clicked.status_code, clicked.content) == (204, b"")
    assert "/choice" in shown
    assert APP_KEY not in shown


def _answers(page: httpx.Client) -> bool:
    try:
        return page.get("/").status_code == 200
    except httpx.TransportError:
        return False


def test_without_make_the_two_lines_run_the_service(tmp_path: Path) -> None:
    listing = ["git", "ls-files", "-co", "--exclude-standard"]
    for name in subprocess.run(listing, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT / name, tmp_path / name)
    (tmp_path / ".tools").symlink_to(TOOLS)
    install, serve = blocks("sh")[0].splitlines()
    install = install.replace("python3 ", f"{shlex.quote(sys.executable)} ")
    quick = os.environ | {"PIP_NO_COMPILE": "1", "PIP_QUIET": "1"}
    subprocess.run(["sh", "-c", install], cwd=tmp_path, env=quick, check=True)
    port = free_port()
    command = serve.replace("7071", str(port))
    assert command != serve
    settings = os.environ | dict.fromkeys(("STORAGE_CONNECTION_STRING", "EVENT_HUBS_CONNECTION_STRING"), "")
    with subprocess.Popen(shlex.split(command), cwd=tmp_path, env=settings, stdout=subprocess.PIPE, text=True) as run:
        try:
            assert run.stdout is not None
            assert f"ready: http://127.0.0.1:{port}\n" in run.stdout
            assert httpx.get(f"http://127.0.0.1:{port}/health", timeout=30).status_code == 200
        finally:
            run.terminate()


def test_the_commands_are_targets_of_the_makefile() -> None:
    named = set(re.findall(r"(?:`|\$ )make ([a-z]+)", README))
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert named <= targets
    assert {"setup", "demo", "run", "test", "bench", "lint", "soak"} <= named
