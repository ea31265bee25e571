"""Metrics as text that Prometheus reads: its exposition format 0.0.4."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

MEDIA_TYPE = "text/plain; version=0.0.4"
CHARSET = "utf-8"

Kind = Literal["counter", "gauge", "histogram"]


class Sample(NamedTuple):
    """One value. suffix: what a histogram's series have behind its name."""

    labels: Mapping[str, str]
    value: float
    suffix: str = ""


class Family(NamedTuple):
    """A metric: its name in base units (of a counter ending in `_total`), what it means, and its samples."""

    name: str
    kind: Kind
    help: str
    samples: list[Sample]


def histogram(labels: Mapping[str, str], bounds: Sequence[float], counts: Sequence[int], total: float) -> list[Sample]:
    """A histogram's samples. counts: of each interval up to one of the bounds, then of what is beyond; total: the sum
    of all values.
    """
    samples, below = [], 0
    for bound, count in zip([*bounds, math.inf], counts, strict=True):
        below += count
        samples.append(Sample({**labels, "le": _number(bound)}, below, "_bucket"))
    return [*samples, Sample(labels, total, "_sum"), Sample(labels, below, "_count")]


def encode(families: Iterable[Family]) -> bytes:
    """The text. A metric without samples is left out."""
    return "".join(line + "\n" for family in families if family.samples for line in _lines(family)).encode()


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {_escaped(family.help)}"
    yield f"# TYPE {family.name} {family.kind}"
    for labels, value, suffix in family.samples:
        shown = ",".join(f'{name}="{_escaped(text, quote=True)}"' for name, text in labels.items())
        yield (
            f"{family.name}{suffix}{{{shown}}} {_number(value)}" if shown else f"{family.name}{suffix} {_number(value)}"
        )


def _escaped(text: str, quote: bool = False) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    return escaped.replace('"', '\\"') if quote else escaped


def _number(value: float) -> str:
    if math.isfinite(value):
        return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
