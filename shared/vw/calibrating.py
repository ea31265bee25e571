"""What rewards a model expects of events that it has not learned yet, beside those that came."""

from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from shared.vw import dsjson
from shared.vw.policy import Policy

if TYPE_CHECKING:
    from shared.vw.model import Model

# What is written, in the folder of a learner.
EXPECTED = "expected.json"
MOST_EVENTS = 200
# Whoever knows fewer events has not come to the rewards yet.
LEAST_LEARNED = 1_000
# Beyond it, squares would leave the range of floats, and no JSON could hold them.
LARGEST = 1e50
# A model that is several, or expects nothing of a single action, is left out.
_SEVERAL = {"bag", "cover", "rnd"}


class Expected(msgspec.Struct, array_like=True, frozen=True):
    """Of a decision: when it was made (ms since 1970), the reward that was expected of its action, and what came."""

    at: int
    predicted: float
    reward: float


class _Line(msgspec.Struct, rename=dsjson.LINE, gc=False, kw_only=True):
    at: datetime
    cost: float
    original_cost: float | None = None
    a: list[int]
    c: msgspec.Raw
    skip: bool = False
    mode: str | None = None


_line = msgspec.json.Decoder(_Line).decode


def can_judge(policy: Policy) -> bool:
    """Whether a policy's models expect one reward of each action."""
    return not policy.is_multi_slot and all(one.name not in _SEVERAL for one in policy.options)


def write(model: Path, sample: Path, written: Path) -> None:
    """Judges the first MOST_EVENTS lines of a sample by a model, and writes a list of `Expected` as JSON.

    Raises RuntimeError if VW cannot load the model or read a line.
    """
    from shared.vw.model import Model

    judging = Model("previous", model)
    with sample.open("rb") as lines:
        found = [_expected(judging, line) for line in islice(lines, MOST_EVENTS)]
    judging.close()
    written.write_bytes(msgspec.json.encode([one for one in found if one is not None]))


def read(written: Path) -> list[Expected]:
    """What was written; nothing if nothing was."""
    return msgspec.json.decode(written.read_bytes(), type=list[Expected]) if written.exists() else []


def _expected(model: "Model", text: bytes) -> Expected | None:
    """None for a line whose reward says nothing of a model: another was learned in its place, or none."""
    try:
        line = _line(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    is_another = line.original_cost is not None and line.original_cost != line.cost
    if line.skip or line.mode not in (None, "Online") or is_another or not line.a:
        return None
    cost = _cost(model, bytes(line.c).decode(), line.a)
    if cost is None or not (abs(cost) <= LARGEST and abs(line.cost) <= LARGEST):  # not a number is neither
        return None
    at = line.at if line.at.tzinfo else line.at.replace(tzinfo=UTC)
    return Expected(round(at.timestamp() * 1000), 0.0 - cost, 0.0 - line.cost)


def _cost(model: "Model", context: str, actions: list[int]) -> float | None:
    """Of the first of these actions, by their numbers from 1; None for a context without examples of its actions."""
    import pylibvw

    workspace: Any = model.workspace
    examples = workspace._parse(context)
    try:
        if len(examples) != len(actions) + 1:
            return None
        pylibvw.vw.predict_multi(workspace, examples)
        cost: float = examples[actions[0]].get_partial_prediction()
        return cost
    finally:
        pylibvw.vw._finish_example_multi_ex(workspace, examples)
