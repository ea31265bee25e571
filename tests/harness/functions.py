"""The functions of the app, for tests in one process: the SDK lets them be asked for once."""

import functools
from typing import Any


@functools.cache
def declared() -> dict[str, Any]:
    """Each function by its name."""
    import function_app

    return {one.get_function_name(): one for one in function_app.app.get_functions()}
