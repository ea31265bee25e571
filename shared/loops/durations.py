"""Durations as the REST contract writes them: ISO 8601 (`PT10M`) and .NET TimeSpan (`00:10:00`)."""

import re
from datetime import timedelta

_ISO = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)
_TIMESPAN = re.compile(
    r"(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d(?:\.\d+)?)", re.ASCII
)


def parse_duration(text: str) -> timedelta:
    """Reads `P1DT2H`, `PT0.5S`, `00:10:00` or `1.00:00:00`; raises ValueError on anything else."""
    match = _TIMESPAN.fullmatch(text) or _ISO.fullmatch(text)
    parts = {unit: float(amount) for unit, amount in match.groupdict().items() if amount} if match else {}
    if not parts or text.endswith("T"):
        raise ValueError(f"'{text}' is not a duration; write ISO 8601 such as PT10M, or hh:mm:ss")
    try:
        return timedelta(**parts)
    except OverflowError:
        raise ValueError(f"'{text}' is too long a duration") from None


def format_duration(value: timedelta) -> str:
    """ISO 8601 with days, hours, minutes and seconds: `timedelta(minutes=10)` is `PT10M`."""
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f"{value.microseconds / 1e6:.6f}".rstrip("0").rstrip(".")[1:]
    clock = "".join(f"{amount}{unit}" for amount, unit in ((hours, "H"), (minutes, "M")) if amount)
    if seconds or fraction or not (value.days or clock):
        clock += f"{seconds}{fraction}S"
    return "P" + (f"{value.days}D" if value.days else "") + (f"T{clock}" if clock else "")
