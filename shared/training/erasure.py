"""One erasure of one loop, in the process that owns the loop's log.

What is meant is found first, in the log and in both hubs up to their heads, and stored; then one commit makes the join
drop it from now on. Only then lines go. So whoever takes an erasure up again after a kill goes on with the same events,
and no later run can bring one of them back.
"""

import secrets
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from shared import scratch
from shared.hubs.reader_pairs import Pair
from shared.joined_log import damaged_logs, erasing, finding, index_erasing, outlook
from shared.joined_log.ahead import ahead
from shared.joined_log.erasing import Entries, Lines, Watcher
from shared.joined_log.selection import Selection
from shared.loops import commits, erased_keys, erasures, summary_names
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig
from shared.loops.counts import Counts
from shared.loops.erasures import Erasure, Found, Matches
from shared.loops.model_records import Place
from shared.loops.summary import DAY_MS
from shared.settings import Settings
from shared.storage import Conflict, Storage
from shared.training import course, planning, remains
from shared.training.run_files import merged
from shared.training.summaries_anew import Making
from shared.training.trainee import Trainee
from shared.vw.safe_features import safe_text

KEPT_OF_ANOTHER = (
    "The model is kept, and so is the one that undo would put back: it knows events that the log no longer has, or "
    "came from elsewhere. DELETE the model to make an end of it."
)
DAMAGED = "{} is damaged: what cannot be read of it was not looked at."
KEPT_OF_BEFORE = (
    "The model knows events that the log no longer has, or came from elsewhere: whether the selection means one of "
    "them cannot be told. DELETE the model to make an end of it."
)


class _Known(msgspec.Struct, frozen=True):
    """What was found, as it is stored until the work is done.

    keys: of the events. places: of the joined lines, by file: their numbers from 0. others: the files of which
    something else goes. An index tells the places of a file's lines: they are made anew after a kill, too. every: any
    file may have something that goes: lines that could not be read, or of an event that was found elsewhere. cut: of
    the last run before.
    """

    keys: list[int]
    places: dict[str, list[int]]
    others: list[str]
    every: bool
    cut: int = 0

    @property
    def files(self) -> set[str]:
        return {*self.places, *self.others}

    @property
    def looked(self) -> set[str] | None:
        """The files that are looked at, None for all."""
        return None if self.every else self.files

    def shifted(self, place: Place) -> Place:
        """A place in the log as it is once the lines are gone."""
        before = sum(number < place.line for number in self.places.get(place.file, ()))
        return Place(place.file, place.line - before)


class ErasureWork:
    """trainee: nobody else works on it meanwhile. name: of the erasure, the digest of its id."""

    def __init__(self, settings: Settings, storage: Storage, trainee: Trainee, config: LoopConfig, name: str) -> None:
        self._settings, self._storage, self._trainee, self._config = settings, storage, trainee, config
        self._home, self._name = trainee.home, name

    async def step(self) -> bool:
        """Takes it as far as it goes now; False once it has ended. May raise Conflict, StorageUnavailable, Damaged."""
        found = await erasures.read(self._storage, self._home, self._name)
        if found is None or not found.erasure.is_open:
            return False
        selection = Selection(found.erasure.wanted)
        if found.erasure.state == "waiting":
            found = await self._begin(found, selection)
        if found.erasure.state == "erasing":
            found = await self._erase(found, selection)
        if found.erasure.state == "relearning":
            found = await self._end(found)
        return found.erasure.is_open

    async def _save(self, found: Found, changed: Erasure) -> Found:
        return await erasures.save(self._storage, self._home, self._name, found, changed)

    async def _begin(self, found: Found, selection: Selection) -> Found:
        """Finds what is meant; an erasure that means all of the log without saying so is refused."""
        erasure = found.erasure
        meant = await finding.find(self._storage, self._home, selection)
        pending = await self._pending(selection)
        matches = msgspec.structs.replace(meant.found, pending=pending)
        changed = msgspec.structs.replace(erasure, found=matches)
        if matches.total and matches.joined == matches.total and not erasure.everything:
            reason = 'It means every event of the log: say "all": true if that is meant.'
            return await self._save(found, changed.closed("refused", _now(), reason))
        if erasure.dry:
            return await self._save(found, changed.closed("done", _now()))
        if matches == Matches(total=matches.total):
            changed = msgspec.structs.replace(changed, left=await self._without_events(erasure))
            return await self._save(found, changed.closed("done", _now()))
        state = (await commits.load(self._storage, self._home)).checkpoint
        relearns = await self._relearns(state)
        version = state.model.version if state.model is not None else ""
        changed = msgspec.structs.replace(
            changed, state="erasing", at=_ms(), keys=secrets.token_hex(8), relearns=relearns, version=version
        )
        every = selection.found != meant.keys or bool(damaged_logs.met(self._home))
        known = _Known(sorted(selection.found), meant.places, sorted(meant.late), every, state.cut)
        await self._keep(changed, known)
        return await self._save(found, changed)

    async def _without_events(self, erasure: Erasure) -> list[str]:
        """Of events that neither log nor hubs have, or no longer: takes their values out of what may name them all the
        same; what is left where."""
        await self._making().without_erased((), _values(erasure))
        await remains.delete_named(self._storage, self._home, remains.Texts(erasure.wanted), ended_only=True)
        state = (await commits.load(self._storage, self._home)).checkpoint
        is_covered = state.model is None or await self._relearns(state)
        damaged = map(DAMAGED.format, sorted(damaged_logs.met(self._home)))
        return [*remains.always(self._config), *([] if is_covered else [KEPT_OF_BEFORE]), *damaged]

    def _making(self) -> Making:
        return Making(self._storage, self._home, self._config.default_reward, lambda text: None)

    async def _pending(self, selection: Selection) -> int:
        """Looks into both hubs up to their heads; how many events wait there that are meant."""
        pair, events = Pair(self._settings), set[str]()
        try:
            heads = await pair.heads()
            state = (await commits.load(self._storage, self._home)).checkpoint
            known = planning.realigned(state, heads.interactions, heads.observations)
            for reader, after, through in (
                (pair.interactions, known.interactions, heads.interactions),
                (pair.observations, known.observations, heads.observations),
            ):
                async for message in merged(reader.read(after, through)):
                    for line in message.body.splitlines():
                        event = selection.event(line) if _is_of(line, self._trainee.loop) else None
                        if event:
                            selection.learn(event)
                            events.add(event)
        finally:
            await pair.close()
        return len(events)

    async def _relearns(self, state: Checkpoint) -> bool:
        """True if the log has all that the model has learned."""
        model, known = state.model, outlook.known(state)
        if model is None or model.rewards is None or known is None:
            return False
        return await outlook.events(self._storage, self._home, model.since) >= known

    async def _keep(self, erasure: Erasure, known: _Known) -> None:
        await self._check()
        await self._storage.put(erasures.keys_name(self._home, self._name, erasure.keys), msgspec.json.encode(known))

    async def _check(self) -> None:
        """Raises Conflict if the loop was deleted: what is written would be left behind."""
        if await erasures.read(self._storage, self._home, self._name) is None:
            raise Conflict("the loop was deleted")

    async def _erase(self, found: Found, selection: Selection) -> Found:
        blob = await self._storage.read(erasures.keys_name(self._home, self._name, found.erasure.keys))
        if blob is None:  # somebody has deleted it
            return await self._save(found, msgspec.structs.replace(found.erasure, state="waiting"))
        known = msgspec.json.decode(blob.data, type=_Known)
        await self._drop_from_now_on(found.erasure, known)
        if (await commits.load(self._storage, self._home)).checkpoint.cut != known.cut:  # runs in between
            known = msgspec.structs.replace(known, every=True)
        making = self._making()
        with scratch.folder() as folder:
            passing = await making.passing({_day(file) for file in known.files}, known.looked, Path(folder))
            known, damaged = await self._rewrite(found.erasure, known, selection, passing)
            await self._check()
            await making.without_erased({_day(file) for file in known.files}, _values(found.erasure), passing)
        self._trainee.merge = None
        left = remains.always(self._config)
        left += map(DAMAGED.format, damaged)
        state = await commits.amend(self._storage, self._home, lambda before: self._relearning(before, found.erasure))
        relearns, version = state.draft is not None, state.model.version if state.model is not None else ""
        if not relearns and (state.model is not None or state.replaced is not None):
            left.append(KEPT_OF_ANOTHER)
        changed = msgspec.structs.replace(
            found.erasure, state="relearning", relearns=relearns, version=version, left=left
        )
        return await self._save(found, changed)

    async def _rewrite(
        self, erasure: Erasure, known: _Known, selection: Selection, watcher: Watcher
    ) -> tuple[_Known, list[str]]:
        """Replaces the blobs of the log, then the indexes; with what was found now, the names of damaged blobs."""
        damaged, entries = set[str](), Entries()
        lines = Lines(selection, frozenset(known.keys))
        with scratch.folder() as folder:
            rewriting = erasing.rewrite(
                self._storage, self._home, Path(folder), lines, known.files, known.looked, watcher
            )
            async for made in ahead(rewriting):
                if made.changed - known.files:  # of a log that counts for nobody, or could not be read before
                    known = msgspec.structs.replace(known, others=sorted({*known.others, *made.changed}))
                    await self._keep(erasure, known)
                if made.without is not None:
                    await self._storage.overwrite(made.name, made.without)
                damaged |= {made.name} if made.damaged else set()
                entries |= made.entries
        await index_erasing.rewrite(self._storage, self._home, entries, known.keys)
        return known, sorted(damaged)

    async def _drop_from_now_on(self, erasure: Erasure, known: _Known) -> None:
        """The commit from which on no run logs or learns the events; made once, however often it is tried."""
        state = (await commits.load(self._storage, self._home)).checkpoint
        if state.erased is not None and state.erased.name.endswith(f"/{self._name}.json"):
            return
        batch = erased_keys.Batch(erasure.at, known.keys)
        artifact = await erased_keys.added(
            self._storage, self._home, state.erased, self._name, batch, self._config.retention_days
        )
        lines = erasure.found.joined if erasure.found is not None else 0

        def changed(before: Checkpoint) -> Checkpoint:
            if before.erased == artifact:
                return before
            backlog, replaced = before.backlog, before.replaced
            if backlog is not None:
                backlog = msgspec.structs.replace(backlog, at=known.shifted(backlog.at))
            if replaced is not None:
                waiting = msgspec.structs.replace(replaced.backlog, at=known.shifted(replaced.backlog.at))
                replaced = msgspec.structs.replace(replaced, backlog=waiting)
            return msgspec.structs.replace(
                before,
                erased=artifact,
                counts=before.counts.plus(Counts(erased_lines=lines)),
                merges=before.merges + 1,
                backlog=backlog,
                replaced=replaced,
                draft=None,
            )

        await commits.amend(self._storage, self._home, changed)

    def _relearning(self, before: Checkpoint, erasure: Erasure) -> Checkpoint:
        """The state whose model is learned anew, if it is; nothing of before can be put back.

        A model that runs or a rebuild have made meanwhile has learned the same log. What was learned anew meanwhile,
        for this erasure or another reason, may have begun with the log as it was.
        """
        state = msgspec.structs.replace(
            before, merges=before.merges + 1, epoch=before.epoch + 1, erasures=before.erasures + 1, draft=None
        )
        model, is_covered = state.model, erasure.relearns or not erasure.version
        if model is None:
            return msgspec.structs.replace(state, replaced=None) if is_covered else state
        if not is_covered or model.rewards is None or model.version < erasure.version:  # imported, or undone to it
            return state
        return msgspec.structs.replace(state, draft=course.anew(model, self._config), replaced=None, failure=None)

    async def _end(self, found: Found) -> Found:
        """Deletes what is left of before, once the model has been learned anew."""
        state, erasure = (await commits.load(self._storage, self._home)).checkpoint, found.erasure
        if state.draft is not None:
            return found
        if erasure.relearns and state.replaced is not None and state.replaced.model.version == erasure.version:
            state = msgspec.structs.replace(state, replaced=None)
            await commits.amend(self._storage, self._home, lambda before: _without_replaced(before, erasure.version))
        left = list(erasure.left)
        if erasure.relearns and state.model is not None and state.model.version == erasure.version:
            left.append(f"The model could not be learned anew, and is kept: {state.failure or 'nothing to learn'}.")
            erasure = msgspec.structs.replace(erasure, relearns=False)
        await remains.delete(self._storage, self._home, state, remains.Texts(erasure.wanted))
        await self._storage.delete_all(await self._storage.names(erasures.keys_name(self._home, self._name)))
        return await self._save(found, msgspec.structs.replace(erasure, left=left).closed("done", _now()))


def _values(erasure: Erasure) -> set[str]:
    """Those of features, as they were sent and as Rank stores them."""
    return {said for one in erasure.wanted if one.value for said in (one.value, safe_text(one.value))}


def _without_replaced(before: Checkpoint, version: str) -> Checkpoint:
    """The state from which undo cannot put this model back: another change has replaced it meanwhile."""
    if before.replaced is None or before.replaced.model.version != version:
        return before
    return msgspec.structs.replace(before, replaced=None)


class _Of(msgspec.Struct):
    loop: str = ""


_of = msgspec.json.Decoder(_Of).decode


def _is_of(line: bytes, loop: str) -> bool:
    try:
        return _of(line).loop == loop
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def _day(file: str) -> int:
    """The day (ms) of a file of the log."""
    at = summary_names.time_of(file)
    return at - at % DAY_MS


def _ms() -> int:
    return round(time.time() * 1000)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
