"""The README's commands and examples do what it says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from harness.system import ADMIN_KEY, APP_KEY, System

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


def test_the_commands_are_targets_of_the_makefile() -> None:
    named = set(re.findall(r"(?:`|\$ )make ([a-z]+)", README))
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert named <= targets
    assert {"demo", "run", "test", "bench", "lint", "soak"} <= named


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (PROJECT / target).exists(), target
