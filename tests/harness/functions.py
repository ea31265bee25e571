"""The functions of the app, for tests in one process: the SDK lets them be asked for once."""

import functools
from typing import Any


@functools.cache
def declared() -> dict[str, str]:
    """The module of each function by its name."""
    import function_app

    functions: list[Any] = function_app.app.get_functions()
    return {one.get_function_name(): one.get_user_function().__module__ for one in functions}
