"""Requests without a key end before their body is read, with the answer that they would have had."""

import json
import socket
import time
from typing import Any

import httpx
import pytest
from harness.system import APP_KEY, System

HEAD = "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n{more}\r\n"
RANK = "/personalizer/v1.0/rank"


def ask(system: System, path: str = RANK, more: str = "", seconds: float = 20) -> tuple[float, bytes]:
    """How long it took until the connection ended (s), and what came, for a request whose body does not."""
    url = httpx.URL(system.url)
    began = time.monotonic()
    with socket.create_connection((url.host, url.port), timeout=seconds) as connection:
        connection.sendall(HEAD.format(path=path, more=more).encode())
        came = b""
        while chunk := connection.recv(65_536):
            came += chunk
    return time.monotonic() - began, came


@pytest.mark.parametrize("path", [RANK, "/personalizer/v1.0/events/e/reward", "/loops/other/personalizer/v1.0/rank"])
@pytest.mark.parametrize("more", ["", "Ocp-Apim-Subscription-Key: \r\n"])
def test_no_key_is_told_without_waiting_for_the_body(system: System, path: str, more: str) -> None:
    took, answer = ask(system, path, more)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 401 ")
    assert b"connection: close" in head
    told: dict[str, Any] = json.loads(body)
    assert told["error"]["code"] == "Unauthorized"
    assert took < 15


def test_a_body_with_a_key_is_waited_for(system: System) -> None:
    with pytest.raises(TimeoutError):
        ask(system, more=f"Ocp-Apim-Subscription-Key: {APP_KEY}\r\n", seconds=4)


def test_a_client_that_sends_a_large_body_sees_the_answer(system: System) -> None:
    with httpx.Client(base_url=system.url, timeout=30) as client:
        for size in (10, 100_000, 5_000_000):
            answer = client.post(RANK, content=bytes(size))
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "Unauthorized")
