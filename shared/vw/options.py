"""VW arguments as a list of options: how a policy, or the header of a model's file, is taken apart."""

import re
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

# Options without a value. VW has more of them; a policy may contain no others.
FLAGS = frozenset(
    (
        *("cb_explore_adf", "ccb_explore_adf", "cb_adf", "csoaa_rank", "rank_all", "cb_sample"),
        *("greedify", "nounif", "regcb", "regcbopt", "squarecb", "elim", "softmax", "synthcover"),
        *("first_only", "sgd", "adaptive", "normalized", "invariant", "coin", "ftrl", "pistol"),
        *("noconstant", "chain_hash"),
        *("dsjson", "json", "quiet", "no_stdin", "driver_output_off", "holdout_off"),
        *("save_resume", "preserve_performance_counters"),
        *("unweighted", "explore_first"),
    )
)
CROSSINGS = ("quadratic", "cubic", "interactions")  # of features
# Options of ours: VW is not told them. `--interactions auto` is one, too.
OWN_FLAGS, AUTO = frozenset(("unweighted", "explore_first")), "auto"
USUAL_BITS = 18  # of a table of weights, where a policy does not say it
# VW keeps so many empty examples ready, of which it makes more when it needs them: as many as a decision has actions.
# Each takes 30 KB, and the 256 that VW would make cost more than to learn 50 events.
EXAMPLES = ("--ring_size", "64")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_SHORT = {"q": "quadratic", "b": "bit_precision", "l": "learning_rate", "P": "progress"}


class Option(NamedTuple):
    """One option by its long name. `text` is how it was written; `value` is None if there is none.

    A word that is no option has an empty name.
    """

    name: str
    value: str | None
    text: str

    def rounded(self) -> "Option":
        """Without the digits that a number gets when VW, which keeps it in 32 bits, prints it with 64."""
        return Option(self.name, self.value, f"--{self.name} {plain(self.value)}".rstrip())


def tokenized(arguments: str) -> list[Option]:
    """The options of VW arguments, whatever they are. Any option but the FLAGS takes the next word as its value."""
    words, options = deque(arguments.split()), list[Option]()
    while words:
        option = _named(words.popleft())
        if option.name and option.name not in FLAGS and option.value is None and words:
            value = words.popleft()
            option = Option(option.name, value, f"{option.text} {value}")
        options.append(option)
    return options


def written(options: Iterable[Option]) -> str:
    """The options as arguments."""
    return " ".join(option.text for option in options)


def plain(value: str | None) -> str:
    """A value with at most as many digits as VW keeps, empty for a flag."""
    return f"{float(value):.7g}" if value and NUMBER.fullmatch(value) else value or ""


def _named(word: str) -> Option:
    """An option as its first word has it, such as --cb_type, --cb_type=mtr, -q or -q::."""
    if word.startswith("--"):
        name, equals, value = word[2:].partition("=")
        return Option(name, value if equals else None, word)
    short = word[1:2]
    if word.startswith("-") and short in _SHORT:
        value = word[2:]
        return Option(_SHORT[short], value or None, f"-{short} {value}" if value else word)
    return Option("", None, word)
