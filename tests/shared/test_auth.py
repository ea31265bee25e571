import base64
import json
from typing import Any

import pytest

from shared.auth import Caller, Keys, Permission, Role, caller, digests, key_in, require, token_roles
from shared.errors import ApiError

KEYS = Keys(
    digests(["app-1", "app-2"]),
    digests(["admin-1"]),
    digests(["owner-1"]),
    digests(["reader-1"]),
    digests(["overseer-1"]),
)


def authorize(headers: dict[str, str], needed: Permission) -> None:
    require(caller(KEYS.role(key_in(headers)), None), needed)


@pytest.mark.parametrize("header", ["ocp-apim-subscription-key", "x-functions-key"])
@pytest.mark.parametrize(
    ("key", "needed"),
    [("app-1", Permission.DECIDE), ("app-2", Permission.DECIDE), ("admin-1", Permission.ADMINISTER)],
)
def test_allowed(header: str, key: str, needed: Permission) -> None:
    authorize({header: key}, needed)


def test_blanks_around_a_key_are_no_part_of_it() -> None:
    for key in ("app-1 ", "app-1\t", " app-1  "):
        authorize({"ocp-apim-subscription-key": key}, Permission.DECIDE)
    with pytest.raises(ApiError):
        authorize({"ocp-apim-subscription-key": "app -1"}, Permission.DECIDE)


@pytest.mark.parametrize(
    "headers", [{}, {"x-functions-key": ""}, {"ocp-apim-subscription-key": "app-"}, {"key": "app-1"}]
)
@pytest.mark.parametrize("needed", list(Permission))
def test_without_a_known_key(headers: dict[str, str], needed: Permission) -> None:
    with pytest.raises(ApiError, match="Ocp-Apim-Subscription-Key") as refused:
        authorize(headers, needed)
    assert (refused.value.status, refused.value.code) == (401, "Unauthorized")


ALLOWED_TO = {
    "app-1": {Permission.DECIDE},
    "reader-1": {Permission.READ},
    "overseer-1": {Permission.READ, Permission.READ_ALL},
    "admin-1": {Permission.DECIDE, Permission.READ, Permission.ADMINISTER},
    "owner-1": set(Permission),
}


@pytest.mark.parametrize(("key", "needed"), [(key, one) for key in ALLOWED_TO for one in Permission])
def test_a_role_is_a_set_of_permissions(key: str, needed: Permission) -> None:
    headers = {"ocp-apim-subscription-key": key}
    if needed in ALLOWED_TO[key]:
        authorize(headers, needed)
        return
    with pytest.raises(ApiError, match="This key may not use this operation: it needs") as refused:
        authorize(headers, needed)
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
        (["Personalizer.Reader"], [Role.OVERSEER]),
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
        (Role.APP, None, Caller(Role.APP.value)),
        (Role.APP, [], Caller(Role.APP.value)),
        (Role.APP, [Role.APP], Caller(Role.APP.value)),
        (Role.APP, [Role.APP, Role.ADMIN], Caller(Role.ADMIN.value, by_token=True)),
        (Role.APP, [Role.OVERSEER], Caller(Role.APP.value | Role.OVERSEER.value, by_token=True)),
        (Role.OWNER, [Role.ADMIN], Caller(Role.OWNER.value)),
        (None, [Role.APP], Caller(Role.APP.value, by_token=True)),
        (None, [], Caller(by_token=True)),
        (None, None, Caller()),
    ],
)
def test_what_key_and_token_allow_adds_up(by_key: Role | None, token: list[Role] | None, expected: Caller) -> None:
    assert caller(by_key, token) == expected


OWNER_KEY = "an owner's key, which is an admin key of the loop default"
OTHER_OPERATION = "may not use this operation: it needs"


@pytest.mark.parametrize(
    ("sender", "needed", "says"),
    [
        (Caller(Role.APP.value), Permission.ADMINISTER, f"This key {OTHER_OPERATION} an admin key."),
        (Caller(Role.READER.value), Permission.DECIDE, f"This key {OTHER_OPERATION} an app key or an admin key."),
        (Caller(Role.ADMIN.value), Permission.OWN, f"This key {OTHER_OPERATION} {OWNER_KEY}."),
        (
            Caller(Role.APP.value, by_token=True),
            Permission.ADMINISTER,
            f"This token {OTHER_OPERATION} the app role Personalizer.Admin.",
        ),
        (
            Caller(Role.ADMIN.value, by_token=True),
            Permission.OWN,
            f"This token {OTHER_OPERATION} the app role Personalizer.Owner.",
        ),
        (
            Caller(),
            Permission.DECIDE,
            "Access denied: send an app key or an admin key in the header Ocp-Apim-Subscription-Key.",
        ),
        (Caller(), Permission.OWN, f"Access denied: send {OWNER_KEY} in the header Ocp-Apim-Subscription-Key."),
        (
            Caller(by_token=True),
            Permission.DECIDE,
            "Access denied: the token has no app role Personalizer.App, Personalizer.Reader, Personalizer.Admin or "
            "Personalizer.Owner. Give it one, or send an app key or an admin key in the header "
            "Ocp-Apim-Subscription-Key.",
        ),
    ],
)
def test_a_refusal_says_what_the_caller_lacks(sender: Caller, needed: Permission, says: str) -> None:
    with pytest.raises(ApiError) as refused:
        require(sender, needed)
    assert refused.value.message == says
