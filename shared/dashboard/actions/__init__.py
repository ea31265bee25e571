"""What forms do, by the last part of their address. Each one calls what the REST operation of its name calls."""

from shared.dashboard.actions import demo, erasures, evaluations, loops, settings
from shared.dashboard.actions.action import Action

ACTIONS: dict[str, Action] = {
    **loops.ACTIONS,
    **settings.ACTIONS,
    **evaluations.ACTIONS,
    **erasures.ACTIONS,
    **demo.ACTIONS,
}
