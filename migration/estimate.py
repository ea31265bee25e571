"""What a policy is estimated to earn that learns a log from the start: each event judged before it is learned (IPS)."""

import array
from pathlib import Path

import msgspec

from shared.vw import dsjson

PREDICTIONS = "predictions.txt"


class _Label(msgspec.Struct, rename=dsjson.LINE, gc=False):
    cost: float
    probability: float
    index: int
    skip: bool = False


_label = msgspec.json.Decoder(_Label).decode


class Judged:
    """The events of a policy that learns all of them alike: VW, which does not know how probable they were, cannot
    judge it. 16 bytes for each event that is learned."""

    def __init__(self) -> None:
        self._worth, self._chosen = array.array("d"), array.array("L")

    def add(self, line: bytes) -> None:
        """An event that is learned, as it was logged."""
        label = _label(line)
        self._worth.append(-label.cost / label.probability if label.probability > 0 else 0.0)
        self._chosen.append(label.index)

    def estimate(self, predictions: Path) -> tuple[float, int]:
        """The mean reward and the number of events. predictions: the pmf of each event, as VW has written them."""
        total, count = 0.0, 0
        with predictions.open("rb") as lines:
            for pmf in (line for line in lines if line != b"\n"):
                if count < len(self._worth):
                    total += self._worth[count] * _probability(pmf, self._chosen[count])
                count += 1
        if count != len(self._worth):
            return 0.0, 0
        return (total / count if count else 0.0), count


def progressive(model: Path) -> tuple[float, int]:
    """The same of a model that VW has judged while it learned."""
    import vowpalwabbit

    workspace = vowpalwabbit.Workspace(arg_list=["-i", str(model), "--preserve_performance_counters", "--quiet"])
    loss, count = workspace.get_sum_loss(), round(workspace.get_weighted_examples())
    workspace.finish()
    return (-loss / count if count else 0.0), count


def _probability(pmf: bytes, chosen: int) -> float:
    """Of an action in `2:0.5,0:0.3,1:0.2`."""
    for one in pmf.split(b","):
        number, _, probability = one.partition(b":")
        if int(number) == chosen:
            return float(probability)
    return 0.0
