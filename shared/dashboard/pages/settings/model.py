"""The model of a loop: its age, its export, another in its place."""

from shared.dashboard import figures, links, parts
from shared.dashboard.markup import (
    Child,
    Html,
    div,
    field,
    join,
    label,
    span,
)
from shared.dashboard.pages.settings.data import Settings


def shown(data: Settings, *, forms: bool) -> Html:
    """What is known of the model. forms: also what can be done with it."""
    model = data.model
    rows: list[tuple[str, Child]] = [("version", "none yet")]
    if model is not None:
        learned = "not known" if model.learned is None else figures.plural(model.learned, "event")
        rows = [
            ("version", model.version),
            ("made", figures.moment(figures.parsed(model.created))),
            ("first model", figures.moment(figures.parsed(data.properties.get("creationTime")))),
            ("has learned", learned),
            ("has still to learn", figures.plural(model.waiting, "event")),
        ]
    if data.created:
        rows.append(("loop made", figures.moment(figures.parsed(data.created))))
    return parts.card(parts.facts(rows), _forms(data) if forms else None, name="Model", width=5)


def _forms(data: Settings) -> Html:
    url = links.of_loop(data.loop, "model-import")
    taken = parts.post(
        url,
        "Import it",
        div(
            label("A signed model", for_="model"),
            field(type="file", id="model", name="model", required=True),
            span(
                "The zip that a signed export gives, of this service or of Azure Personalizer. It replaces the model "
                "and the policy; Undo puts both back.",
                cls="note",
            ),
        ),
        cls="fields",
        enctype="multipart/form-data",
    )
    exports = div(
        parts.link("Export, signed", links.of_loop(data.loop, "model-file", signed="true")),
        parts.link("Export as it is", links.of_loop(data.loop, "model-file")),
        cls="buttons gap",
    )
    undo = parts.link("Undo the last change of policy or model", links.of_loop(data.loop, "undo"))
    return join(exports, div(undo, cls="gap") if data.can_undo else None, parts.folded("Import a model", taken))
