"""What of a changed configuration is worth a mark in the curves of its loop."""

from shared.loops.chronicle import Entry, Kind
from shared.loops.config import LoopConfig


def entries(before: LoopConfig, after: LoopConfig, at: int, why: Kind | None) -> list[Entry]:
    """The changes between two configurations but for those of undo, which knows more of itself.

    at: ms since 1970. why: what put the policy, None for an administrator. The time of a change of policy is the one
    that undo knows it by.
    """
    found = []
    if after.replaced is not None and before.replaced != after.replaced:
        found.append(Entry(after.replaced.at, why or "policy", [after.policy.name]))
    if before.mode != after.mode:
        found.append(Entry(at, "learning-mode", [after.mode]))
    if changed := _members(before, after):
        found.append(Entry(at, "settings", changed))
    return found


def _members(before: LoopConfig, after: LoopConfig) -> list[str]:
    """Those that differ, as the contract names them, without what has an entry of its own."""
    if before.edited == after.edited:
        return []
    from shared.admin import configuration_body  # here, because a process that answers Rank starts without pydantic

    was, now = configuration_body.of(before).wire(), configuration_body.of(after).wire()
    left_out = ("lastConfigurationEditDate", "learningMode")
    return [one for one in now if now.get(one) != was.get(one) and one not in left_out]
