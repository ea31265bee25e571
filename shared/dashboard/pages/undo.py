"""What an undo would put back, before it does."""

import msgspec

from shared.auth import Permission
from shared.dashboard import figures, links, parts
from shared.dashboard.markup import Html, code, div, h1, p
from shared.dashboard.page import Call, Page


class Undo(msgspec.Struct, frozen=True, rename="camel"):
    """policy: the name of the one before, None if the policy was not changed; model_created: of the model before."""

    loop: str
    policy: str | None
    arguments: str | None
    policy_replaced: int | None
    model_created: str | None
    model_replaced: int | None


async def load(call: Call) -> Undo:
    """What is stored of the last change."""
    config, state = await call.of.read_config(), await call.of.read_checkpoint()
    policy, model = config.replaced, state.replaced
    return Undo(
        loop=call.of.loop,
        policy=policy.policy.name if policy is not None else None,
        arguments=policy.policy.arguments if policy is not None else None,
        policy_replaced=policy.at if policy is not None else None,
        model_created=model.model.created if model is not None else None,
        model_replaced=model.at if model is not None else None,
    )


def view(data: Undo, call: Call) -> Html:
    """The page."""
    if data.policy is None and data.model_created is None:
        return parts.card(parts.empty("There is nothing to undo.", "Policy and model are as they have always been."))
    rows = []
    if data.policy is not None:
        rows += [("policy that comes back", data.policy), ("its arguments", code(data.arguments))]
        rows += [("it was replaced", figures.moment(data.policy_replaced))]
    if data.model_created is not None:
        rows += [("model that comes back, made", figures.moment(figures.parsed(data.model_created)))]
        rows += [("it was replaced", figures.moment(data.model_replaced))]
    about = "The model goes on from where it was, and learns once what was logged since. Other settings stay."
    return parts.card(
        h1("Undo the last change of policy or model"),
        p(about, cls="muted"),
        div(parts.facts(rows), cls="gap"),
        div(
            parts.post(links.of_loop(data.loop, "undo-change"), "Undo it", kind="primary"),
            parts.link("Leave it", links.of_loop(data.loop)),
            cls="buttons gap",
        ),
    )


PAGE = Page("Undo", load, view, "", Permission.ADMINISTER)
