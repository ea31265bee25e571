"""What the files of a partition hold after a stop of any kind: the head, torn tails cut, damage reported."""

import logging
import os
from itertools import pairwise
from typing import NamedTuple

from .head import Head
from .reading import Damage, Report, SegmentReader
from .segments import Key, Segment

_log = logging.getLogger("eventhubs")


class Recovered(NamedTuple):
    head: Head
    sealed: bool
    """The last segment has lost its end: do not append to it."""


def recover(segments: list[Segment], known: Head | None, report: Report) -> Recovered:
    """Check the sizes of all segments and the records of the last; cut from it what was never acknowledged.

    `known` is the head file's content, None if it has none.
    """
    for segment, following in pairwise(segments):
        expected = following.first.offset - segment.first.offset
        segment.size = max(min(segment.size, expected), 0)
        if segment.size < expected:
            _survey(segment, following.first.sequence, report)
    if not segments:
        return Recovered(known or Head.empty(), sealed=True)
    return _recover_last(segments[-1], known, report)


def _survey(segment: Segment, next_sequence: int, report: Report) -> None:
    reader = SegmentReader(segment, report, expected=segment.first.sequence)
    while reader.read(1024):
        pass
    reader.check(next_sequence)
    reader.close()


def _recover_last(segment: Segment, known: Head | None, report: Report) -> Recovered:
    last, end = _last_whole_append(segment, known, report)
    if known and known.last.sequence > last.sequence:
        return Recovered(Head(known.last, max(known.next_offset, segment.end_offset)), sealed=True)
    if end < segment.size:
        _cut(segment, end)
    return Recovered(Head(last, segment.end_offset), sealed=False)


def _last_whole_append(segment: Segment, known: Head | None, report: Report) -> tuple[Key, int]:
    """Key of the last event of the last complete append and the position behind it."""
    damages: list[Damage] = []
    first = segment.first
    acknowledged = known.last.sequence if known else first.sequence - 1
    last, end = Key(first.sequence - 1, first.offset - 1, first.enqueued), 0
    reader = SegmentReader(segment, damages.append, expected=first.sequence)
    while found := reader.read(1024):
        if known and damages and damages[-1].first_lost > acknowledged:
            break
        for record in found:
            if not record.remaining:
                last, end = Key(record.sequence, first.offset + record.position, record.enqueued), record.end
    reader.check(acknowledged + 1)
    reader.close()
    for damage in damages:
        if known is None or damage.first_lost <= acknowledged:
            report(damage)
    return last, end


def _cut(segment: Segment, end: int) -> None:
    size = segment.size - end
    _log.warning("torn tail: the last %d bytes of %s were never acknowledged and are cut off", size, segment.path)
    os.truncate(segment.path, end)
    segment.size = end
