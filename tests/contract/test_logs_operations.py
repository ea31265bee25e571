"""The joined log of a loop, over HTTP."""

import uuid
from datetime import UTC, datetime, timedelta

import httpx
from harness.system import System, wait_until

ACTIONS = [{"id": one, "features": [{"kind": one}]} for one in "ab"]


def test_a_log_has_a_range_until_it_is_deleted(admin: httpx.Client, configured: System) -> None:
    assert admin.delete("logs").status_code == 204
    started = datetime.now(UTC)
    events = [str(uuid.uuid4()) for _ in range(5)]
    for event in events:
        assert admin.post("rank", json={"actions": ACTIONS, "eventId": event}).status_code == 201
    ended = datetime.now(UTC)

    def reaches() -> bool:
        answer = admin.get("logs/properties")
        assert answer.status_code == 200
        if not answer.json():
            return False
        first, last = (datetime.fromisoformat(answer.json()["dateRange"][end]) for end in ("from", "to"))
        return started - timedelta(minutes=1) <= first <= last <= ended + timedelta(seconds=1) and last >= started

    wait_until(reaches, "the log reaches from the first to the last event")
    for _ in range(2):
        assert admin.delete("logs").status_code == 204
        answer = admin.get("logs/properties")
        assert (answer.status_code, answer.json()) == (200, {})
