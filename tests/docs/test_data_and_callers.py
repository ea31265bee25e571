"""What docs/data-and-callers.md says of one user's data is true, and its commands do it, with a stand-in for `az`."""

import os
import re
import shlex
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from azure.storage.blob import ContainerClient
from harness.system import ADMIN_KEY, CONTAINER, PROJECT, System, wait_until

PAGE = (PROJECT / "docs" / "data-and-callers.md").read_text()
STAGING = (PROJECT / "docs" / "operate.md").read_text().partition("\n## Staging\n")[2].partition("\n## ")[0]
VALUE = "u-4711"
AZURE_CLI = """#!{python}
import fnmatch, os, pathlib, sys
from azure.storage.blob import ContainerClient

given = dict(zip(sys.argv, sys.argv[1:]))
if sys.argv[1] == "keyvault":
    print("{key},older")
else:
    assert given["--auth-mode"] == "login" and given["--account-name"] == "stdatax"
    with ContainerClient.from_connection_string(os.environ["STORAGE_CONNECTION_STRING"], "{container}") as container:
        if sys.argv[3] == "delete":
            container.delete_blob(given["--name"])
        else:
            for name in fnmatch.filter(container.list_blob_names(), given["--pattern"]):
                file = pathlib.Path(given["--destination"], name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(container.download_blob(name).readall())
"""


def blocks(text: str) -> list[str]:
    return [dedent(one) for one in re.findall(r"^ *```bash\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)]


class User:
    """One user's events and another's in a loop of their own, and a shell that has the commands of the pages."""

    def __init__(self, system: System, folder: Path) -> None:
        self.system, self.folder, self.loop = system, folder, f"data-{uuid.uuid4().hex[:8]}"
        self.path = f"{system.url}/loops/{self.loop}"
        (folder / "bin").mkdir()
        for name, text in {
            "az": AZURE_CLI.format(python=sys.executable, key=ADMIN_KEY, container=CONTAINER),
            "azd": f"#!/bin/sh\necho 'AZURE_KEY_VAULT_NAME=\"kv-x\"'\necho 'SERVICE_API_ENDPOINT=\"{system.url}\"'\n"
            "echo 'STORAGE_ACCOUNT_URL=\"https://stdatax.blob.core.windows.net/\"'\n",
        }.items():
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)

    def sh(self, command: str, migrated: str = "") -> str:
        """What a command says; of the loop, whatever loop it names. migrated: the loop of `migration`, if another."""
        command = command.replace("loops/default/logs/*", f"loops/{self.loop}/*/logs/*").replace("EVENT_ID", "mine")
        command = command.replace("loops/default/", f"loops/{self.loop}/").replace("VALUE", VALUE)
        command = command.replace("_ENDPOINT/personalizer", f"_ENDPOINT/loops/{self.loop}/personalizer")
        # The stand-in of the storage is known by its connection string.
        command = command.replace(".venv/bin/python", f"env -u STORAGE_ACCOUNT_URL {shlex.quote(sys.executable)}")
        command = re.sub(r"-m migration \w+", rf"\g<0> --loop {migrated or self.loop}", command)
        own = {"PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(PROJECT)}
        own["STORAGE_CONNECTION_STRING"] = self.system.settings["STORAGE_CONNECTION_STRING"]
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.folder,
            env=os.environ | own,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def rank(self, event: str, user: str) -> None:
        """Ranks, rewards, and waits until that is learned."""
        actions = [{"id": one, "features": [{"kind": one}]} for one in "ab"]
        with self.system.client(ADMIN_KEY) as owner:
            body = {"eventId": event, "contextFeatures": [{"user": user}], "actions": actions}
            assert owner.post(f"{self.path}/personalizer/v1.0/rank", json=body).status_code == 201
            answer = owner.post(f"{self.path}/personalizer/v1.0/events/{event}/reward", json={"value": 1})
            assert answer.status_code == 204
        wait_until(lambda: self.trace(event).get("status") == "learned", f"{event} is learned")

    def trace(self, event: str) -> dict[str, object]:
        with self.system.client(ADMIN_KEY) as owner:
            answer: dict[str, object] = owner.get(f"{self.path}/events/{event}").json()
        return answer

    def blobs(self) -> list[str]:
        storage = self.system.settings["STORAGE_CONNECTION_STRING"]
        with ContainerClient.from_connection_string(storage, CONTAINER) as container:
            return list(container.list_blob_names(name_starts_with=f"loops/{self.loop}/"))


@pytest.fixture
def user(system: System, tmp_path: Path) -> Iterator[User]:
    one = User(system, tmp_path)
    with system.client(ADMIN_KEY) as owner:
        assert owner.put(one.path).status_code == 201
        short = {"rewardWaitTime": "PT1S", "modelExportFrequency": "PT1S"}
        settings = owner.get(f"{one.path}/personalizer/v1.0/configurations/service").json() | short
        assert owner.put(f"{one.path}/personalizer/v1.0/configurations/service", json=settings).status_code == 200
        yield one
        owner.delete(one.path)


def test_a_user_is_found_exported_tried_in_staging_and_deleted(user: User) -> None:
    find, delete, delete_all, _ = blocks(PAGE)
    user.rank("mine", VALUE)
    user.rank("another", "u-1")
    assert VALUE in user.sh(find)
    (line,) = (user.folder / "exported" / "found.dsjson").read_text().splitlines()
    assert '"EventId":"mine"' in line

    trial = blocks(STAGING)[1]
    assert "estimate of this policy's average reward" in user.sh(trial)
    assert (user.folder / "trial.vw").exists()
    staging = blocks(STAGING)[2].replace("default/logs", "default/")
    with user.system.client(ADMIN_KEY) as owner:
        owner.put(f"{user.path}-staging")
        try:
            said = user.sh(staging, migrated=f"{user.loop}-staging")
        finally:
            owner.delete(f"{user.path}-staging")
    assert "2 of 2 events written" in said
    assert "published: version" in said

    assert "published: version" in user.sh(delete)
    assert user.trace("mine")["error"]
    assert user.trace("another")["status"] == "learned"

    assert user.sh(delete_all) == ""
    left = {name.split("/")[3] for name in user.blobs()}
    assert "logs" not in left
    assert {"models", "checkpoint.json"} <= left
    time.sleep(2.5)
    assert "logs" not in {name.split("/")[3] for name in user.blobs()}


def test_a_deleted_loop_leaves_no_blob(user: User) -> None:
    user.rank("mine", VALUE)
    with user.system.client(ADMIN_KEY) as owner:
        assert owner.delete(user.path).status_code == 204
    assert user.blobs() == []
