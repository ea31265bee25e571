"""Query parameters, as ASP.NET reads them."""

from collections import defaultdict
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from shared.errors import ApiError, shown


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


def only_flag(url: str, name: str) -> bool:
    """The flag of an address that may have nothing else; raises InvalidRequest.

    For what cannot be taken back: a name that was mistyped must not mean false. The Functions host leaves empty values
    out of a request's parameters, and `?dryRun` alone is one.
    """
    given = defaultdict[str, list[str]](list)
    for sent, text in parse_qsl(urlsplit(url).query, keep_blank_values=True):
        if sent.lower() != name.lower():
            raise ApiError("InvalidRequest", f"{shown(sent)} is not known; send only {name}.", target=shown(sent))
        given[name].append(text)
    return flag({sent: ",".join(several) for sent, several in given.items()}, name)
