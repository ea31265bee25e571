"""One batch with VW's native driver: a model is learned, a copy is made that serves, and both are tried.

VW may abort on what it cannot read, so this is done in processes that may end.
"""

import contextlib
import itertools
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from shared.vw import calibrating, policy
from shared.vw.dsjson import Question
from shared.vw.options import EXAMPLES

if TYPE_CHECKING:
    from shared.vw.model import Model

REFUSED = 3  # exit status: the new model is not fit to serve
VALIDATED_EVENTS = 50


class TrainingRefused(Exception):
    """The batch, or the model made of it, is not fit: VW refused or crashed, or it predicts no distribution."""


def learn(
    arguments: str,
    previous: Path | None,
    batch: Path,
    model: Path,
    predictions: Path | None = None,
    *,
    learns: bool = True,
) -> None:
    """One pass of VW's native driver over the batch; raises RuntimeError if VW refuses.

    predictions: where the pmf of each event goes, before it is learned. learns: False to predict alone.
    """
    import vowpalwabbit

    start = ["-i", str(previous), *policy.parse(arguments).learning_options] if previous else arguments.split()
    options = ["--dsjson", "--save_resume", "--preserve_performance_counters", "--quiet", *EXAMPLES]
    if predictions is not None:
        options += ["-p", str(predictions)]
    if not learns:
        options.append("--testonly")
    vowpalwabbit.Workspace(arg_list=[*start, "-d", str(batch), *options, "-f", str(model)]).finish()


def reduce(model: Path, predict: Path) -> None:
    """Writes the copy of a model that predicts the same and cannot learn, without the learner's state."""
    import vowpalwabbit

    options = ["--predict_only_model", "--testonly", "--quiet", *EXAMPLES, "-f", str(predict)]
    vowpalwabbit.Workspace(arg_list=["-i", str(model), *options]).finish()


def validate(predict: Path, sample: Iterable[bytes]) -> None:
    """Raises TrainingRefused unless the model gives a distribution over the actions of these events."""
    from shared.vw.model import Model, PredictionError

    model = Model("candidate", predict)
    for line in sample:
        event = msgspec.json.decode(line, type=Question)
        try:
            pmfs = _predictions(model, event)
        except PredictionError as error:
            raise TrainingRefused(f"the new model does not predict: {error}") from None
        for pmf in pmfs:
            if abs(sum(pmf) - 1) > 1e-3:
                raise TrainingRefused(f"the new model's probabilities sum to {sum(pmf)}")


def _predictions(model: "Model", event: Question) -> list[list[float]]:
    context = bytes(event.c)
    if model.multi_slot:
        return [slot.probabilities for slot in model.predict_slots(context, len(event.slots or ()))]
    return [model.predict(context, len(event.a or ()))]


def learn_input(
    arguments: str,
    previous: Path | None,
    folder: Path,
    predictions: Path | None = None,
    *,
    serves: bool = True,
    learns: bool = True,
    judges: bool = False,
) -> int:
    """Learns dsjson from standard input into `model.vw` and `predict.vw` of the folder, tried on its `sample.dsjson`.

    arguments, previous, predictions, learns: as of `learn`. serves: False for a model that only goes on learning, of
    which no copy is made and tried. judges: True to have what `previous` expects of the sample in EXPECTED. The exit
    status: 0 if both are valid, REFUSED if not, with the reason on standard error.
    """
    model, predict, sampled = folder / "model.vw", folder / "predict.vw", folder / "sample.dsjson"
    try:
        learn(arguments, previous, Path("/dev/stdin"), model, predictions, learns=learns)
        if not serves:
            return 0
        reduce(model, predict)
        with sampled.open("rb") as sample:
            validate(predict, itertools.islice(sample, VALIDATED_EVENTS))
    except (RuntimeError, TrainingRefused) as error:
        print(error, file=sys.stderr)
        return REFUSED
    if judges and previous is not None:
        with contextlib.suppress(Exception):  # the new model is good, whatever the one before expects
            calibrating.write(previous, sampled, folder / calibrating.EXPECTED)
    return 0
