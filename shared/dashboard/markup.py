"""HTML and SVG from Python calls. All text is escaped: only what these functions made is markup."""

from collections.abc import Iterable
from functools import partial
from html import escape
from typing import Any, Union

# Elements that have no end tag.
_VOID = frozenset(("br", "hr", "img", "input", "link", "meta"))
# Attribute names that Python could not take as they are.
_RENAMED = {"cls": "class", "for_": "for", "viewbox": "viewBox", "http_equiv": "http-equiv"}


class Html(str):
    """Markup that is safe to be sent: made by this module alone."""

    __slots__ = ()


Child = Union[str, Html, int, float, None, "Iterable[Child]"]


def tag(name: str, /, *children: Child, **attributes: Any) -> Html:
    """An element. Attributes that are None or False are left out, those that are True have no value."""
    parts = ["<", name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        written = _RENAMED.get(key) or key.replace("_", "-")
        parts.append(f" {written}" if value is True else f' {written}="{escape(str(value))}"')
    parts.append(">")
    if name not in _VOID:
        _put(children, parts)
        parts.append(f"</{name}>")
    return Html("".join(parts))


def join(*children: Child) -> Html:
    """Several pieces, one after the other."""
    parts: list[str] = []
    _put(children, parts)
    return Html("".join(parts))


def _put(children: Iterable[Child], parts: list[str]) -> None:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            parts.append(child)
        elif isinstance(child, str):
            parts.append(escape(child))
        elif isinstance(child, int | float):
            parts.append(str(child))
        else:
            _put(child, parts)


a, b, br, button, code, details, div, dd, dl, dt, em, fieldset, footer, form, h1, h2, h3, header = (
    partial(tag, name)
    for name in (
        *("a", "b", "br", "button", "code", "details", "div", "dd", "dl", "dt", "em", "fieldset", "footer", "form"),
        *("h1", "h2", "h3", "header"),
    )
)
label, legend, li, main, nav, option, p, pre, section, select, small, span, strong, summary, table, tbody, td = (
    partial(tag, name)
    for name in (
        *("label", "legend", "li", "main", "nav", "option", "p", "pre", "section", "select", "small", "span"),
        *("strong", "summary", "table", "tbody", "td"),
    )
)
textarea, th, thead, tr, ul, svg, g, line, circle, rect, path, text, title = (
    partial(tag, name)
    for name in ("textarea", "th", "thead", "tr", "ul", "svg", "g", "line", "circle", "rect", "path", "text", "title")
)
field = partial(tag, "input")
