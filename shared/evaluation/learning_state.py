"""What a learning policy has become by the end of a stretch, so that the next one goes on from there."""

from dataclasses import replace
from pathlib import Path

import msgspec

from shared.evaluation import reward_model
from shared.evaluation.plan import Plan
from shared.vw.experience import Experience, Pupil
from shared.vw.known_actions import KnownActions
from shared.vw.options import AUTO
from shared.vw.policy import Policy

# In a folder of their own: VW's state, what the model has been through, and the actions that it knows.
MODEL, EXPERIENCE, ACTIONS = "model.vw", "experience.msgpack", "actions"


def files(plan: Plan) -> list[str]:
    """What the next stretch needs, by names within the folder."""
    rewards = [f"{reward_model.FOLDER}/{reward_model.MODEL}"] if plan.is_robust else []
    return [MODEL, EXPERIENCE, ACTIONS, *rewards]


def pupil(policy: Policy, before: Path | None) -> Pupil | None:
    """Of a policy with options of ours, None for others. before: the folder of the stretch before, None at first.

    Which namespaces the log has is known to the plan: it is not looked at again.
    """
    if not policy.has_experience:
        return None
    options = tuple(one for one in policy.options if one.value != AUTO)
    policy = replace(policy, options=options)
    if before is None:
        return Pupil(policy, Experience(), KnownActions())
    experience = msgspec.msgpack.decode((before / EXPERIENCE).read_bytes(), type=Experience)
    return Pupil(policy, experience, KnownActions.read(before / ACTIONS))


def save(learned: Pupil | None, folder: Path) -> None:
    """Beside the model, which the learner has written."""
    (folder / EXPERIENCE).write_bytes(b"" if learned is None else msgspec.msgpack.encode(learned.experience))
    if learned is None:
        (folder / ACTIONS).write_bytes(b"")
    else:
        learned.actions.write(folder / ACTIONS)
