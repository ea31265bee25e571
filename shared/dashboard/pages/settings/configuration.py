"""The settings of a loop and its learning mode, as forms or as a list."""

from typing import Any

from shared.dashboard import links, parts
from shared.dashboard.markup import (
    Child,
    Html,
    b,
    div,
    field,
    label,
    option,
    p,
    select,
    span,
)
from shared.dashboard.pages.settings.data import Settings

MODES = {
    "Online": "decides, and learns from what it decided",
    "Apprentice": "always shows your first action, and learns to choose the same",
    "LoggingOnly": "always shows your first action, and only logs",
}


AGGREGATIONS = ("earliest", "average", "median", "sum", "min", "max")


# Members of the configuration that the form has: title, kind of field, what a change does.
FIELDS = {
    "rewardWaitTime": ("Reward wait time", "How long a reward may take, such as PT10M; up to P2D. Trains anew."),
    "defaultReward": ("Default reward", "What counts when no reward comes in time, -1 to 1. Trains anew."),
    "explorationPercentage": ("Exploration", "The largest share of decisions that explore, 0 to 1. Trains anew."),
    "modelExportFrequency": ("Model export frequency", "How often a model is published, such as PT1M."),
    "logRetentionDays": ("Days of log", "How long decisions are kept; -1 for ever. What is older is deleted."),
    "modelRetrainDays": ("Days to train anew from", "What part of the log a new model learns; 0: models are kept."),
}


def form(data: Settings) -> Html:
    """For whoever may change the settings."""
    given = data.configuration
    boxes = [_box(name, *words, given.get(name)) for name, words in FIELDS.items()]
    aggregation = div(
        label("Reward aggregation", for_="rewardAggregation"),
        _choice("rewardAggregation", {one: one for one in AGGREGATIONS}, str(given["rewardAggregation"])),
        span("How several rewards of a decision become one. Trains anew.", cls="note"),
    )
    explained = div(
        label(
            field(
                type="checkbox",
                name="isInferenceExplainabilityEnabled",
                value="true",
                checked=bool(given.get("isInferenceExplainabilityEnabled")),
            ),
            "Answer which features mattered",
            cls="choice",
        ),
        span("isInferenceExplainabilityEnabled: Rank answers a score of each feature, and takes longer.", cls="note"),
    )
    url = links.of_loop(data.loop, "settings-change")
    made = parts.post(
        url, "See what this changes", div(boxes, aggregation, explained, cls="fields two"), kind="primary", cls="fields"
    )
    about = p("Nothing is changed yet: the next page says what becomes of the model.", cls="muted small")
    return parts.card(about, made, name="Settings", width=7)


def _box(name: str, title: str, about: str, value: Any) -> Html:
    return div(
        label(title, for_=name),
        field(id=name, name=name, value="" if value is None else value, aria_describedby=f"{name}-about"),
        span(about, cls="note", id=f"{name}-about"),
    )


def _choice(name: str, choices: dict[str, str], current: str) -> Html:
    return select(
        [option(text, value=value, selected=value == current) for value, text in choices.items()], id=name, name=name
    )


def mode(data: Settings) -> Html:
    """For whoever may change the learning mode."""
    current = str(data.configuration.get("learningMode"))
    boxes = [
        label(
            field(type="radio", name="learningMode", value=mode, checked=mode == current),
            b(mode),
            span(about, cls="note"),
            cls="choice",
        )
        for mode, about in MODES.items()
    ]
    url = links.of_loop(data.loop, "settings-change")
    made = parts.post(url, "See what this changes", boxes, cls="fields")
    return parts.card(made, name="Learning mode", width=5)


def listed(data: Settings) -> Html:
    """For whoever may not."""
    rows: list[tuple[str, Child]] = [(name, _text(value)) for name, value in data.configuration.items()]
    return parts.card(parts.facts(rows), name="Settings", width=7)


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "not set", True: "on", False: "off"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)
