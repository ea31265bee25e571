"""Imports at a cold start, of which a tenth would go into looking for garbage where there is none."""

import contextlib
import gc
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def lasting() -> Iterator[None]:
    """Imports in its block collect no garbage: what modules make stays, and is not looked at later on, either.

    Where all was imported before, nothing is set aside: garbage that waits to be found would stay, too.
    """
    known = len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > known:
            gc.freeze()
        gc.enable()
