"""docs/learning.md has the policy and the numbers of the code, and its commands answer as it says."""

import json
import re
import subprocess
from collections.abc import Iterator

import pytest
from harness.stored import Loop
from harness.system import ADMIN_KEY, PROJECT, System, running

from shared.vw import known_actions, policy, schedule, schema
from shared.vw.options import AUTO, OWN_FLAGS

PAGE = (PROJECT / "docs" / "learning.md").read_text()
COMMANDS = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("learning")) as made:
        made.configure()
        yield made


def answer(command: str, system: System) -> dict[str, object]:
    local = system.url.removesuffix("/")
    for told, here in (("http://127.0.0.1:7071", local), ("local-admin-key", ADMIN_KEY)):
        command = command.replace(told, here)
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_it_has_the_default_policy_and_its_options() -> None:
    assert f"\n    {policy.DEFAULT_ARGUMENTS}\n" in PAGE
    assert set(re.findall(r"^\| `--(\w+)", PAGE, re.MULTILINE)) == OWN_FLAGS | {"interactions"}
    assert f"`--interactions {AUTO}`" in PAGE


def test_its_numbers_are_those_of_the_code() -> None:
    words = " ".join(PAGE.split())
    assert f"settles after {schedule.SETTLES:,} learned events" in words
    assert f"the mean of {schedule.BLOCK} events is below" in words
    assert f"from {schedule.LEAST} events on" in words
    assert f"chosen in fewer than {known_actions.ENOUGH} learned events is new" in words
    assert f"At most {schema.MOST_CONTEXT} namespaces of contexts and {schema.MOST_ACTION} of actions" in words
    # What is recent weighs as many events as a geometric series of blocks.
    assert f"the last some {round(schedule.BLOCK / (1 - schedule._KEPT_RECENTLY), -2):.0f} below" in words


def test_its_commands_tell_what_it_says(system: System) -> None:
    loop, given = COMMANDS
    body = {"contextFeatures": [{"hour": 1}], "actions": [{"id": one, "features": [{"x": 1}]} for one in "ab"]}
    with system.client() as client:
        for number in range(12):
            assert client.post("rank", json=body | {"eventId": f"e{number}"}).status_code == 201
            client.post(f"events/e{number}/reward", json={"value": 1})
    Loop(system).wait_until_done()
    assert answer(loop, system)["exploration"] == {"events": 12}
    told = answer(given, system)
    assert told["arguments"] == policy.DEFAULT_ARGUMENTS
    assert told["interactions"] == ["Fj", "Fi", "FFi"]
    with system.client(system.settings["ADMIN_KEYS"]) as admin:
        put = admin.put("configurations/policy", json=told)
        assert (put.status_code, put.json()["arguments"]) == (200, policy.DEFAULT_ARGUMENTS)
        assert "modelAfterChange" not in put.json()
