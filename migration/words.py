"""The words of a command, as argparse can take them."""

from collections.abc import Sequence


def joined(words: Sequence[str]) -> list[str]:
    """The words with `--policy --x` as `--policy=--x`: argparse takes a value that begins with hyphens only so."""
    found: list[str] = []
    for word in words:
        if found and found[-1] == "--policy" and word.startswith("--"):
            found[-1] = f"--policy={word}"
        else:
            found.append(word)
    return found
