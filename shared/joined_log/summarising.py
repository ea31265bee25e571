"""From joined events, or from the lines that the log has of them, to a summary: the same one, bit for bit."""

from collections.abc import Sequence

import msgspec

from shared.hubs.events import Interaction, Slot
from shared.joined_log.feature_sampling import FeatureSampling
from shared.joined_log.joined_lines import Joined
from shared.loops.gathering import Gatherer
from shared.loops.summary import Summary
from shared.vw import dsjson
from shared.vw.model import UNTRAINED


class Named(msgspec.Struct, rename=dsjson.ACTION, gc=False):
    """An action by its id."""

    tag: str | None = None


class Names(msgspec.Struct, rename=dsjson.CONTEXT, gc=False):
    """Of a context, the ids of its actions."""

    actions: list[Named] = []


_CERTAIN = ("Apprentice", "LoggingOnly")
_context = msgspec.json.Decoder(Names).decode


class Summarising:
    """Takes in the events of a run, or of a file of the log. default_reward: of the loop. samples: features, too."""

    def __init__(self, default_reward: float, *, samples: bool = True) -> None:
        self._default, self._gatherer = default_reward, Gatherer()
        self._sampling = FeatureSampling() if samples else None

    def join(self, at: int, event: Interaction, joined: Joined, observations: int, key: int) -> None:
        """Adds a joined event, ranked at `at` (ms since 1970), of whose observations so many were matched.

        key: of its id.
        """
        self.add(at, event, joined.line, joined.rewards, joined.rewarded, joined.skipped, observations, key)

    def add(
        self, at: int, event: Interaction, line: bytes, rewards: Sequence[float], rewarded: bool, skipped: bool,
        observations: int, key: int, names: Sequence[Named] | None = None,
    ) -> None:  # fmt: skip
        """The same by what is known of it, as in `Joined`. names: of its context, which is then in the line alone."""
        fates = self._gatherer.fates(at)
        fates["bytes"] = fates.get("bytes", 0) + len(line)
        if observations:
            fates["matched"] = fates.get("matched", 0) + observations
        if skipped:
            fates["skipped"] = fates.get("skipped", 0) + 1
            return
        fates["shown"] = fates.get("shown", 0) + 1
        if rewarded:
            fates["rewarded"] = fates.get("rewarded", 0) + 1
        if self._sampling is not None:
            self._sampling.add(at, key, event.c if names is None else line)
        self._show(at, event, rewards, _names(event.c) if names is None else names)

    def leave(self, cut: int, reason: str) -> None:
        """Counts an event that could not be joined, by what became of it. cut: of its run (ms since 1970)."""
        self._gatherer.count(cut, reason)

    def finished(self) -> Summary:
        """The summary of all that was added."""
        made = self._gatherer.finished()
        if self._sampling is not None:
            made.features = self._sampling.finished()
        return made

    def _show(self, at: int, event: Interaction, rewards: Sequence[float], names: Sequence[Named]) -> None:
        count, slots = 1 / (1 - event.drop) if event.drop else 1.0, event.slots
        share = event.holdback.share if event.holdback is not None else 0.0
        if slots is None:
            self._show_slot(at, 0, event, event, rewards[0], 1, names, 1, count, share)
            return
        usual = event.ba or []
        for slot, (one, reward) in enumerate(zip(slots, rewards, strict=True)):
            baseline = usual[slot] if slot < len(usual) else -1
            self._show_slot(at, slot, event, one, reward, baseline, names, 0, count, share)
            # Of the arms that show what this slot shows, the arm `baseline` has this share.
            share = share / max(one.p[0], share) if share and one.a[0] == baseline and one.p else 0.0

    def _show_slot(
        self, at: int, slot: int, event: Interaction, decision: Interaction | Slot, reward: float, baseline: int,
        names: Sequence[Named], first: int, count: float, share: float,
    ) -> None:  # fmt: skip
        """first: the number of the first action. share: of a holdback, given what the slots before show."""
        a, p = decision.a, decision.p
        if event.mode in _CERTAIN:
            shown = baseline if baseline in a else a[0]
            self._gatherer.show_baseline(at, slot, reward, len(a), _name(names, shown - first, shown), count)
            return
        self._gatherer.show(
            at, slot, reward, p, a, _name(names, a[0] - first, a[0]),
            baseline=baseline, is_default=reward == self._default, is_of_model=event.model != UNTRAINED, count=count,
            assignment=event.holdback, share=share,
        )  # fmt: skip


def _names(context: msgspec.Raw) -> list[Named]:
    try:
        return _context(context).actions
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []


def _name(names: Sequence[Named], place: int, number: int) -> str:
    """The id of an action; its number if it has none."""
    name = names[place].tag if 0 <= place < len(names) else None
    return name if name is not None else str(number)
