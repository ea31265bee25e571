"""What the service tells, in its log and in its answers: one JSON object a line, and never a secret."""

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from harness.load import ACTIONS
from harness.metrics import key, scraped
from harness.stored import Loop
from harness.system import ADMIN_KEY, APP_KEY, CONFIGURATION, System, running, wait_until

from shared import telemetry
from shared.telemetry import VOCABULARY

OWN = ("shared.", "rank_function", "reward_function", "admin_function")
PRIVATE, WRONG, MIRROR = (
    "a-feature-nobody-may-see",
    "a-key-that-is-wrong",
    "https://x.blob.core.windows.net/c?sig=s3cr3t",
)
MULTI = {"name": "m", "arguments": "--ccb_explore_adf --cb_type mtr --epsilon 0.2 -l 0.1"}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    share = {"REQUEST_LOG_SHARE": "1", "LOG_TIMEOUT_SECONDS": "0.5"}
    with running(tmp_path_factory.mktemp("system"), **share) as system:
        system.configure()
        yield system


class Talk:
    """Calls, and everything that was answered."""

    def __init__(self, system: System) -> None:
        self._system, self.heard = system, list[str]()

    def __call__(self, method: str, path: str, body: Any = None, key: str = ADMIN_KEY, tell: bool = True) -> Any:
        headers = {"Ocp-Apim-Subscription-Key": key}
        answer = httpx.request(method, f"{self._system.url}/{path}", headers=headers, json=body, timeout=30)
        if tell:
            self.heard.append(f"{answer.headers} {answer.text}")
        return answer


def logs(system: System) -> str:
    return "".join(part.log() for part in system.parts)


def lines(system: System) -> list[dict[str, Any]]:
    """The lines of our own code; those of the host are JSON as well, but for the one that says that it is ready."""
    said = [line for part in (system.http, system.timers) for line in part.log().splitlines()]
    told = [json.loads(line) for line in said if not line.startswith("ready: ")]
    return [
        {name: one[name] for name in one if name not in ("at", "level", "logger")}
        for one in told
        if one["logger"].startswith(OWN)
    ]


def rank(event_id: str) -> dict[str, Any]:
    return {"eventId": event_id, "contextFeatures": [{PRIVATE: PRIVATE}], "actions": ACTIONS}


def talk(system: System) -> tuple[list[str], set[str]]:
    """Uses everything in good and in bad times; what was answered, and the secrets that were made."""
    say, v1 = Talk(system), "personalizer/v1.0"
    made = say("PUT", "loops/talk", tell=False).json()
    secrets = {*made["appKeys"], *made["adminKeys"], say("POST", "loops/talk/keys/app/1", tell=False).json()["key"]}
    for prefix in ("", "loops/talk/"):
        say("PUT", f"{prefix}{v1}/configurations/service", CONFIGURATION | {"logMirrorSasUri": MIRROR}, tell=False)
        for number in range(8):
            say("POST", f"{prefix}{v1}/rank", rank(f"e{number}"))
            say("POST", f"{prefix}{v1}/events/e{number}/reward", {"value": 1})
        say("POST", f"{prefix}{v1}/events/e0/activate")
        say("POST", f"{prefix}{v1}/rank", {"actions": PRIVATE})
        say("POST", f"{prefix}{v1}/rank", rank("x"), key=WRONG)
        for path in ("configurations/policy", "model/properties", "logs/properties", "status", "model"):
            say("GET", f"{prefix}{v1}/{path}", key=made["appKeys"][1])
            say("GET", f"{prefix}{v1}/{path}")
    for path in ("loops", "loops/talk", "loops/default/events/e1", "loops/default/apprentice", "metrics", "health"):
        say("GET", path)
    say("PUT", f"loops/talk/{v1}/configurations/policy", MULTI)
    say("PUT", f"{v1}/model", {"not": "a model"})
    Loop(system).wait_until_done()
    for part in (system.event_hubs, system.storage):
        part.kill()
        say("POST", f"{v1}/rank", rank("away"))
        say("POST", f"{v1}/events/away/reward", {"value": 1})
        say("PUT", f"{v1}/configurations/policy", MULTI)
        for path in ("metrics", "health", f"{v1}/configurations/policy"):
            say("GET", path)
        part.start()
        part.ready()
    say("DELETE", "loops/talk")
    loop = Loop(system)
    config = loop.read(loop.name("config.json"))
    loop.write(loop.name("config.json"), b"{")
    wait_until(lambda: "It was not trained" in system.timers.log(), "the trainer tells of it")
    loop.write(loop.name("config.json"), config)
    loop.wait_until_done()
    return say.heard, secrets


@pytest.fixture(scope="module")
def told(system: System) -> tuple[str, set[str]]:
    """All answers and logs, and the secrets of the deployment."""
    heard, secrets = talk(system)
    connections = [system.settings[one] for one in ("STORAGE_CONNECTION_STRING", "EVENT_HUBS_CONNECTION_STRING")]
    for connection in connections:
        secrets |= set(re.findall(r"Key=([^;]+)", connection))
    secrets |= {*connections, APP_KEY, ADMIN_KEY, WRONG, "s3cr3t"}
    return "\n".join([*heard, logs(system)]), secrets


def test_no_answer_and_no_log_has_a_secret(system: System, told: tuple[str, set[str]]) -> None:
    text, secrets = told
    assert len(secrets) >= 12
    assert [secret for secret in secrets if secret in text] == []
    assert "AccountKey" not in text
    assert "SharedAccessKey=" not in text
    assert PRIVATE in text  # an administrator asked for the event
    assert PRIVATE not in logs(system)


def test_every_line_is_an_object_of_the_declared_vocabulary(system: System, told: tuple[str, set[str]]) -> None:
    found = lines(system)
    assert {line["event"] for line in found} >= {"tick", "joined", "published", "rank", "reward", "notice", "error"}
    for line in found:
        assert set(line) - {"event", "loop"} == set(VOCABULARY[line["event"]]), line


def test_lines_tell_what_happened(system: System, told: tuple[str, set[str]]) -> None:
    found = [line for line in lines(system) if line.get("loop") == "default"]
    ranks = [line["event_id"] for line in found if line["event"] == "rank"]
    assert ranks[:8] == [f"e{number}" for number in range(8)]
    kinds = [line["kind"] for line in found if line["event"] == "reward" and line["event_id"] == "e0"]
    assert kinds == ["reward", "activation"]
    assert all(0 < line["latency_ms"] < 60_000 for line in found if "latency_ms" in line)
    published = [line["model_version"] for line in found if line["event"] == "published"]
    assert published
    assert {line["model_version"] for line in found if line["event"] == "rank"} <= {"N/A", *published}
    counts = Loop(system).counts()
    for member, count in (("learned", "learned"), ("on_time", "matched"), ("late", "late"), ("skipped", "skipped")):
        assert sum(line[member] for line in found if line["event"] == "joined") == counts.get(count, 0)


def test_a_rank_that_is_most_likely_a_mistake_is_answered_told_and_counted(system: System) -> None:
    say, path = Talk(system), "loops/odd/personalizer/v1.0/rank"
    say("PUT", "loops/odd", tell=False)
    assert say("POST", path, {"eventId": "odd", "context": [{"hour": 1}], "actions": ACTIONS}).status_code == 201
    told = [one["message"] for one in lines(system) if one["event"] == "notice" and "A Rank has" in one["message"]]
    assert any("'context'" in one for one in told)
    assert any("has no contextFeatures" in one for one in told)
    for reason in ("NoContext", "UnknownMembers"):
        sample = key("odd_ranks_total", loop="odd", reason=reason)
        assert wait_until(lambda sample=sample: scraped(system).get(sample), reason, seconds=90) == 1


def test_a_loop_that_cannot_be_trained_lags_until_it_is(system: System, told: tuple[str, set[str]]) -> None:
    loop = Loop(system)
    config = loop.read(loop.name("config.json"))
    lag = key("trainer_lag_seconds", loop="default")
    loop.write(loop.name("config.json"), b"{")
    # A new process tells at its first tick, and then once a minute.
    system.timers.kill()
    system.timers.start()
    system.timers.ready()
    wait_until(lambda: scraped(system)[lag] > 0, "the lag is told")
    first = scraped(system)[lag]
    assert scraped(system)[lag] > first
    loop.write(loop.name("config.json"), config)
    system.timers.kill()
    system.timers.start()
    system.timers.ready()
    wait_until(lambda: scraped(system)[lag] == 0, "it has caught up")


@pytest.mark.parametrize(("share", "least", "most"), [(0, 0, 0), (0.01, 50, 150), (0.5, 4700, 5300), (1, 10**4, 10**4)])
def test_the_share_of_events_that_is_logged(share: float, least: int, most: int) -> None:
    logged = [f"event-{number}" for number in range(10_000) if telemetry.is_logged(f"event-{number}", share)]
    assert least <= len(logged) <= most


def test_a_traceback_stays_in_its_line(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("test_telling")
    try:
        raise ValueError("why\nnot %s")
    except ValueError as error:
        telemetry.error(log, f"It went wrong: {error}", "shop", error)
    telemetry.error(log, "It went wrong.")
    first, second = (msgspec.json.decode(record.getMessage()) for record in caplog.records)
    assert (first["event"], first["loop"], first["message"]) == ("error", "shop", "It went wrong: why\nnot %s")
    assert "ValueError: why" in first["trace"]
    assert second == {"event": "error", "message": "It went wrong.", "trace": None}
    assert all("\n" not in record.getMessage() for record in caplog.records)
