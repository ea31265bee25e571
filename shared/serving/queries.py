"""Query parameters, as ASP.NET reads them."""

from collections.abc import Mapping


def value(query: Mapping[str, str], name: str) -> str | None:
    """The value of a parameter whose name is sent in any case, None without one; several are joined by commas."""
    wanted = name.lower()
    found = [text for sent, text in query.items() if sent.lower() == wanted]
    return ",".join(found) if found else None
