"""Tokens that the platform has validated, as the header in which it passes them on."""

import base64
import json
from collections.abc import Iterator

import httpx
import pytest
from harness.system import ADMIN_KEY, APP_KEY, System

RANK = {"actions": [{"id": "a", "features": [{"x": 1}]}]}
KEY = "Ocp-Apim-Subscription-Key"


def token(*roles: str) -> dict[str, str]:
    claims = [{"typ": "roles", "val": role} for role in roles]
    body = {"auth_typ": "aad", "claims": claims, "name_typ": "name", "role_typ": "roles"}
    return {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(body).encode()).decode()}


def statuses(url: str, headers: dict[str, str]) -> list[int]:
    """Of what an app, an administrator and an owner do."""
    with httpx.Client(headers=headers, timeout=30) as client:
        rank = client.post(f"{url}/personalizer/v1.0/rank", json=RANK)
        policy = client.get(f"{url}/personalizer/v1.0/configurations/policy")
        loops = client.get(f"{url}/loops")
    return [rank.status_code, policy.status_code, loops.status_code]


@pytest.fixture(scope="module")
def trusting(system: System) -> Iterator[str]:
    """A process whose platform says that it validates tokens."""
    with system.more_http(ENTRA_ROLES="true", WEBSITE_AUTH_ENABLED="True") as url:
        yield url


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (token("Personalizer.App"), [201, 403, 403]),
        (token("Personalizer.Admin"), [201, 200, 403]),
        (token("Personalizer.Owner"), [201, 200, 200]),
        (token("Personalizer.App", "Personalizer.Owner"), [201, 200, 200]),
        (token("Reader"), [401, 401, 401]),
        (token("Personalizer.Reader"), [403, 403, 200]),
        ({KEY: APP_KEY} | token("Personalizer.Reader"), [201, 403, 200]),
        ({"X-MS-CLIENT-PRINCIPAL": "malformed"}, [401, 401, 401]),
        ({KEY: APP_KEY}, [201, 403, 403]),
        ({KEY: APP_KEY} | token("Reader"), [201, 403, 403]),
        ({KEY: APP_KEY} | token("Personalizer.Admin"), [201, 200, 403]),
        ({KEY: ADMIN_KEY} | token("Personalizer.App"), [201, 200, 200]),
        ({KEY: "wrong"} | token("Personalizer.App"), [201, 403, 403]),
        ({}, [401, 401, 401]),
    ],
)
def test_an_app_role_counts_as_the_key_of_that(trusting: str, headers: dict[str, str], expected: list[int]) -> None:
    assert statuses(trusting, headers) == expected


def test_a_token_is_told_what_it_lacks(trusting: str) -> None:
    def message(role: str) -> str:
        text: str = httpx.get(f"{trusting}/loops", headers=token(role), timeout=30).json()["error"]["message"]
        return text

    assert "the token has no app role Personalizer.App, Personalizer.Reader, Personalizer.Admin or" in message("Reader")
    needed = "This token may not use this operation: it needs the app role Personalizer.Reader."
    assert message("Personalizer.Admin") == needed


def test_an_app_role_counts_for_every_loop(trusting: str) -> None:
    owner, loop = token("Personalizer.Owner"), f"{trusting}/loops/tokens"
    assert httpx.put(loop, headers=owner, timeout=30).status_code == 201
    path = f"{loop}/personalizer/rank?api-version=2022-09-01-preview"
    assert httpx.post(path, headers=token("Personalizer.App"), json=RANK, timeout=30).status_code == 201
    assert httpx.post(path, headers={KEY: APP_KEY}, json=RANK, timeout=30).status_code == 401
    assert httpx.delete(loop, headers=token("Personalizer.Admin"), timeout=30).status_code == 403
    assert httpx.delete(loop, headers=owner, timeout=30).status_code == 204


OFF: list[dict[str, str]] = [
    {},
    {"WEBSITE_AUTH_ENABLED": "True"},
    {"ENTRA_ROLES": "true"},
    {"ENTRA_ROLES": "true", "WEBSITE_AUTH_ENABLED": "False"},
]


@pytest.mark.parametrize("settings", OFF)
def test_without_both_switches_a_token_opens_nothing_and_keys_work(system: System, settings: dict[str, str]) -> None:
    with system.more_http(**settings) as url:
        assert statuses(url, token("Personalizer.Owner")) == [401, 401, 401]
        assert statuses(url, {KEY: ADMIN_KEY}) == [201, 200, 200]
