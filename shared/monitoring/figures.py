"""Figures as sentences have them."""


def percent(value: float, form: str = ".0f") -> str:
    """A share in per cent, for instance `27 %`. form: how the number is written."""
    return f"{100 * value:{form}} %"
