"""Logging in: who gets in, who does not, and how long that lasts."""

import base64
import json
import time
from collections.abc import Iterator

import httpx
import pytest
from harness.pages import OWN, READER_KEY, log_in, send, text, visitor
from harness.system import ADMIN_KEY, APP_KEY, System

from shared.auth import Role
from shared.dashboard import sessions
from shared.dashboard.sessions import PLAIN_NAME, Session

KEYS = (ADMIN_KEY,)
OWNER = sessions.begun("default", Role.OWNER, ADMIN_KEY)


@pytest.fixture
def stranger(service: System) -> Iterator[httpx.Client]:
    with visitor(service.url, None) as client:
        yield client


def shows_the_form(answer: httpx.Response) -> bool:
    return 'name="key"' in answer.text and "Sign out" not in answer.text


def test_the_endpoint_leads_to_the_dashboard_which_asks_for_a_key(service: System) -> None:
    with httpx.Client(follow_redirects=True, timeout=30) as client:
        answer = client.get(service.url)
    assert str(answer.url) == f"{service.url}/dashboard"
    assert answer.status_code == 200
    assert shows_the_form(answer)


@pytest.mark.parametrize("key", [ADMIN_KEY, READER_KEY])
def test_a_key_opens_it_and_is_in_no_answer(stranger: httpx.Client, key: str) -> None:
    answer = log_in(stranger, key, "/dashboard/loops/default")
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/loops/default")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{PLAIN_NAME}=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=28800"} <= set(cookie.split("; "))
    page = stranger.get("/loops/default")
    assert "Sign out" in page.text
    assert key not in page.text + cookie


@pytest.mark.parametrize("key", ["", "wrong", APP_KEY, ADMIN_KEY[:-1], "é", "x" * 5000, "a&b=c"])
def test_a_wrong_key_is_slow_and_says_nothing(stranger: httpx.Client, key: str) -> None:
    begun = time.monotonic()
    answer = log_in(stranger, key)
    assert time.monotonic() - begun >= 1
    assert answer.status_code == 401
    assert "This key does not open the dashboard." in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "to", ["https://evil.example/", "//evil.example", "/dashboard/\\evil", "/rank", "/dashboard\n"]
)
def test_the_form_leads_to_the_dashboard_alone(stranger: httpx.Client, to: str) -> None:
    assert log_in(stranger, ADMIN_KEY, to).headers["location"] == "/dashboard"


def test_without_a_session_no_page_says_anything(stranger: httpx.Client) -> None:
    for path in ("", "/loops", "/loops/default", "/loops/default/settings", "/loops/nowhere", "/anything"):
        answer = stranger.get(path)
        assert shows_the_form(answer), path
    for path in ("/loops.json", "/loops/default.json"):
        assert stranger.get(path).status_code == 401


def forged() -> dict[str, str]:
    """Cookies that must not count."""
    good = sessions.signed(OWNER, KEYS)
    body, mac = good.split(".")
    other = Session("default", "OWNER", OWNER.key, OWNER.until + 1)
    raised = base64.urlsafe_b64encode(json.dumps(["default", "OWNER", OWNER.key, OWNER.until + 1]).encode()).decode()
    expired = Session("default", "OWNER", OWNER.key, int(time.time()) - 1)
    return {
        "of another secret": sessions.signed(OWNER, ["another"]),
        "changed": f"{raised.rstrip('=')}.{mac}",
        "truncated": good[:-3],
        "without a signature": body,
        "with two": f"{good}.{mac}",
        "empty signature": f"{body}.",
        "no base64": "a.b",
        "expired": sessions.signed(expired, KEYS),
        "of an unknown key": sessions.signed(Session("default", "OWNER", "00" * 16, OWNER.until), KEYS),
        "of a greater role": sessions.signed(
            Session("default", "OWNER", sessions.begun("default", Role.OVERSEER, READER_KEY).key, other.until), KEYS
        ),
        "of a loop that there is not": sessions.signed(Session("nowhere", "ADMIN", OWNER.key, OWNER.until), KEYS),
        "a link": sessions.link(KEYS),
    }


def test_the_good_cookie_of_these_tests_counts(stranger: httpx.Client) -> None:
    answer = stranger.get("/loops.json", headers={"Cookie": f"{PLAIN_NAME}={sessions.signed(OWNER, KEYS)}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("kind", forged())
def test_a_cookie_that_is_not_ours_counts_for_nothing(stranger: httpx.Client, kind: str) -> None:
    headers = {"Cookie": f"{PLAIN_NAME}={forged()[kind]}"}
    assert stranger.get("/loops.json", headers=headers).status_code == 401
    assert shows_the_form(stranger.get("/loops/default", headers=headers))


def test_a_cookie_counts_on_the_dashboard_alone(service: System) -> None:
    cookies = {PLAIN_NAME: sessions.signed(OWNER, KEYS)}
    with httpx.Client(cookies=cookies, timeout=30) as client:
        for path in ("loops", "metrics", "personalizer/v1.0/configurations/service"):
            assert client.get(f"{service.url}/{path}").status_code == 401


def test_a_removed_key_ends_its_sessions(service: System) -> None:
    owner = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
    with httpx.Client(base_url=service.url, headers=owner, timeout=30) as client:
        keys = client.put("/loops/rotated").json()["readerKeys"]
        try:
            with visitor(service.url, keys[0]) as first, visitor(service.url, keys[1]) as second:
                assert (
                    first.get("/loops/rotated.json").status_code == second.get("/loops/rotated.json").status_code == 200
                )
                assert client.post("/loops/rotated/keys/reader/1").status_code == 200
                assert shows_the_form(first.get("/loops/rotated"))
                assert second.get("/loops/rotated.json").status_code == 200
        finally:
            client.delete("/loops/rotated")


def test_a_key_of_a_loop_shows_that_loop_alone(service: System) -> None:
    owner = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
    with httpx.Client(base_url=service.url, headers=owner, timeout=30) as client:
        keys = client.put("/loops/mine").json()
        try:
            for key in (keys["adminKeys"][0], keys["readerKeys"][1]):
                with visitor(service.url, key) as guest:
                    assert "mine" in text(guest.get("/loops").text)
                    assert guest.get("/loops/mine.json").status_code == 200
                    hidden, missing = guest.get("/loops/default.json"), guest.get("/loops/nowhere.json")
                    assert hidden.status_code == missing.status_code == 404
                    assert hidden.text.replace("default", "nowhere") == missing.text
        finally:
            client.delete("/loops/mine")


def test_whoever_signs_out_is_out(service: System) -> None:
    with visitor(service.url) as client:
        answer = send(client, "/logout")
        assert answer.status_code == 303
        assert shows_the_form(client.get("/loops"))


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {},
    ],
)
def test_what_another_site_sends_changes_nothing(service: System, headers: dict[str, str]) -> None:
    with visitor(service.url) as client:
        for path in ("/logout", "/login", "/loops/make", "/loops/default/policy-reset"):
            answer = client.post(path, data={"loop": "stolen", "key": ADMIN_KEY}, headers=headers)
            assert (answer.status_code, "another site" in answer.text) == (403, True), path
        assert "stolen" not in client.get("/loops.json").text


def test_a_browser_that_knows_no_sec_fetch_site_is_known_by_its_origin(service: System) -> None:
    with visitor(service.url, None) as client:
        answer = client.post("/login", data={"key": ADMIN_KEY}, headers={"Origin": service.url})
    assert answer.status_code == 303


def test_a_link_lets_in_once(service: System, stranger: httpx.Client) -> None:
    link = sessions.link(KEYS)
    answer = stranger.get("/enter", params={"link": link})
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard")
    assert stranger.get("/loops.json").status_code == 200
    with visitor(service.url, None) as other:
        again = other.get("/enter", params={"link": link})
        assert (again.status_code, shows_the_form(again)) == (401, True)
        assert other.get("/enter", params={"link": "forged.link"}).status_code == 401


def test_on_another_host_than_loopback_the_cookie_is_secure() -> None:
    assert sessions.cookie("https", "shop.azurewebsites.net") == ("__Host-personalizer", SECURE)
    assert sessions.cookie("http", "shop.azurewebsites.net") == ("__Host-personalizer", SECURE)
    assert sessions.cookie("https", "localhost:8443") == ("__Host-personalizer", SECURE)
    for host in ("127.0.0.1:7071", "localhost", "[::1]:80", "LOCALHOST:1"):
        assert sessions.cookie("http", host).name == PLAIN_NAME


SECURE = "Path=/; HttpOnly; SameSite=Strict; Secure"


def test_pages_keep_to_themselves(service: System) -> None:
    with visitor(service.url) as client:
        for path in ("/loops", "/loops/default", "/loops.json", "/nothing"):
            headers = client.get(path).headers
            assert headers["cache-control"] == "no-store"
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"


def test_files_are_kept_under_their_digest(service: System, stranger: httpx.Client) -> None:
    page = stranger.get("/login").text
    sheet = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    answer = httpx.get(f"{service.url}{sheet}", timeout=30)
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
    assert httpx.get(f"{service.url}{sheet.replace('style', 'other')}", timeout=30).status_code == 404


def test_a_foreign_form_is_no_json(service: System) -> None:
    with visitor(service.url) as client:
        answer = client.post("/loops/make", content=b'{"loop":"x"}', headers=OWN | {"Content-Type": "application/json"})
    assert answer.status_code == 400
