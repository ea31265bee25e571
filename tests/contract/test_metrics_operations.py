"""`GET /metrics` and `GET /loops/{loop}/metrics`: who may ask, what is answered, and of which loops."""

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from harness.metrics import key, scraped
from harness.system import ADMIN_KEY, APP_KEY, PROJECT, System, wait_until


def call(system: System, method: str, path: str, admin_key: str = ADMIN_KEY) -> httpx.Response:
    headers = {"Ocp-Apim-Subscription-Key": admin_key}
    return httpx.request(method, f"{system.url}/{path}", headers=headers, timeout=30)


@pytest.fixture(scope="module")
def shop(system: System) -> Iterator[dict[str, Any]]:
    yield call(system, "PUT", "loops/metered").json()
    assert call(system, "DELETE", "loops/metered").status_code == 204


def test_all_loops_are_told_to_the_owner(system: System, shop: dict[str, Any]) -> None:
    told = scraped(system)
    loops = {dict(labels).get("loop") for _, labels in told} - {None}
    assert {"default", shop["name"]} <= loops
    assert told[key("ranks_total", loop=shop["name"], fate="learned")] == 0


def test_a_loop_is_told_to_its_administrator(system: System, shop: dict[str, Any]) -> None:
    told = scraped(system, "loops/metered/metrics", shop["adminKeys"][0])
    assert {dict(labels).get("loop") for _, labels in told} - {None} == {"metered"}
    assert {dict(labels).get("loop") for _, labels in scraped(system, "loops/default/metrics")} - {None} == {"default"}


@pytest.mark.parametrize(
    ("path", "who", "status"),
    [
        ("metrics", "nobody", 401),
        ("metrics", APP_KEY, 403),
        ("metrics", "app", 401),
        ("metrics", "admin", 401),
        ("loops/metered/metrics", "nobody", 401),
        ("loops/metered/metrics", "app", 403),
        ("loops/metered/metrics", APP_KEY, 401),
        ("loops/default/metrics", "admin", 401),
        ("loops/unknown/metrics", ADMIN_KEY, 404),
        ("loops/unknown/metrics", "nobody", 401),
    ],
)
def test_nobody_else_is_told(system: System, shop: dict[str, Any], path: str, who: str, status: int) -> None:
    used = {"app": shop["appKeys"][0], "admin": shop["adminKeys"][0]}.get(who, who)
    answer = call(system, "GET", path, used)
    assert answer.status_code == status
    assert "x-ms-error-code" in answer.headers
    assert "personalizer_" not in answer.text


def test_the_trainer_is_alive(system: System) -> None:
    wait_until(lambda: key("trainer_last_tick_timestamp_seconds") in scraped(system), "the first heartbeat")
    told = scraped(system)
    assert 0 <= time.time() - told[key("trainer_last_tick_timestamp_seconds")] < 90
    assert told[key("trainer_lag_seconds", loop="default")] == 0


def test_a_process_that_ranks_starts_without_them() -> None:
    unwanted = {"shared.monitoring.metrics", "shared.monitoring.prometheus_text"}
    program = f"import sys, function_app; sys.exit(bool({unwanted} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], cwd=PROJECT, timeout=60).returncode == 0
