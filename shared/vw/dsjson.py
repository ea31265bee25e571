"""Lines of dsjson, the format in which VW and every VW tool reads decisions that were joined with their rewards."""

_OUTCOMES = b'"_outcomes":['  # in a line of several slots and in no other: names of features never begin with _


def is_multi_slot(line: bytes) -> bool:
    """True for the line of a decision about several slots."""
    return _OUTCOMES in line


def of_kind(lines: bytes, multi_slot: bool) -> bytes:
    """Those of the lines of a log that a learner of one kind can read; VW stops at the first of the other kind."""
    if not multi_slot and not is_multi_slot(lines):
        return lines
    return b"".join(one for one in lines.splitlines(keepends=True) if is_multi_slot(one) == multi_slot)
