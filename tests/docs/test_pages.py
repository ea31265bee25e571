"""What holds of all pages: where links lead, how curl and Python are called, where variables are set."""

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from harness.bicep import INFRA, read
from harness.system import PROJECT

DECISIONS = sorted((PROJECT / "docs" / "decisions").glob("*.md"))
EXAMPLES = sorted((PROJECT / "examples").glob("**/README.md"))
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md")), *DECISIONS, *EXAMPLES]
# What tells the reader how to call a program: blocks for a shell, and code within sentences.
CODE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
SHELLS = ("", "bash", "sh", "console")
ASKED_OF_AZD = 'eval "$(azd env get-values'
OF_AZD = {*read(INFRA / "main.bicep").of("output"), "AZURE_SUBSCRIPTION_ID", "AZURE_ENV_NAME"}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))


def commands(text: str) -> str:
    """The commands of a text in their order, each on one line."""
    found = (block or inline for language, block, inline in CODE.findall(text) if language in SHELLS)
    return "\n".join(re.sub(r"\\\n\s*", "", one) for one in found)


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", page.read_text()):
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), f"{target}#{anchor}"


@pytest.mark.parametrize("page", [*PAGES, *INFRA.rglob("*.sh")], ids=lambda page: page.name)
def test_curl_fails_on_errors_and_shows_them(page: Path) -> None:
    text = page.read_text()
    calls = re.findall(r"\bcurl (\S+)", commands(text) if page.suffix == ".md" else text)
    assert set(calls) <= {"-fsS"}


@each_page
def test_python_is_that_of_the_project(page: Path) -> None:
    text = commands(page.read_text())
    # Modules of shared/ are processes that the service starts itself.
    assert re.findall(r"(?<!\.venv/bin/)\bpython[\d.]* (?!-m venv|-m shared\.).*", text) == []


def calls_of_modules() -> set[tuple[str, ...]]:
    """The modules that are run, with what distinguishes their commands, and the options they are given."""
    found = set()
    for page in PAGES:
        for call in re.findall(r"\.venv/bin/python -m (?!pip\b)(.+)", commands(page.read_text())):
            module, *given = shlex.split(call, comments=True)
            command = given[:1] if module in ("migration", "evaluation") else []
            found.add((module, *command, *(one for one in given if one.startswith("--"))))
    return found


@pytest.mark.parametrize("call", sorted(calls_of_modules()), ids=" ".join)
def test_modules_have_the_options_that_pages_give_them(call: tuple[str, ...]) -> None:
    module, *given = call
    assert importlib.util.find_spec(module)
    options = [one for one in given if one.startswith("--")]
    if options:
        asked = [sys.executable, "-m", module, *(one for one in given if not one.startswith("--")), "--help"]
        told = subprocess.run(asked, cwd=PROJECT, check=True, capture_output=True, text=True).stdout
        assert set(options) <= set(re.findall(r"--[a-z-]+", told))


@each_page
def test_make_has_the_targets(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^(?:\$ )?make ([a-z]+)", commands(page.read_text()), re.MULTILINE)) <= targets


@each_page
def test_variables_are_set_in_their_section(page: Path) -> None:
    for section in page.read_text().split("\n## "):
        known = {"HOME", "PATH", "PWD"}
        for line in commands(section).splitlines():
            used = re.findall(r"\$\{?([A-Z][A-Z_]+)\b", line)
            assert set(used) <= known, f"{section.splitlines()[0]}: {line}"
            known |= set(re.findall(r"(?:^|export )([A-Z][A-Z_]*)=", line.strip("$ ")))
            known |= OF_AZD if ASKED_OF_AZD in line else set()
