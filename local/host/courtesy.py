"""How a process, with all that it starts, lets others go first: what answers requests on the same machine."""

import contextlib
import os

NICENESS = 10


def give_way() -> None:
    """Lowers the priority of this process and leaves the first of its cores to others, if it has more than one.

    Niceness alone lets the system put what answers on a core whose turn has to end first, which takes milliseconds.
    Called before there are threads: those that run already would keep their cores.
    """
    with contextlib.suppress(OSError, AttributeError):  # a system that does not have it, or does not allow it
        os.nice(NICENESS)
    with contextlib.suppress(OSError, AttributeError):
        _, *others = sorted(os.sched_getaffinity(0))
        if others:
            os.sched_setaffinity(0, others)
