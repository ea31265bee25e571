"""What was changed of a loop: marks in its chart, and a table whose newest change can be undone."""

import msgspec

from shared.auth import Permission
from shared.dashboard import figures, links, parts
from shared.dashboard.markup import Html, join
from shared.dashboard.page import Call
from shared.dashboard.parts import Column
from shared.loops.checkpoint import Checkpoint
from shared.loops.chronicle import Entry
from shared.loops.config import LoopConfig

# Changes that one request makes are noted within this time (ms).
TOGETHER_MS = 5_000
# Rows that are seen at once; the others are folded away.
FIRST = 8


class Change(msgspec.Struct, frozen=True):
    """Something that was changed. at: ms since 1970."""

    at: int
    what: str
    undoable: bool = False


def known(entries: list[Entry], config: LoopConfig, state: Checkpoint) -> list[Change]:
    """The newest first. What earlier versions changed is known by the last of its kind, as loops tell it themselves."""
    found = [Change(one.at, worded(one)) for one in entries]
    found += [one for one in _last(config, state) if all(abs(one.at - other.at) > TOGETHER_MS for other in found)]
    if state.model is not None:
        found.append(Change(round(state.model.born * 1000), f"Model {state.model.version} published"))
    found.sort(key=lambda one: -one.at)
    return _with_undo(
        found, max((one.at for one in (config.replaced, state.replaced) if one is not None), default=None)
    )


def worded(entry: Entry) -> str:
    """A change in words."""
    about = ", ".join(entry.about)
    return {
        "policy": f"Policy {about} put into effect",
        "optimisation": f"Policy {about} put into effect by automatic optimisation",
        "undo": f"The last change undone: policy {about}",
        "settings": f"Settings changed: {about}",
        "learning-mode": f"Learning mode {about}",
        "model-imported": "Model imported",
        "model-cleared": "Model cleared",
        "logs": "Logs cleared",
    }[entry.kind]


def _last(config: LoopConfig, state: Checkpoint) -> list[Change]:
    found = []
    if state.replaced is not None:
        found.append(Change(state.replaced.at, "The model was replaced"))
    if config.replaced is not None:
        found.append(Change(config.replaced.at, f"Policy {config.policy.name} put into effect"))
    edited = figures.parsed(config.edited)
    if edited is not None and edited > 0:
        found.append(Change(edited, "Settings changed"))
    return found


def _with_undo(found: list[Change], at: int | None) -> list[Change]:
    """at: when the change was made that undo would take back, None if there is none."""
    last = next((one for one in found if at is not None and abs(one.at - at) <= TOGETHER_MS), None)
    return [msgspec.structs.replace(one, undoable=True) if one is last else one for one in found]


def table(loop: str, changes: list[Change], call: Call) -> Html:
    """The changes, as many as are seen at once, and the others below."""
    if not changes:
        return parts.empty("Nothing has changed since the loop began.")
    may = call.may(Permission.ADMINISTER)
    columns = [Column("when"), Column("what"), Column("", numeric=True)]
    rows = [
        [
            figures.moment(one.at, "%d %b %H:%M"),
            one.what,
            parts.link("Undo", links.of_loop(loop, "undo")) if one.undoable and may else None,
        ]
        for one in changes
    ]
    first = parts.grid(columns, rows[:FIRST], "What changed")
    if len(rows) <= FIRST:
        return first
    earlier = parts.grid(columns, rows[FIRST:], "Earlier changes")
    return join(first, parts.folded(f"{len(rows) - FIRST} earlier ones", earlier))
