"""The VW options that a learning policy may have, read from its arguments before VW itself sees them.

An allow list: VW has several hundred options, many of which read and write files, listen on ports or change the
input's format. What a policy of the service may contain without effect is left out instead of refused.
"""

import math
import re
from collections.abc import Callable, Iterable

from shared.vw.options import AUTO, FLAGS, NUMBER, OWN_FLAGS, USUAL_BITS, Option, tokenized

EXPLORATION = ("cb_explore_adf", "ccb_explore_adf")
# A table of 2**22 weights of 16 bytes is 64 MB in every process; each model of an ensemble needs as much again.
MOST_BITS, MOST_BITS_OF_ALL, MOST_MODELS = 22, 24, 32

_LETTER = r"[!-,./-Z\[\]^_a-z~]"  # a namespace: a printable character that VW does not read as something else


Check = Callable[[str], bool]


def _number(low: float, high: float) -> Check:
    return lambda text: NUMBER.fullmatch(text) is not None and low <= float(text) <= high


def _whole(low: int, high: int) -> Check:
    return lambda text: text.isascii() and text.isdigit() and low <= int(text) <= high


def _pattern(pattern: str) -> Check:
    return lambda text: re.fullmatch(pattern, text) is not None


def _flag(text: str) -> bool:
    raise AssertionError("a flag has no value")


# The service decides these itself. Policies that it exported contain some of them.
_IGNORED_FLAGS = {"dsjson", "json", "quiet", "no_stdin", "driver_output_off", "holdout_off"}
_IGNORED_FLAGS |= {"save_resume", "preserve_performance_counters"}

_rate, _cost, _positive = _number(0, 10), _number(-1e6, 1e6), _number(0, 1e6)
_ALLOWED: dict[str, Check] = {
    **dict.fromkeys(FLAGS - _IGNORED_FLAGS, _flag),
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
    "interactions": _pattern(f"{_LETTER}{{2,3}}|{AUTO}"),
}
_REPEATED = {"quadratic", "cubic", "interactions", "ignore", "ignore_linear", "keep"}
_IGNORED_VALUES = {"id", "log_level", "log_output", "limit_output", "driver_output", "progress"}


def parse(arguments: str) -> list[Option]:
    """The options of a policy without those that are ignored; raises ValueError with what to change."""
    options: list[Option] = []
    for option in tokenized(arguments):
        if option.name in _IGNORED_FLAGS and option.value is None:
            continue
        if option.name not in _ALLOWED and option.name not in _IGNORED_VALUES:
            raise ValueError(_why_not(option))
        _check_value(option)
        if option.name in _IGNORED_VALUES:
            continue
        if option.name not in _REPEATED and any(option.name == other.name for other in options):
            raise ValueError(f"--{option.name} is given twice")
        options.append(option)
    _check_own(options)
    _check_size({option.name: option.value or "" for option in options})
    if not any(option.name in EXPLORATION for option in options):
        raise ValueError("it must explore with --cb_explore_adf, or with --ccb_explore_adf for multi-slot")
    return options


def _check_own(options: list[Option]) -> None:
    """Raises ValueError where an option of ours has nothing to act on."""
    said = {option.name for option in options}
    if "explore_first" in said and ("squarecb" not in said or "epsilon" in said):
        raise ValueError("--explore_first needs --squarecb, and no --epsilon")
    own = said & OWN_FLAGS or {"interactions" for one in options if one.value == AUTO}
    if own and "cb_explore_adf" not in said:
        raise ValueError(f"--{min(own)} is for single-slot policies, with --cb_explore_adf")


def _check_value(option: Option) -> None:
    """Raises ValueError unless an option that is known has a value as it should."""
    check = _ALLOWED.get(option.name)
    if check is _flag:
        if option.value is not None:
            raise ValueError(f"{option.text} has a value that is not allowed")
    elif option.value is None:
        raise ValueError(f"{option.text} needs a value")
    elif check is not None and not check(option.value):
        raise ValueError(f"{option.text} has a value that is not allowed")


def check_one_exploration(options: Iterable[Option]) -> None:
    """Raises ValueError for a policy that is both single-slot and multi-slot; a multi-slot model's file says both."""
    if {option.name for option in options}.issuperset(EXPLORATION):
        raise ValueError("it explores either with --cb_explore_adf or, for multi-slot, with --ccb_explore_adf")


def _why_not(option: Option) -> str:
    name, _, text = option
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
