"""Whether a change of settings makes a new model of the log, and how many events that one would know.

A change that nobody made for its sake must not cost a loop what it has learned: a model is replaced only by one that
will know at least half as many events. Another policy is asked for, and always makes a new model.
"""

import contextlib
from typing import NamedTuple

from shared.joined_log import event_index, log_reading, part_reading
from shared.joined_log.log_parts import Part
from shared.joined_log.unzipping import DAMAGE
from shared.loops.blob_names import Home, run_name
from shared.loops.checkpoint import Checkpoint
from shared.loops.config import LoopConfig
from shared.loops.model_records import ModelRecord, RewardSettings
from shared.storage import Storage
from shared.vw import policy

DAY_MS = 86_400_000


class Outlook(NamedTuple):
    """replaces: a new model is made of the log. events: about how many it would know. since: from which cut on (ms)."""

    replaces: bool
    events: int
    since: int


async def outlook(storage: Storage, home: Home, state: Checkpoint, config: LoopConfig, now: int) -> Outlook | None:
    """What becomes of the model under a configuration; None if it goes on as it is. now: ms since 1970."""
    model = state.model
    if is_of_other_policy(model, config):
        return Outlook(True, await events(storage, home, 0), 0)
    if not is_outdated(model, config):
        return None
    days = config.retrain_days
    since = 0 if days is None else max(0, now - days * DAY_MS)
    found, learned = await events(storage, home, since), known(state)
    return Outlook(found > 0 and learned is not None and 2 * found >= learned, found, since)


def settings_of(config: LoopConfig) -> RewardSettings:
    """The settings that give the events of a loop their labels."""
    return RewardSettings(config.wait, config.default_reward, config.aggregation)


def is_outdated(model: ModelRecord | None, config: LoopConfig) -> bool:
    """True if reward settings or exploration have changed since the model was learned, or the namespaces that it
    crosses, and it is not to be kept.

    False for a model of another policy, and for one that is not known to have been learned here.
    """
    if model is None or model.rewards is None or config.retrain_days == 0 or is_of_other_policy(model, config):
        return False
    if is_outgrown(model):
        return True
    explored = policy.parse(model.arguments).epsilon
    return (explored, model.rewards) != (policy.parse(config.arguments).epsilon, settings_of(config))


def is_outgrown(model: ModelRecord) -> bool:
    """True if its events have namespaces that it does not cross."""
    return model.past is not None and not model.past.schema.includes(model.past.experience.schema)


def is_of_other_policy(model: ModelRecord | None, config: LoopConfig) -> bool:
    """True if the loop's policy is not the one that made its model."""
    return model is not None and not policy.parse(model.arguments).learns_like(policy.parse(config.arguments))


def known(state: Checkpoint) -> int | None:
    """How many events the model knows; None if it came from elsewhere."""
    model = state.model
    if model is None:
        return 0
    if model.learned is None and model.rewards is not None and not state.epoch:
        return state.counts.learned  # it was made before models said so, and no administrator has put another
    return model.learned


async def events(storage: Storage, home: Home, since: int) -> int:
    """About how many events the retained log holds of runs and imports since a cut (ms).

    Of the loop's own runs the indexes say it, which count late events as well; imported logs are read, as far as they
    are undamaged.
    """
    first = run_name(since)
    count = sum(index.length for index in await event_index.listed(storage, home) if index.last >= first)
    for name in await log_reading.imports(storage, home):
        if name.rpartition("/")[2] >= first:
            with contextlib.suppress(*DAMAGE):  # a learner does not get behind it either, and reports it
                async for lines in part_reading.chunks(storage, Part(name, name)):
                    count += lines.count(b"\n")
    return count
