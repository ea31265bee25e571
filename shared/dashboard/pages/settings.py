"""Model and settings of a loop, with what each change makes of the model said beside it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from shared.admin import configuration, configuration_body, models
from shared.auth import Permission
from shared.dashboard import figures, links, parts
from shared.dashboard.markup import (
    Child,
    Html,
    b,
    code,
    dd,
    div,
    dl,
    dt,
    field,
    join,
    label,
    option,
    p,
    select,
    span,
    textarea,
)
from shared.dashboard.page import Call, Page
from shared.dashboard.pages.overview import ModelNow, model_of
from shared.loops.config import DEFAULT_LOOP

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


class PolicyNow(msgspec.Struct, frozen=True):
    """The learning policy in effect."""

    name: str
    arguments: str


class Settings(msgspec.Struct, frozen=True, rename="camel"):
    """configuration: as `GET configurations/service` answers it. properties: as `GET model/properties` does."""

    loop: str
    configuration: dict[str, Any]
    policy: PolicyNow
    crossings: list[str]
    model: ModelNow | None
    properties: dict[str, Any]
    created: str | None
    can_undo: bool


async def load(call: Call) -> Settings:
    """What is stored."""
    loop = call.of
    config, state = await loop.read_config(), await loop.read_checkpoint()
    crossed = (await configuration.crossed(loop, config)).get("interactions", [])
    wire = configuration_body.of(config).wire()
    wire.pop("logMirrorSasUri", None)  # it has a key in it
    return Settings(
        loop=loop.loop,
        configuration=wire,
        policy=PolicyNow(config.policy.name, config.arguments),
        crossings=crossed,
        model=model_of(state),
        properties=dict(await models.properties(loop)),
        created=call.service.registry.created(loop.loop) or None,
        can_undo=config.replaced is not None or state.replaced is not None,
    )


def view(data: Settings, call: Call) -> Html:
    """The page: forms for whoever may change something, a list for others."""
    if not call.may(Permission.ADMINISTER):
        return join(_shown(data), div(_model(data, forms=False), _policy_shown(data), cls="stack w5"))
    return join(
        div(_configuration(data), _policy(data), cls="stack w7"),
        div(_mode(data), _model(data, forms=True), _keys(data), _clearing(data, call), cls="stack w5"),
    )


def facts(rows: Sequence[tuple[str, Child]]) -> Html:
    """Names with what they are."""
    return dl([join(dt(name), dd(value)) for name, value in rows], cls="facts")


def _shown(data: Settings) -> Html:
    rows: list[tuple[str, Child]] = [(name, _text(value)) for name, value in data.configuration.items()]
    return parts.card(facts(rows), name="Settings", width=7)


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "not set", True: "on", False: "off"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def _policy_shown(data: Settings) -> Html:
    return parts.card(facts([("name", data.policy.name), ("arguments", code(data.policy.arguments))]), name="Policy")


def _configuration(data: Settings) -> Html:
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
    form = parts.post(
        url, "See what this changes", div(boxes, aggregation, explained, cls="fields two"), kind="primary", cls="fields"
    )
    about = p("Nothing is changed yet: the next page says what becomes of the model.", cls="muted small")
    return parts.card(about, form, name="Settings", width=7)


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


def _mode(data: Settings) -> Html:
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
    form = parts.post(url, "See what this changes", boxes, cls="fields")
    return parts.card(form, name="Learning mode", width=5)


def _policy(data: Settings) -> Html:
    fields = [
        div(
            label("Name", for_="policy-name"),
            field(id="policy-name", name="name", value=data.policy.name, required=True, maxlength=256),
        ),
        div(
            label("Arguments", span("options of Vowpal Wabbit", cls="muted"), for_="arguments"),
            textarea(data.policy.arguments, id="arguments", name="arguments", required=True, spellcheck="false"),
        ),
    ]
    url = links.of_loop(data.loop, "policy-change")
    crossed = f"It crosses {', '.join(data.crossings)} by itself." if data.crossings else None
    reset = parts.post(links.of_loop(data.loop, "policy-reset"), "Back to the default policy")
    saved = parts.link("Download it", links.of_loop(data.loop, "policy-file"))
    return parts.card(
        p("Another policy learns the whole log anew; the model of this one serves until then.", cls="muted small"),
        parts.post(url, "See what this changes", fields, kind="primary", cls="fields gap"),
        parts.hint(crossed) if crossed else None,
        div(reset, saved, cls="buttons gap"),
        name="Learning policy",
        width=7,
    )


def _model(data: Settings, *, forms: bool) -> Html:
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
    return parts.card(facts(rows), _model_forms(data) if forms else None, name="Model", width=5)


def _model_forms(data: Settings) -> Html:
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


def _keys(data: Settings) -> Html:
    if data.loop == DEFAULT_LOOP:
        about = "The keys of this loop are settings of the deployment: APP_KEYS, ADMIN_KEYS and READER_KEYS."
        return parts.card(p(about, cls="muted small"), name="Keys", width=6)
    rows = [
        [
            b(f"{role}/{number}"),
            about,
            parts.post(links.of_loop(data.loop, "key-rotate"), "Replace", hidden={"role": role, "number": number}),
        ]
        for role, about in (
            ("app", "ranks and rewards"),
            ("admin", "everything of this loop"),
            ("reader", "sees everything, changes nothing"),
        )
        for number in (1, 2)
    ]
    columns = [parts.Column("key"), parts.Column("may"), parts.Column("", numeric=True)]
    about = "A replaced key ends at once, and the sessions that it opened with it. The new one is shown once."
    return parts.card(p(about, cls="muted small"), parts.grid(columns, rows, "Keys"), name="Keys", width=6)


def _clearing(data: Settings, call: Call) -> Html:
    boxes = [
        label(field(type="checkbox", name=name, value="true"), b(title), span(about, cls="note"), cls="choice")
        for name, title, about in (
            ("model", "Model", "Rank draws at random until the next model is made of new decisions."),
            ("logs", "Logs", "Decisions and their summaries: nothing can be evaluated or learned from them again."),
            ("policy", "Policy", "The default policy of the deployment takes its place, and learns the log anew."),
        )
    ]
    clear = parts.post(links.of_loop(data.loop, "clear"), "Clear what is ticked", boxes, kind="danger", cls="fields")
    gone = (
        parts.post(
            links.of_loop(data.loop, "loop-delete"),
            "Delete the loop",
            div(
                label(f"Write {data.loop} to delete it", for_="confirm"),
                field(id="confirm", name="confirm", required=True, autocomplete="off"),
                span("Settings, model, log, evaluations and keys are gone then. Nothing brings them back.", cls="note"),
            ),
            kind="danger",
            cls="fields",
        )
        if data.loop != DEFAULT_LOOP and call.may(Permission.OWN)
        else None
    )
    return parts.card(
        parts.folded("Clear data", clear),
        parts.folded("Delete this loop", gone) if gone is not None else None,
        name="Start over",
        width=6,
    )


PAGE = Page("Model and settings", load, view, "settings")
