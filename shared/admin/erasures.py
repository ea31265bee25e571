"""Asking for erasures, and how far they are."""

from typing import Any

import msgspec

from shared.admin.selection_body import SelectionBody
from shared.errors import ApiError, shown
from shared.hubs import events
from shared.loops import erasures
from shared.loops.erasures import Erasure, Wanted
from shared.serving.loop import Serving
from shared.storage import Conflict

LONGEST_ID = 256
_STATES = {"waiting": "waiting", "erasing": "running", "relearning": "running"}


class ErasureCounts(msgspec.Struct, rename="camel"):
    """What a selection means. joined, late: lines of the log. pending: events in the hubs that are not logged yet."""

    joined: int
    late: int
    pending: int
    total_joined: int


class ErasureInfo(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """An erasure: how far it is, what it meant, and what is left where."""

    id: str
    status: str
    dry_run: bool
    asked: str
    ended: str | None = None
    counts: ErasureCounts | None = None
    model: str | None = None
    left: list[str] = []
    reason: str | None = None


async def ask(loop: Serving, id: str, body: SelectionBody, *, dry: bool) -> ErasureInfo:
    """Stores an erasure for the trainer; the same one a second time changes nothing; raises ErasureAlreadyExists.

    One that was only counted may be asked for again, to be done.
    """
    if not 1 <= len(id) <= LONGEST_ID:
        raise ApiError("InvalidSelection", f"An id must have 1 to {LONGEST_ID} characters.")
    wanted = [Wanted(one.event_id, one.feature, one.value) for one in body.selection]
    asked = Erasure(id, wanted, events.now(), erasures.selected(wanted), body.all, dry)
    name = erasures.digest(id)
    known = await erasures.read(loop.storage, loop.home, name)
    if known is None:
        try:
            await erasures.create(loop.storage, loop.home, asked)
        except Conflict:
            known = await erasures.read(loop.storage, loop.home, name)
    elif known.erasure.dry and not dry and not known.erasure.is_open:
        try:
            await erasures.save(loop.storage, loop.home, name, known, asked)
        except Conflict:
            raise ApiError("OperationNotAllowed", "It was asked for just now; look at it.", retry_after=1) from None
        await erasures.mark(loop.storage, loop.home, name)
        known = None
    if known is not None:
        before = known.erasure
        if (before.selected, before.everything, before.dry) != (asked.selected, asked.everything, asked.dry):
            raise ApiError("ErasureAlreadyExists", f"There is another erasure '{shown(id)}': take another id.")
        if before.is_open:  # whoever asked first may not have come to the marker
            await erasures.mark(loop.storage, loop.home, name)
    return await get(loop, id)


async def get(loop: Serving, id: str) -> ErasureInfo:
    """Raises ErasureNotFound."""
    found = await erasures.read(loop.storage, loop.home, erasures.digest(id))
    if found is None:
        raise ApiError("ErasureNotFound", f"There is no erasure '{shown(id)}'.")
    return _told(id, found.erasure)


def _told(id: str, one: Erasure) -> ErasureInfo:
    counts = one.found
    told: dict[str, Any] = {"counts": ErasureCounts(*msgspec.structs.astuple(counts))} if counts is not None else {}
    return ErasureInfo(
        id=id,
        status=_STATES.get(one.state, one.state),
        dry_run=one.dry,
        asked=one.asked,
        ended=one.ended or None,
        model=_model(one),
        left=one.left,
        reason=one.reason or None,
        **told,
    )


def _model(one: Erasure) -> str | None:
    if one.dry or not one.version or one.state == "refused":
        return None
    if not one.relearns:
        return "kept"
    return "learnedAnew" if one.state == "done" else "isLearnedAnew"
