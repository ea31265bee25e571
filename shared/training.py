"""Learning a batch with VW's native driver, in a process of its own.

VW never releases the interpreter's lock and may abort on what it cannot read, so `python -m shared.training` trains
while the function app goes on answering. Exit status: 0 published, REFUSED the new model is not fit to serve.
"""

import argparse
import asyncio
import itertools
import os
import sys
from pathlib import Path

import msgspec

REFUSED = 3
VALIDATED_EVENTS = 50


class TrainingRefused(Exception):
    """The batch, or the model made of it, is not fit: VW refused it, or its predictions are not a distribution."""


async def train(arguments: str, previous: Path | None, batch: Path, model: Path, predict: Path) -> None:
    """Learns `batch` (dsjson) on top of `previous`; writes the trainer's state and the copy that serves.

    arguments: the policy, used for a new model. Raises TrainingRefused, or OSError if the process was killed.
    """
    command = [sys.executable, "-m", "shared.training", "--batch", str(batch), "--model", str(model)]
    command += ["--predict", str(predict), f"--arguments={arguments}"]
    command += ["--previous", str(previous)] if previous else []
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
        cwd=Path(__file__).parent.parent,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    reason = errors.decode(errors="replace").strip().rpartition("\n")[2]
    if process.returncode == REFUSED:
        raise TrainingRefused(reason)
    if process.returncode:
        raise OSError(f"training ended with status {process.returncode}: {reason}")


def learn(arguments: str, previous: Path | None, batch: Path, model: Path) -> None:
    """One pass of VW's native driver over the batch; raises RuntimeError if VW refuses."""
    import vowpalwabbit

    start = ["-i", str(previous)] if previous else arguments.split()
    options = ["--dsjson", "--save_resume", "--preserve_performance_counters", "--quiet"]
    vowpalwabbit.Workspace(arg_list=[*start, "-d", str(batch), *options, "-f", str(model)]).finish()


def reduce(model: Path, predict: Path) -> None:
    """Writes the copy of a model that predicts the same and cannot learn, without the learner's state."""
    import vowpalwabbit

    options = ["--predict_only_model", "--testonly", "--quiet", "-f", str(predict)]
    vowpalwabbit.Workspace(arg_list=["-i", str(model), *options]).finish()


def validate(predict: Path, batch: Path) -> None:
    """Raises TrainingRefused unless the model gives a distribution over the actions of events of the batch."""
    from shared.model import Model, PredictionError

    model = Model("candidate", predict)
    with batch.open("rb") as lines:
        for line in itertools.islice(lines, VALIDATED_EVENTS):
            event = msgspec.json.decode(line, type=_Event)
            try:
                pmf = model.predict(bytes(event.c), len(event.a))
            except PredictionError as error:
                raise TrainingRefused(f"the new model does not predict: {error}") from None
            if abs(sum(pmf) - 1) > 1e-3:
                raise TrainingRefused(f"the new model's probabilities sum to {sum(pmf)}")


class _Event(msgspec.Struct):
    a: list[int]
    c: msgspec.Raw


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m shared.training", description="Learns one batch of dsjson.")
    parser.add_argument("--arguments", required=True, help="VW arguments of a new model")
    for name, needed in (("previous", False), ("batch", True), ("model", True), ("predict", True)):
        parser.add_argument(f"--{name}", type=Path, required=needed)
    given = parser.parse_args()
    try:
        learn(given.arguments, given.previous, given.batch, given.model)
        reduce(given.model, given.predict)
        validate(given.predict, given.batch)
    except (RuntimeError, TrainingRefused) as error:
        print(error, file=sys.stderr)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
