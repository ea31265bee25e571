"""Addresses of pages."""

from urllib.parse import quote, urlencode

ROOT = "/dashboard"


def of_loop(loop: str, page: str = "", **query: str | int | None) -> str:
    """A page of a loop; query parameters that are None are left out."""
    path = f"{ROOT}/loops/{quote(loop, safe='')}" + (f"/{page}" if page else "")
    given = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path
