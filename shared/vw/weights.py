"""Whether the weights of a given model are whole and finite: VW loads a truncated file, and any number, without a word.

A model file ends with its weights, each an index and some 32-bit floats, and does not say how many they
are. So the check is VW's own: what it has read of a whole file, it writes again with the same end. A file that is cut
off between two weights is a whole one of fewer weights to this check; only a signature tells.
"""

import re
from collections.abc import Iterable
from pathlib import Path

# As many as tell the end of a weight from a place within one.
END_BYTES = 16
_WEIGHT_NOT_FINITE = re.compile(rb"\d+:.*(nan|inf)")


def check_whole(given: Path, written: Iterable[Path]) -> None:
    """Raises RuntimeError unless one of the files that VW has written of a model, with or without the learner's state,
    ends as the given one does."""
    end = _end(given)
    if all(_end(file) != end for file in written):
        raise RuntimeError("it is truncated: its last weight is not complete")


def check_finite(model: Path, readable: Path) -> None:
    """Raises RuntimeError if a weight, or what the learner keeps with it, is infinite or no number.

    readable: where VW writes them as text, a line `index:weight ...` each.
    """
    import vowpalwabbit

    options = ["--save_resume", "--quiet", "--readable_model", str(readable)]
    vowpalwabbit.Workspace(arg_list=["-i", str(model), *options]).finish()
    with readable.open("rb") as lines:
        if any(_WEIGHT_NOT_FINITE.match(line) for line in lines):
            raise RuntimeError("it has weights that are infinite or no numbers")


def _end(file: Path) -> bytes:
    return file.read_bytes()[-END_BYTES:]
