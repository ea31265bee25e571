"""Pieces that several pages are made of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from shared.dashboard import drawings
from shared.dashboard.markup import (
    Child,
    Html,
    a,
    button,
    dd,
    details,
    div,
    dl,
    dt,
    field,
    form,
    h1,
    h2,
    join,
    p,
    section,
    span,
    summary,
    table,
    tbody,
    td,
    th,
    thead,
    tr,
)


class Column(NamedTuple):
    """numeric: to the right. wide: left out on a phone. sort: the page's script may order rows by it."""

    name: str
    numeric: bool = False
    wide: bool = False
    sort: bool = False

    @property
    def style(self) -> str | None:
        return " ".join(name for name, on in (("num", self.numeric), ("wide", self.wide)) if on) or None


class Cell(NamedTuple):
    """value: by which rows are ordered."""

    content: Child
    value: float | str | None = None


def grid(columns: Sequence[Column], rows: Iterable[Sequence[Child | Cell]], caption: str, **more: Any) -> Html:
    """A table that scrolls by itself where it is too wide. caption: for readers that do not see where it is."""
    heads = [th(one.name, cls=one.style, scope="col", data_sort=one.sort) for one in columns]
    body = [tr([_cell(column, cell) for column, cell in zip(columns, row, strict=True)]) for row in rows]
    sorts = any(one.sort for one in columns)
    made = table(thead(tr(heads)), tbody(body), aria_label=caption, data_sortable=sorts, **more)
    return div(made, cls="scroll", tabindex="0", role="region", aria_label=caption)


def _cell(column: Column, cell: Child | Cell) -> Html:
    if isinstance(cell, Cell):
        return td(cell.content, cls=column.style, data_value=cell.value)
    return td(cell, cls=column.style)


def card(*children: Child, width: int = 12, name: str | None = None, more: str = "", **attributes: Any) -> Html:
    """A part of the page under a headline of its own. width: of 12 columns."""
    return section(h2(name) if name else None, children, cls=f"card w{width} {more}".strip(), **attributes)


def drawing(chart: Html, label: str, **more: Any) -> Html:
    """A chart that scrolls by itself where it is too wide."""
    return div(chart, cls="chart-box", tabindex="0", role="region", aria_label=label, **more)


def folded(name: str, *children: Child, opened: bool = False) -> Html:
    """Something that is opened where it is wanted."""
    return details(summary(name), div(children, cls="folded"), open=opened)


def hint(*children: Child) -> Html:
    return p(children, cls="muted small gap")


def empty(headline: str, *next_steps: Child) -> Html:
    """What is said in place of a table or a chart without anything in it."""
    return div(p(headline, cls="lead"), [p(step, cls="muted") for step in next_steps if step], cls="empty")


def post(
    url: str, name: str, *children: Child, kind: str = "", hidden: Mapping[str, str | int] | None = None, **more: Any
) -> Html:
    """A form that does something, with its button. kind: primary or danger."""
    kept = [field(type="hidden", name=key, value=value) for key, value in (hidden or {}).items()]
    return form(kept, children, button(name, cls=f"button {kind}".strip()), method="post", action=url, **more)


def link(name: Child, url: str, kind: str = "") -> Html:
    """A link that looks like a button."""
    return a(name, cls=f"button {kind}".strip(), href=url)


def switch(label: str, choices: Iterable[tuple[str, str, bool]]) -> Html:
    """name, address and whether it is on, of each choice."""
    return span(
        [a(name, href=url, aria_current="true" if on else None) for name, url, on in choices],
        cls="switch",
        role="group",
        aria_label=label,
    )


def verdict(kind: str, word: str, sentence: Child, about: Child, figure: Child = None) -> Html:
    """The sentence that comes first. kind: ok, warning, critical or unknown."""
    told = div(drawings.state(kind, word), h1(sentence, id="verdict"), p(about, cls="muted"))
    more = "" if figure is None else "with-figure"
    return section(told, figure, cls=f"card w12 verdict {kind} {more}".strip(), aria_labelledby="verdict")


def facts(rows: Sequence[tuple[str, Child]]) -> Html:
    """Names with what they are."""
    return dl([join(dt(name), dd(value)) for name, value in rows], cls="facts")
