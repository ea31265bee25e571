"""Testing a policy or a model with VW before it is taken, in a process of its own: VW may abort on it, or never end.

`python -m shared.vw.trial` leaves in its folder `model.vw` (the model, as one that can go on learning) and `predict.vw`
(the copy that serves). Exit status: 0 both are fit, REFUSED they are not.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path

import msgspec

from shared.vw import confinement, dsjson, learning, policy, weights
from shared.vw.dsjson import Line, Question, SlotsLine, State
from shared.vw.learning import REFUSED
from shared.vw.schema import Schema

SECONDS = 60.0
# Two events of the service's layout, for a loop that has logged none yet.
_ACTIONS = b'"_multi":[{"_tag":"a","i":{"constant":1,"id":"a"},"j":[{"x":1}]},{"_tag":"b","i":{"constant":1,"id":"b"}}]'
SCHEMA = Schema("F", "j")  # of these
_CONTEXT = b'{"FromUrl":[{"day":"1"}],' + _ACTIONS
_AT, _STATE = "1970-01-01T00:00:00.000Z", State("N/A")
_SLOTS = b',"_slots":[{"_id":"s","sj":[{"y":1}]}]'


class Refusal(Exception):
    """VW refused the policy or the model, crashed on it, or did not give probabilities."""


class _Context(msgspec.Struct, rename=dsjson.CONTEXT):
    actions: list[msgspec.Raw]
    slots: list[msgspec.Raw] | None = None


async def run(folder: Path, arguments: str, model: Path | None = None, sample: bytes = b"") -> None:
    """Tries a policy, or a model that is to go on as this policy, on a sample of the joined log; raises Refusal."""
    (folder / "sample.dsjson").write_bytes(sample or example(arguments) * 2)
    command = [sys.executable, "-m", "shared.vw.trial", f"--arguments={arguments}", "--folder", str(folder)]
    process = await asyncio.create_subprocess_exec(
        *command,
        *(["--model", str(model)] if model else []),
        env=confinement.environment(),
        cwd=Path(__file__).parents[2],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SECONDS):
            _, errors = await process.communicate()
    except TimeoutError:
        raise Refusal(f"VW did not end within {SECONDS:g} seconds") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == REFUSED:
        raise Refusal(errors.decode(errors="replace").strip().rpartition("\n")[2])
    if process.returncode:
        raise Refusal(f"VW crashed on it (status {process.returncode})")


def example(arguments: str) -> bytes:
    """A line of dsjson that fits a policy."""
    line: Line | SlotsLine
    if policy.parse(arguments).is_multi_slot:
        context, slot = msgspec.Raw(_CONTEXT + _SLOTS + b"}"), dsjson.Slot(-1, "s", [0, 1], [0.5, 0.5], [], -1)
        line = SlotsLine(_AT, "1", "e", context, [slot], _STATE)
    else:
        line = Line(-1, 0.5, 1, 0, _AT, "1", "e", [1, 2], msgspec.Raw(_CONTEXT + b"}"), [0.5, 0.5], _STATE, -1)
    return dsjson.encode(line)


def check(predict: Path, sample: Path) -> None:
    """Raises RuntimeError unless the model gives a distribution over the actions of each event, in each slot."""
    import vowpalwabbit

    workspace = vowpalwabbit.Workspace(arg_list=["-i", str(predict), "--testonly", "--json", "--quiet"])
    for line in sample.read_bytes().splitlines():
        context = msgspec.json.decode(line, type=Question).c
        shape = msgspec.json.decode(context, type=_Context)
        prediction = workspace.predict(bytes(context).decode())
        if shape.slots is None and len(prediction) != len(shape.actions):
            raise RuntimeError(f"it gives {len(prediction)} probabilities for {len(shape.actions)} actions")
        slots = [prediction] if shape.slots is None else [[one for _, one in slot] for slot in prediction]
        if len(slots) != len(shape.slots or [b""]) or not all(abs(sum(slot) - 1) < 1e-3 for slot in slots):
            raise RuntimeError("its probabilities do not sum to 1")
    workspace.finish()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m shared.vw.trial", description="Tries a policy or a model.")
    parser.add_argument("--arguments", required=True, help="the policy's VW arguments")
    parser.add_argument("--model", type=Path, help="a model to try")
    parser.add_argument("--folder", type=Path, required=True, help="with sample.dsjson; where the models go")
    given = parser.parse_args()
    folder, sample = given.folder, given.folder / "sample.dsjson"
    confinement.limit(confinement.tasks(), round(SECONDS))
    try:
        for name, batch in (("", Path(os.devnull)), ("next.", sample)):
            model, predict = folder / f"{name}model.vw", folder / f"{name}predict.vw"
            learning.learn(given.arguments, given.model, batch, model)
            learning.reduce(model, predict)
            if given.model and not name:
                weights.check_whole(given.model, (model, predict))
                weights.check_finite(model, folder / "weights.txt")
            check(predict, sample)
    except (RuntimeError, MemoryError, msgspec.MsgspecError) as error:
        print(" ".join(str(error).split()) or type(error).__name__, file=sys.stderr)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
