import pytest

from shared.auth import Keys, Role, digests, key_in, require
from shared.errors import ApiError

KEYS = Keys(digests(["app-1", "app-2"]), digests(["admin-1"]), digests(["owner-1"]))


def authorize(headers: dict[str, str], needed: Role) -> None:
    require(KEYS.role(key_in(headers)), needed)


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
