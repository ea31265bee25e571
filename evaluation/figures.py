"""Rewards as a person reads them: small ones, as of rare clicks, with more digits."""

SMALL = 0.01


def figure(value: float) -> str:
    """0.1234, or 0.001234."""
    return f"{value:.{_digits(value)}f}"


def signed(value: float) -> str:
    """+0.1234, or +0.001234."""
    return f"{value:+.{_digits(value)}f}"


def _digits(value: float) -> int:
    return 6 if 0 < abs(value) < SMALL else 4
