"""Making and deleting loops, replacing their keys, and bringing a model in."""

from shared.admin import loops, model_import
from shared.auth import Permission
from shared.dashboard import links, parts
from shared.dashboard.actions.action import Action
from shared.dashboard.markup import Html, b, code, div, h1, p
from shared.dashboard.page import Call
from shared.errors import ApiError


async def make(call: Call) -> Html:
    """A loop, whose keys are on the page that answers, and nowhere else."""
    made = await loops.create(call.service, call.given.get("loop", "").strip())
    shown = {"app": made.app_keys, "admin": made.admin_keys, "reader": made.reader_keys}
    rows = [
        [b(f"{role}/{number}"), code(key, cls="secret")]
        for role, keys in shown.items()
        for number, key in enumerate(keys or (), 1)
    ]
    return parts.card(
        h1(f"The loop {made.name} is there."),
        p("These are its keys. They are shown now, and never again: only their digests are kept.", cls="muted gap"),
        parts.grid([parts.Column("key"), parts.Column("value")], rows, "Keys"),
        p("Applications send an app key to ", code(f"{made.path}/personalizer"), ".", cls="gap"),
        div(parts.link(f"Go to {made.name}", links.of_loop(made.name), "primary"), cls="gap"),
    )


async def delete(call: Call) -> str:
    """A loop, once its name is written."""
    if call.given.get("confirm", "").strip() != call.of.loop:
        raise ApiError("InvalidRequest", f"Nothing was deleted: write {call.of.loop} to delete it.")
    await loops.delete(call.service, call.of.loop)
    return links.ROOT


async def rotate(call: Call) -> Html:
    """A new key in the place of one, shown once."""
    role, number = call.given.get("role", ""), call.given.get("number", "")
    if role not in loops.ROLES or number not in ("1", "2"):
        raise ApiError("ResourceNotFound", "Keys are app/1, app/2, admin/1, admin/2, reader/1 and reader/2.")
    made = await loops.rotate(call.service, call.of.loop, role, int(number))
    return parts.card(
        h1(f"The key {role}/{number} is replaced."),
        p("This is the new one. It is shown now, and never again.", cls="muted gap"),
        p(code(made.key, cls="secret"), cls="gap"),
        div(parts.link("Back to the settings", links.of_loop(call.of.loop, "settings"), "primary"), cls="gap"),
    )


async def import_model(call: Call) -> str:
    """The same as `PUT /model`."""
    await model_import.put(call.service, call.of, call.files.get("model", b""))
    return links.of_loop(call.of.loop, "settings")


ACTIONS = {
    "make": Action("Loop", make, "", Permission.OWN, of_deployment=True),
    "loop-delete": Action("Delete", delete, "settings", Permission.OWN),
    "key-rotate": Action("Key", rotate, "settings"),
    "model-import": Action("Model", import_model, "settings"),
}
