import base64
import json
from typing import Any

import pytest

from shared.auth import Caller, Keys, Role, caller, digests, key_in, require, token_roles
from shared.errors import ApiError

KEYS = Keys(digests(["app-1", "app-2"]), digests(["admin-1"]), digests(["owner-1"]))


def authorize(headers: dict[str, str], needed: Role) -> None:
    require(Caller(KEYS.role(key_in(headers))), needed)


@pytest.mark.parametrize("header", ["ocp-apim-subscription-key", "x-functions-key"])
@pytest.mark.parametrize(
    ("key", "needed"),
    [("app-1", Role.APP), ("app-2", Role.APP), ("admin-1", Role.APP), ("admin-1", Role.ADMIN), ("owner-1", Role.OWNER)],
)
def test_allowed(header: str, key: str, needed: Role) -> None:
    authorize({header: key}, needed)


def test_blanks_around_a_key_are_no_part_of_it() -> None:
    for key in ("app-1 ", "app-1\t", " app-1  "):
        authorize({"ocp-apim-subscription-key": key}, Role.APP)
    with pytest.raises(ApiError):
        authorize({"ocp-apim-subscription-key": "app -1"}, Role.APP)


@pytest.mark.parametrize(
    "headers", [{}, {"x-functions-key": ""}, {"ocp-apim-subscription-key": "app-"}, {"key": "app-1"}]
)
@pytest.mark.parametrize("needed", list(Role))
def test_without_a_known_key(headers: dict[str, str], needed: Role) -> None:
    with pytest.raises(ApiError, match="Ocp-Apim-Subscription-Key") as refused:
        authorize(headers, needed)
    assert (refused.value.status, refused.value.code) == (401, "Unauthorized")


@pytest.mark.parametrize("key", ["app-1", "app-2"])
def test_too_low_a_role(key: str) -> None:
    with pytest.raises(ApiError, match="admin key") as refused:
        authorize({"ocp-apim-subscription-key": key}, Role.ADMIN)
    assert (refused.value.status, refused.value.code) == (403, "InvalidApiAccess")


@pytest.mark.parametrize("key", ["é", "\x00", "app-1 ", "APP-1", "app-1,app-2"])
def test_no_key_is_taken_for_another(key: str) -> None:
    assert KEYS.role(key) is None


OBJECT_ID = {"typ": "http://schemas.microsoft.com/identity/claims/objectidentifier", "val": "Personalizer.Owner"}


def principal(*claims: Any, **members: Any) -> dict[str, str]:
    """The header as App Service makes it of a token."""
    body = {"auth_typ": "aad", "claims": [OBJECT_ID, *claims], "name_typ": "name", "role_typ": "roles"} | members
    return encoded(json.dumps(body).encode())


def encoded(body: bytes) -> dict[str, str]:
    return {"x-ms-client-principal": base64.b64encode(body).decode()}


def app_role(value: Any, kind: str = "roles") -> dict[str, Any]:
    return {"typ": kind, "val": value}


@pytest.mark.parametrize("kind", ["roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"])
@pytest.mark.parametrize(
    ("values", "roles"),
    [
        (["Personalizer.App"], [Role.APP]),
        (["Personalizer.Admin"], [Role.ADMIN]),
        (["Personalizer.Owner"], [Role.OWNER]),
        (["Personalizer.App", "Other.Owner", "Personalizer.Admin"], [Role.APP, Role.ADMIN]),
        (["Other.Owner"], []),
        (["personalizer.owner"], []),
        (["Personalizer"], []),
        ([], []),
    ],
)
def test_the_app_roles_of_a_token(kind: str, values: list[str], roles: list[Role]) -> None:
    assert token_roles(principal(*(app_role(value, kind) for value in values))) == roles


ALLOWED = app_role("Personalizer.Owner")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ms-client-principal": ""},
        {"x-ms-client-principal": "Personalizer.Owner"},
        {"x-ms-client-principal": "é"},
        {"x-ms-client-principal": principal(ALLOWED)["x-ms-client-principal"].rstrip("=")[:-1]},
        {"x-ms-client-principal-name": "Personalizer.Owner"},
        encoded(b""),
        encoded(b"null"),
        encoded(b"[]"),
        encoded(b"\xff\xfe"),
        encoded(b"[" * 100_000),
        principal(ALLOWED, claims=None),
        principal(ALLOWED, claims={"roles": "Personalizer.Owner"}),
        principal(ALLOWED, auth_typ="github"),
        principal(ALLOWED, auth_typ=None),
    ],
)
def test_a_malformed_or_foreign_principal_is_no_token(headers: dict[str, str]) -> None:
    assert token_roles(principal(ALLOWED)) == [Role.OWNER]
    assert token_roles(headers) is None


@pytest.mark.parametrize(
    "claim",
    [
        None,
        "roles",
        {},
        {"typ": "roles"},
        {"val": "Personalizer.Owner"},
        app_role(None),
        app_role(["Personalizer.Owner"]),
        app_role({"Personalizer.Owner": 1}),
        {"typ": ["roles"], "val": "Personalizer.Owner"},
        app_role("Personalizer.Owner", "groups"),
    ],
)
def test_a_claim_that_is_malformed_or_another_says_nothing_and_leaves_the_others(claim: Any) -> None:
    assert token_roles(principal(claim)) == []
    assert token_roles(principal(claim, app_role("Personalizer.Admin"), claim)) == [Role.ADMIN]


@pytest.mark.parametrize(
    ("by_key", "token", "expected"),
    [
        (Role.APP, None, Caller(Role.APP)),
        (Role.APP, [], Caller(Role.APP)),
        (Role.APP, [Role.APP], Caller(Role.APP)),
        (Role.APP, [Role.APP, Role.ADMIN], Caller(Role.ADMIN, by_token=True)),
        (Role.OWNER, [Role.ADMIN], Caller(Role.OWNER)),
        (None, [Role.APP], Caller(Role.APP, by_token=True)),
        (None, [], Caller(None, by_token=True)),
        (None, None, Caller(None)),
    ],
)
def test_the_higher_role_of_key_and_token_counts(
    by_key: Role | None, token: list[Role] | None, expected: Caller
) -> None:
    assert caller(by_key, token) == expected


OWNER_KEY = "an owner's key, which is an admin key of the loop default"


@pytest.mark.parametrize(
    ("sender", "needed", "says"),
    [
        (Caller(Role.APP), Role.ADMIN, "This key may not use this operation: it needs an admin key."),
        (Caller(Role.APP), Role.OWNER, f"This key may not use this operation: it needs {OWNER_KEY}."),
        (Caller(Role.ADMIN), Role.OWNER, f"This key may not use this operation: it needs {OWNER_KEY}."),
        (
            Caller(Role.APP, by_token=True),
            Role.ADMIN,
            "This token may not use this operation: it needs the app role Personalizer.Admin.",
        ),
        (
            Caller(Role.ADMIN, by_token=True),
            Role.OWNER,
            "This token may not use this operation: it needs the app role Personalizer.Owner.",
        ),
        (
            Caller(None),
            Role.APP,
            "Access denied: send a valid key in the header Ocp-Apim-Subscription-Key.",
        ),
        (Caller(None), Role.OWNER, f"Access denied: send {OWNER_KEY} in the header Ocp-Apim-Subscription-Key."),
        (
            Caller(None, by_token=True),
            Role.APP,
            "Access denied: the token has no app role Personalizer.App, Personalizer.Admin or Personalizer.Owner. "
            "Give it one, or send a valid key in the header Ocp-Apim-Subscription-Key.",
        ),
    ],
)
def test_a_refusal_says_what_the_caller_lacks(sender: Caller, needed: Role, says: str) -> None:
    with pytest.raises(ApiError) as refused:
        require(sender, needed)
    assert refused.value.message == says
