"""What a browser asks before a page of another origin may call, and what it wants to see in the answers."""

from collections.abc import Iterator

import httpx
import pytest
from harness.system import APP_KEY, System

PAGE, OTHER = "https://shop.example", "https://evil.example"
RANK = "/personalizer/v1.0/rank"
ASKED = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "ocp-apim-subscription-key"}
BODY = {"actions": [{"id": "a", "features": [{"x": 1}]}]}


@pytest.fixture(scope="module")
def open_to_pages(system: System) -> Iterator[httpx.Client]:
    with (
        system.more_http(ALLOWED_ORIGINS=f"{PAGE}, http://localhost:3000") as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        yield client


def told(answer: httpx.Response) -> str | None:
    return answer.headers.get("access-control-allow-origin")


@pytest.mark.parametrize("path", [RANK, "/personalizer/rank", "/loops/a/personalizer/v1.0/events/e/reward", "/loops"])
def test_a_page_that_is_allowed_may_send_what_it_asks_for(open_to_pages: httpx.Client, path: str) -> None:
    answer = open_to_pages.options(path, headers=ASKED | {"Origin": PAGE})
    assert (answer.status_code, told(answer)) == (204, PAGE)
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-allow-headers"] == ASKED["Access-Control-Request-Headers"]
    assert "access-control-allow-credentials" not in answer.headers


def test_a_page_sees_that_there_is_no_such_path(open_to_pages: httpx.Client) -> None:
    answer = open_to_pages.get("/personalizer/v1.0/nothing", headers={"Origin": PAGE})
    assert (answer.status_code, told(answer)) == (404, PAGE)


def test_others_are_not_told_that_they_may(open_to_pages: httpx.Client, system: System) -> None:
    for headers in ({"Origin": OTHER}, {"Origin": f"{PAGE}.evil.example"}, {"Origin": "null"}, {}):
        answer = open_to_pages.options(RANK, headers=ASKED | headers)
        assert (answer.status_code, told(answer)) == (404, None)
    answer = httpx.options(system.url + RANK, headers=ASKED | {"Origin": PAGE}, timeout=30)
    assert (answer.status_code, told(answer)) == (404, None)


def test_answers_and_refusals_can_be_seen_by_the_page_that_asked(open_to_pages: httpx.Client) -> None:
    for key, status in ((APP_KEY, 201), ("wrong", 401)):
        for origin, expected in ((PAGE, PAGE), (PAGE.upper(), PAGE.upper()), (OTHER, None)):
            headers = {"Origin": origin, "Ocp-Apim-Subscription-Key": key}
            answer = open_to_pages.post(RANK, json=BODY, headers=headers)
            assert (answer.status_code, told(answer), answer.headers["vary"]) == (status, expected, "Origin")
