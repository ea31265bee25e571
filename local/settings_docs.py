"""`docs/settings.md` and `local.settings.example.json`, made from the settings that `shared.settings` declares.

`.venv/bin/python -m local.settings_docs` writes both, `--check` only says whether they are current.
"""

from __future__ import annotations

import argparse
import json
import sys

from local.azurite import PROJECT
from shared.settings import Declared, declared

DOCS, EXAMPLE = PROJECT / "docs" / "settings.md", PROJECT / "local.settings.example.json"

_HEAD = """# Settings

Environment variables of the function app: application settings in Azure, `Values` of `local.settings.json` under the
Core Tools (start from `local.settings.example.json`), plain environment variables for `make run`, which sets those of
its own servers and keys itself. One that is missing or malformed stops the app at its start, with the setting's name.
A setting without a default is required; an empty one counts as not set.

This page is made by `.venv/bin/python -m local.settings_docs` from `shared/settings.py`.

| setting | type | default | meaning |
|---|---|---|---|
"""

# What `func start` needs beside the declared defaults: Azurite and Microsoft's Event Hubs emulator.
_HOST = {"FUNCTIONS_WORKER_RUNTIME": "python", "AzureWebJobsStorage": "UseDevelopmentStorage=true"}
_LOCAL = {
    "APP_KEYS": "local-app-key",
    "ADMIN_KEYS": "local-admin-key",
    "STORAGE_CONNECTION_STRING": "UseDevelopmentStorage=true",
    "EVENT_HUBS_CONNECTION_STRING": "Endpoint=sb://localhost;SharedAccessKeyName=RootManageSharedAccessKey;"
    "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;",
}


def docs() -> str:
    """The page of all settings, in Markdown."""
    return _HEAD + "".join(map(_row, declared()))


def _row(setting: Declared) -> str:
    default = "required" if setting.default is None else f"`{setting.default}`" if setting.default else ""
    return f"| `{setting.name}` | {setting.kind} | {default} | {setting.help} |\n"


def example() -> str:
    """The settings file of the Core Tools, in JSON."""
    values = {setting.name: _LOCAL.get(setting.name, setting.default or "") for setting in declared()}
    return json.dumps({"IsEncrypted": False, "Values": _HOST | values}, indent=2) + "\n"


def main() -> None:
    """Entry point of the command."""
    parser = argparse.ArgumentParser(prog="python -m local.settings_docs", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 if a file is out of date")
    check = parser.parse_args().check
    for path, content in ((DOCS, docs()), (EXAMPLE, example())):
        if check and (not path.is_file() or path.read_text() != content):
            sys.exit(f"{path.relative_to(PROJECT)} is out of date: run .venv/bin/python -m local.settings_docs")
        if not check:
            path.write_text(content)


if __name__ == "__main__":
    main()
