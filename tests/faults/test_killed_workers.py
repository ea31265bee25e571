"""Several processes answer HTTP, and are killed and stopped under load: the others answer, and nothing is lost."""

import json
import os
import random
import signal
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
from harness.load import ACTIONS
from harness.system import ADMIN_KEY, APP_KEY, wait_until
from harness.workers import supervised
from test_kills import audited

WAIT = 8
RANK = "/personalizer/v1.0/rank"


def answers(url: str) -> bool:
    """Whether the service answers on a new connection."""
    try:
        return httpx.get(f"{url}/health", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def asked(connection: HTTPConnection, method: str, path: str, body: Any = None, key: str = APP_KEY) -> tuple[int, str]:
    headers = {"Ocp-Apim-Subscription-Key": key, "Content-Type": "application/json"}
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_workers_that_are_killed_or_hang_lose_nothing_and_others_answer(tmp_path: Path) -> None:
    chance = random.Random(16)
    with supervised(tmp_path, 2, RANK_REQUIRES_LOG="true", LOG_TIMEOUT_SECONDS="1") as (system, run):
        system.configure(rewardWaitTime=f"PT{WAIT}S")
        system.patience = WAIT / 2  # a Rank that is repeated after its window is another decision
        with audited(system, 16, WAIT) as load:
            for _ in range(4):
                time.sleep(chance.uniform(1, 3))
                pids = wait_until(lambda: found if len(found := run.pids()) == 2 else None, "two workers")
                victim = chance.choice((1, 2))
                os.kill(pids[victim], signal.SIGKILL)
                wait_until(lambda: answers(system.url), "the other answers", 6)
                wait_until(lambda old=pids: (new := run.pids()) != old and len(new) == 2, "it is replaced")
            wait_until(lambda: answers(system.url), "both answer", 10)
            before = run.pids()
            os.kill(before[1], signal.SIGSTOP)
            told, failed = load.ledger.acknowledged, 0
            hung = time.monotonic() + 20
            while time.monotonic() < hung:
                failed += not answers(system.url)
                time.sleep(0.1)
            assert failed == 0
            assert load.ledger.acknowledged > told
            run.until("http-1 has given no sign of life for 30 s; killing it")
            run.until("http-1 was killed by SIGKILL; restarting it")
            wait_until(lambda: len(run.pids()) == 2 and run.pids()[1] != before[1], "it is replaced")
            assert run.pids()[2] == before[2]
            told = load.ledger.acknowledged
            wait_until(lambda: load.ledger.acknowledged > told + 20, "all users are served again")


def test_a_model_arrives_in_all_workers_and_metrics_are_the_same(tmp_path: Path) -> None:
    def probabilities(connection: HTTPConnection) -> list[float]:
        status, text = asked(connection, "POST", RANK, {"actions": ACTIONS, "contextFeatures": [{"a": 1}]})
        assert status == 201, text
        return sorted(one["probability"] for one in json.loads(text)["ranking"])

    def refused(connection: HTTPConnection) -> list[str]:
        status, text = asked(connection, "GET", "/metrics", key=ADMIN_KEY)
        assert status == 200, text
        return [line for line in text.splitlines() if line.startswith("personalizer_refused_total{")]

    with supervised(tmp_path, 2) as (system, run):
        system.configure()
        with run.one_to_each() as connections:
            one, other = connections.values()
            assert probabilities(one) == probabilities(other) == [0.25] * 4
            for number, connection in enumerate((one, other, one, other, one)):
                event = {"eventId": f"e-{number}", "actions": ACTIONS, "contextFeatures": [{"a": 1}]}
                assert asked(connection, "POST", RANK, event)[0] == 201
                assert asked(connection, "POST", f"/personalizer/v1.0/events/e-{number}/reward", {"value": 1})[0] == 204
        for number in (1, 2):

            def learned(number: int = number) -> bool:
                with run.one_to_each() as found:
                    return probabilities(found[number]) != [0.25] * 4

            wait_until(learned, f"the model arrives in worker {number}", 30)
        with run.one_to_each() as connections:
            for connection in (*connections.values(), connections[1]):
                assert asked(connection, "POST", RANK, {"actions": []})[0] == 400
        wait_until(lambda: _told(run, refused), "each worker's first refusal is counted", 30)


def _told(run: Any, refused: Any) -> bool:
    """Both say the same, and count the refusals of both: each stores its first at once, and later ones in a minute."""
    with run.one_to_each() as found:
        one, other = map(refused, found.values())
    return one == other and sum(int(float(line.rpartition(" ")[2])) for line in one) in {2, 3}


def test_the_link_to_the_dashboard_is_good_once_whichever_worker_answers(tmp_path: Path) -> None:
    with supervised(tmp_path, 2) as (_, run), run.one_to_each() as connections:
        line = next(line for line in run.said if line.startswith("dashboard: "))
        path = "/dashboard/enter" + line.split()[1].partition("/dashboard/enter")[2]
        assert [asked(one, "GET", path)[0] for one in connections.values()] == [303, 401]
