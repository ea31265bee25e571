"""The VW options that a learning policy may have, read from its arguments before VW itself sees them.

An allow list: VW has several hundred options, many of which read and write files, listen on ports or change the
input's format. What a policy of the service may contain without effect is left out instead of refused.
"""

import math
import re
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

EXPLORATION = ("cb_explore_adf", "ccb_explore_adf")
# A table of 2**22 weights of 16 bytes is 64 MB in every process; each model of an ensemble needs as much again.
MOST_BITS, MOST_BITS_OF_ALL, MOST_MODELS = 22, 24, 32
USUAL_BITS = 18

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_LETTER = r"[!-,./-Z\[\]^_a-z~]"  # a namespace: a printable character that VW does not read as something else


class Option(NamedTuple):
    """One option of a policy, by its long name; `text` is how it was written, `value` is None for a flag."""

    name: str
    value: str | None
    text: str

    @property
    def is_implied(self) -> bool:
        """True if VW adds it by itself to what it explores with."""
        return self.name in _IMPLIED

    def rounded(self) -> "Option":
        """Without the digits that a number gets when VW, which keeps it in 32 bits, prints it with 64."""
        return Option(self.name, self.value, f"--{self.name} {plain(self.value)}".rstrip())


Check = Callable[[str], bool]


def _number(low: float, high: float) -> Check:
    return lambda text: _NUMBER.fullmatch(text) is not None and low <= float(text) <= high


def _whole(low: int, high: int) -> Check:
    return lambda text: text.isascii() and text.isdigit() and low <= int(text) <= high


def _pattern(pattern: str) -> Check:
    return lambda text: re.fullmatch(pattern, text) is not None


def _flag(text: str) -> bool:
    raise AssertionError("a flag has no value")


_rate, _cost, _positive = _number(0, 10), _number(-1e6, 1e6), _number(0, 1e6)
_ALLOWED: dict[str, Check] = {
    **dict.fromkeys((*EXPLORATION, "cb_adf", "csoaa_rank", "rank_all", "cb_sample"), _flag),
    **dict.fromkeys(("greedify", "nounif", "regcb", "regcbopt", "squarecb", "elim", "softmax", "synthcover"), _flag),
    **dict.fromkeys(("first_only", "sgd", "adaptive", "normalized", "invariant", "coin", "ftrl", "pistol"), _flag),
    **dict.fromkeys(("noconstant", "chain_hash"), _flag),
    **dict.fromkeys(("epsilon", "psi", "synthcoverpsi", "mellowness", "clip_p"), _number(0, 1)),
    **dict.fromkeys(("cb_min_cost", "cb_max_cost"), _cost),
    **dict.fromkeys(("gamma_scale", "gamma_exponent", "lambda", "rnd_alpha", "rnd_invlambda"), _positive),
    **dict.fromkeys(("learning_rate", "power_t", "l1", "l2", "ftrl_alpha", "ftrl_beta"), _rate),
    **dict.fromkeys(("bag", "cover", "rnd"), _whole(1, MOST_MODELS)),
    **dict.fromkeys(("ignore", "ignore_linear", "keep"), _pattern(f"(?!-){_LETTER}+")),
    "cb_type": _pattern("mtr|ips|dr|dm|sm"),
    "csoaa_ldf": _pattern("multiline|m"),
    "first": _whole(1, 10**6),
    "synthcoversize": _whole(1, 1000),
    "bit_precision": _whole(8, MOST_BITS),
    "random_seed": _whole(0, 2**64 - 1),
    "hash_seed": _whole(0, 2**31 - 1),
    "hash": _pattern("strings|all"),
    "quadratic": _pattern(f"{_LETTER}{{2}}"),
    "cubic": _pattern(f"{_LETTER}{{3}}"),
    "interactions": _pattern(f"{_LETTER}{{2,3}}"),
}
_SHORT = {"q": "quadratic", "b": "bit_precision", "l": "learning_rate", "P": "progress"}
_REPEATED = {"quadratic", "cubic", "interactions", "ignore", "ignore_linear", "keep"}
# The service decides these itself. Policies that it exported contain some of them.
_IGNORED_FLAGS = {"dsjson", "json", "quiet", "no_stdin", "driver_output_off", "holdout_off"}
_IGNORED_FLAGS |= {"save_resume", "preserve_performance_counters"}
_IGNORED_VALUES = {"id", "log_level", "log_output", "limit_output", "driver_output", "progress"}
# VW adds these to what it explores with.
_IMPLIED = {"cb_adf", "csoaa_ldf", "csoaa_rank", "cb_sample"}


def parse(arguments: str) -> list[Option]:
    """The options of a policy without those that are ignored; raises ValueError with what to change."""
    tokens, options = deque(arguments.split()), list[Option]()
    while tokens:
        name, value, text = _named(tokens.popleft())
        if name in _IGNORED_FLAGS and value is None:
            continue
        if name not in _ALLOWED and name not in _IGNORED_VALUES:
            raise ValueError(_why_not(name, text))
        check = _ALLOWED.get(name)
        if check is not _flag and value is None:
            if not tokens:
                raise ValueError(f"{text} needs a value")
            value = tokens.popleft()
            text = f"{text} {value}"
        if check is None:
            continue
        if (check is _flag and value is not None) or (value is not None and not check(value)):
            raise ValueError(f"{text} has a value that is not allowed")
        if name not in _REPEATED and any(name == other.name for other in options):
            raise ValueError(f"--{name} is given twice")
        options.append(Option(name, value, text))
    _check_size({option.name: option.value or "" for option in options})
    if not any(option.name in EXPLORATION for option in options):
        raise ValueError("it must explore with --cb_explore_adf, or with --ccb_explore_adf for multi-slot")
    return options


def check_one_exploration(options: Iterable[Option]) -> None:
    """Raises ValueError for a policy that is both single-slot and multi-slot; a multi-slot model's file says both."""
    if {option.name for option in options}.issuperset(EXPLORATION):
        raise ValueError("it explores either with --cb_explore_adf or, for multi-slot, with --ccb_explore_adf")


def written(options: Iterable[Option]) -> str:
    """The options as arguments."""
    return " ".join(option.text for option in options)


def plain(value: str | None) -> str:
    """A value with at most as many digits as VW keeps, empty for a flag."""
    return f"{float(value):.7g}" if value and _NUMBER.fullmatch(value) else value or ""


def _named(token: str) -> tuple[str, str | None, str]:
    """Name (empty if it is no option), value and text of a token such as --cb_type, --cb_type=mtr, -q or -q::."""
    if token.startswith("--"):
        name, equals, value = token[2:].partition("=")
        return name, value if equals else None, token
    short = token[1:2]
    if token.startswith("-") and short in _SHORT:
        value = token[2:]
        return _SHORT[short], value or None, f"-{short} {value}" if value else token
    return "", None, token


def _why_not(name: str, text: str) -> str:
    if name.startswith("cats") or name in ("cb_explore_pdf", "cbzo"):
        return f"{text}: continuous actions are not served; use --cb_explore_adf or --ccb_explore_adf"
    if not text.startswith("-"):
        return f"{text} must be without quotation marks" if set(text) & set("'\"") else f"'{text}' is not an option"
    return f"{text} is not an option of a learning policy: only exploration, learning rates and interactions are"


def _check_size(options: dict[str, str]) -> None:
    models = max(int(options.get(name, 1)) for name in ("bag", "cover", "rnd"))
    bits = int(options.get("bit_precision", USUAL_BITS))
    if bits + math.ceil(math.log2(models)) > MOST_BITS_OF_ALL:
        raise ValueError(f"--bit_precision {bits} with {models} models takes too much memory")
