"""Writes a data folder with the code of an earlier version, for tests that today's code goes on from it:

    python tests/harness/data_folder.py CHECKOUT tests/data/COMMIT.tar.xz

CHECKOUT is of that version, with an environment in `.venv`. Beside the folder the archive holds `expected.json`: what
that version said of each loop, and which events it left open.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

ADMIN_KEY = "local-admin-key"
VERSION = "v1.1-preview.3"
EXPECTED = "expected.json"
# Long enough that what is left open is not closed before the end; nothing may depend on when the folder is read.
WAIT_SECONDS = 20
CONFIGURATION = {
    "rewardWaitTime": f"PT{WAIT_SECONDS}S",
    "defaultReward": 0.0,
    "rewardAggregation": "sum",
    "explorationPercentage": 0.2,
    "modelExportFrequency": "PT1S",
    "logRetentionDays": -1,
}
POLICIES = {
    "shop": {"name": "historic", "arguments": "--cb_explore_adf --epsilon 0.2 --power_t 0 -l 0.5 --cb_type mtr -q ::"},
    "tiles": {"name": "slots", "arguments": "--ccb_explore_adf --cb_type mtr --epsilon 0.2 -l 0.5 -q ::"},
}
LOOPS = ("default", *POLICIES)
MOVED, MOVED_EVENTS, EVENTS = "moved", 60, 40
ACTIONS = [{"id": one, "features": [{"kind": one}]} for one in "abc"]
SLOTS = [{"id": "top", "baselineAction": "a"}, {"id": "side", "baselineAction": "b"}]
LIKED = "b"


class Client:
    """One loop's operations; of several slots in the loop `tiles`."""

    def __init__(self, url: str, loop: str, key: str = ADMIN_KEY) -> None:
        prefix = "" if loop == "default" else f"/loops/{loop}"
        self._base, self._headers = f"{url}{prefix}/personalizer/{VERSION}/", {"Ocp-Apim-Subscription-Key": key}
        self._multi_slot = loop == "tiles"

    def rank(self, event_id: str, *, deferred: bool = False) -> dict[str, Any]:
        body = {
            "eventId": event_id,
            "contextFeatures": [{"day": "any"}],
            "actions": ACTIONS,
            "deferActivation": deferred,
        }
        if self._multi_slot:
            return self._done("POST", "multislot/rank", body | {"slots": SLOTS})
        return self._done("POST", "rank", body)

    def reward(self, event_id: str, value: float) -> None:
        if self._multi_slot:
            self._done("POST", f"multislot/events/{event_id}/reward", {"reward": [{"slotId": "top", "value": value}]})
        else:
            self._done("POST", f"events/{event_id}/reward", {"value": value})

    def visit(self, event_id: str) -> float:
        """A rank and its reward, which is 1 if what is liked was chosen first."""
        decision = self.rank(event_id)
        first = decision["slots"][0] if self._multi_slot else decision
        value = float(first["rewardActionId"] == LIKED)
        self.reward(event_id, value)
        return value

    def probabilities(self, event_id: str) -> dict[str, float]:
        """What the model gives each action, and that the event is deferred: it is not learned."""
        ranking: list[dict[str, Any]] = self.rank(event_id, deferred=True).get("ranking", [])
        return {one["id"]: one["probability"] for one in ranking}

    def get(self, path: str) -> dict[str, Any]:
        return self._done("GET", path)

    def put(self, path: str, body: dict[str, Any]) -> None:
        self._done("PUT", path, body)

    def _done(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = httpx.request(method, self._base + path, json=body, headers=self._headers, timeout=30)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        done: dict[str, Any] = answer.json() if answer.content else {}
        return done


def wait_for(happened: Any, what: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.2)


@contextmanager
def running(checkout: Path, data: Path) -> Iterator[str]:
    """The embedded run of a checkout; its URL."""
    command = [".venv/bin/python", "-m", "local", "--port", "0", "--data", str(data)]
    with subprocess.Popen(command, cwd=checkout, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield next(line.split()[1] for line in process.stdout if line.startswith("ready: "))
        finally:
            process.send_signal(signal.SIGTERM)
            process.stdout.read()


def counts(url: str, loop: str, key: str = ADMIN_KEY) -> dict[str, int]:
    """The metrics of a loop's events that are not 0."""
    text = httpx.get(f"{url}/metrics", headers={"Ocp-Apim-Subscription-Key": key}, timeout=30).text
    found = {}
    for line in text.splitlines():
        name, _, value = line.rpartition(" ")
        if name.startswith(("personalizer_ranks_total", "personalizer_observations_total")):
            kind, fate = name.split("_")[1], name.partition('fate="')[2].partition('"')[0]
            found |= {f"{kind} {fate}": round(float(value))} if f'loop="{loop}"' in name and float(value) else {}
    return found


def moved_lines(start: datetime) -> str:
    """The log of a loop elsewhere, a line for every 10 s."""
    lines = []
    for number in range(MOVED_EVENTS):
        chosen, event_id = number % 3 + 1, f"moved-{number}"
        reward = float(chosen == 2)
        context = {"FromUrl": [{"day": "any"}], "_multi": [_action(one) for one in "abc"]}
        line = {
            **{"_label_cost": -reward, "_label_probability": 0.8, "_label_Action": chosen, "_labelIndex": chosen - 1},
            "o": [{"v": reward, "EventId": event_id, "ActionTaken": False}],
            "Timestamp": (start + timedelta(seconds=10 * number)).strftime("%Y-%m-%dT%H:%M:%S.0000000Z"),
            **{"Version": "1", "EventId": event_id, "a": [chosen, *({1, 2, 3} - {chosen})], "c": context},
            **{"p": [0.8, 0.1, 0.1], "VWState": {"m": "N/A"}, "_original_label_cost": -reward},
        }
        lines.append(json.dumps(line))
    return "\n".join(lines) + "\n"


def _action(name: str) -> dict[str, Any]:
    return {"_tag": name, "i": {"constant": 1, "id": name}, "j": [{"kind": name}]}


def bring_in(checkout: Path, data: Path, url: str) -> None:
    """Imports a log and a policy into the loop `moved`, and makes its model of them."""
    folder = data.parent
    (folder / "log.json").write_text(moved_lines(datetime.now(UTC) - timedelta(days=1)))
    (folder / "policy.json").write_text(json.dumps(POLICIES["shop"]))
    common = ["--data", str(data), "--loop", MOVED]
    files = ["--logs", str(folder / "log.json"), "--policy", str(folder / "policy.json")]
    for command in (
        ["import", *files, "--endpoint", url, "--key", ADMIN_KEY, *common],
        ["rebuild", *common],
    ):
        subprocess.run([".venv/bin/python", "-m", "migration", *command], cwd=checkout, check=True)


def write(checkout: Path, data: Path) -> dict[str, Any]:
    """Fills a data folder; what today's code has to find in it."""
    expected: dict[str, Any] = {}
    with running(checkout, data) as url:
        owner = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
        for loop in (*POLICIES, MOVED):
            assert httpx.put(f"{url}/loops/{loop}", headers=owner, timeout=30).status_code == 201
        clients = {loop: Client(url, loop) for loop in (*LOOPS, MOVED)}
        for loop, client in clients.items():
            client.put("configurations/service", CONFIGURATION)
            if loop in POLICIES:
                client.put("configurations/policy", POLICIES[loop])
        rewards = {loop: {f"{loop}-{n}": clients[loop].visit(f"{loop}-{n}") for n in range(EVENTS)} for loop in LOOPS}
        bring_in(checkout, data, url)
        for loop in LOOPS:
            wait_for(lambda: counts(url, loop).get("ranks learned") == EVENTS, f"{loop} is learned")  # noqa: B023
        for loop, client in clients.items():
            asked = served(client, loop)
            expected[loop] = {
                "service": client.get("configurations/service"),
                "policy": client.get("configurations/policy"),
                "counts": counts(url, loop),
                "rewards": rewards.get(loop, {}),
                "asked": asked,
                "open": {},
            }
        for loop in LOOPS:
            client = clients[loop]
            expected[loop]["open"] = {f"{loop}-open-{n}": client.visit(f"{loop}-open-{n}") for n in range(4)}
            client.rank(f"{loop}-unrewarded")
        for loop in clients:
            assert counts(url, loop) == expected[loop]["counts"], "the open events were closed; again, please"
    return expected


def served(client: Client, loop: str) -> dict[str, dict[str, float]]:
    """The probabilities that deferred events were answered, the last one by the loop's model."""
    asked: dict[str, dict[str, float]] = {}

    def known() -> bool:
        event_id = f"{loop}-asked-{len(asked)}"
        asked[event_id] = client.probabilities(event_id)
        return len(set(asked[event_id].values())) != 1

    wait_for(known, f"{loop} serves its model")
    return asked


def pack(folder: Path, target: Path) -> None:
    """The data without what a run makes again, its output, its lock and the ports it had, and without its place."""
    for name in ("logs", "lock", "azurite.port"):
        path = folder / "data" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for path in (folder / "data" / "azurite").glob("*.json"):
        path.write_text(path.read_text().replace(str(folder), ""))

    def nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid, member.gid, member.uname, member.gname = 0, 0, "", ""
        return member

    with tarfile.open(target, "w:xz") as archive:
        for name in ("data", EXPECTED):
            archive.add(folder / name, name, filter=nobody)


def main() -> None:
    checkout, target = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    os.environ.pop("PYTHONPATH", None)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        expected = write(checkout, folder / "data")
        (folder / EXPECTED).write_text(json.dumps(expected, indent=1))
        pack(folder, target)
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
