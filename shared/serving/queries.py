"""Query parameters, as ASP.NET reads them."""

from collections.abc import Mapping

from shared.errors import ApiError


def value(query: Mapping[str, str], name: str) -> str | None:
    """The value of a parameter whose name is sent in any case, None without one; several are joined by commas."""
    wanted = name.lower()
    found = [text for sent, text in query.items() if sent.lower() == wanted]
    return ",".join(found) if found else None


def flag(query: Mapping[str, str], name: str) -> bool:
    """A parameter that is true or false, false without one; raises InvalidRequest, for an empty one, too.

    Who writes `?dryRun` alone does not mean false.
    """
    given = value(query, name)
    text = "false" if given is None else given.lower()
    if text not in ("true", "false"):
        raise ApiError("InvalidRequest", f"{name} must be true or false.", target=name)
    return text == "true"
