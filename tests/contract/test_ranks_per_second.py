"""A limit on the Ranks of one loop, as its clients see it."""

from typing import Any

import httpx
from harness.system import ADMIN_KEY, APP_KEY, System

RANK: dict[str, Any] = {"actions": [{"id": one, "features": [{"kind": one}]} for one in "ab"]}


def test_more_ranks_than_allowed_are_told_to_wait_and_other_loops_are_not(system: System) -> None:
    owner, app = ({"Ocp-Apim-Subscription-Key": key} for key in (ADMIN_KEY, APP_KEY))
    path = "personalizer/v1.0/rank"
    # One in a thousand seconds, so that no second passes between the first Rank and the next one.
    with system.more_http(RANKS_PER_SECOND="0.001") as url, httpx.Client(base_url=url, timeout=30) as client:
        made = client.put("loops/other", headers=owner)
        assert made.status_code == 201, made.text
        assert client.post(path, headers=app, json=RANK).status_code == 201
        refused = client.post(path, headers=app, json=RANK)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "TooManyRequests")
        assert refused.headers["x-ms-error-code"] == "TooManyRequests"
        assert 900 < int(refused.headers["Retry-After"]) <= 1000
        assert "RANKS_PER_SECOND" in refused.json()["error"]["message"]
        key = {"Ocp-Apim-Subscription-Key": made.json()["appKeys"][0]}
        assert client.post(f"loops/other/{path}", headers=key, json=RANK).status_code == 201
        reward = client.post("personalizer/v1.0/events/any/reward", headers=app, json={"value": 1})
        assert reward.status_code == 204
        assert client.delete("loops/other", headers=owner).status_code == 204
