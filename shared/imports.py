"""Imports at a cold start, of which a tenth would go into looking for garbage where there is none."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def lasting() -> Iterator[None]:
    """Imports in its block collect no garbage: what modules make stays, and is not looked at later on, either."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
