"""What an action is."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import azure.functions as func

from shared.auth import Permission
from shared.dashboard.markup import Html
from shared.dashboard.page import Call


class Action(NamedTuple):
    """do: answers with where to go next, with a page, or with a file. tab: where it belongs to, and goes back to."""

    title: str
    do: Callable[[Call], Awaitable[str | Html | func.HttpResponse]]
    tab: str = ""
    needs: Permission = Permission.ADMINISTER
    of_deployment: bool = False
