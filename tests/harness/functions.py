"""The routes and the functions of the app, for tests in one process: the SDK lets functions be asked for once."""

import functools
from typing import Any

import admin_function
import rank_function
import reward_function

# Those of functions of their own come first.
OWN = [*rank_function.routes, *reward_function.routes]
ROUTES = [*OWN, *admin_function.routes]


@functools.cache
def declared() -> dict[str, Any]:
    """Each function by its name."""
    import function_app

    return {one.get_function_name(): one for one in function_app.app.get_functions()}
