"""Work on requests that would keep all others waiting, in a process of its own: VW holds the interpreter's lock.

`python -m shared.rank.aside_process` reads questions from standard input and writes answers to standard output, each a
MessagePack behind its length (4 bytes, big-endian). It ends when its input does, which is when the process that asks
ends, however that comes about; a prediction that never ends is ended by the kernel, for VW lets nothing else run.
"""

import contextlib
import os
import signal
import struct
import sys
from collections import OrderedDict
from pathlib import Path
from typing import BinaryIO

import msgspec

from shared.errors import ApiError, Fault
from shared.rank import expense, ranking, slots_ranking, slots_wire, wire
from shared.rank.explanation import shares
from shared.rank.ranking import Asked
from shared.rank.slots_ranking import SlotsAsked
from shared.rank.wire import FeatureScore
from shared.vw import confinement
from shared.vw.model import Model, PredictionError
from shared.vw.sampling import Ranking

LENGTH = struct.Struct(">I")
KEPT_MODELS = 8  # some 9 MB each
NICENESS = 5
# The dearest request takes some 2 s. Whatever takes longer than this (s) does not come to an end.
LONGEST_PREDICTION = 60


class Question(msgspec.Struct):
    """model: its name; file, options: where to load it from if it is not known, and VW's options.

    kind: `actions` asks for the pmf of `count` actions, `slots` for the rankings of `count` slots, `shares` for the
    shares in the scores of the actions in `order`. `body` asks what the body of a request, in `context`, asks of a
    model under the policy `arguments`, `slots body` the same of a multi-slot request.
    """

    kind: str
    context: bytes
    model: str = ""
    arguments: str = ""
    count: int = 0
    order: list[int] = []
    file: str | None = None
    options: list[str] = []


class Answer(msgspec.Struct):
    """unknown: the model has to be sent. failure: why there is no prediction. refused: what is wrong with a body.

    deferred: whether a body defers its activation.
    """

    unknown: bool = False
    failure: str | None = None
    pmf: list[float] | None = None
    rankings: list[Ranking] | None = None
    shares: list[list[FeatureScore]] | None = None
    asked: Asked | None = None
    slots_asked: SlotsAsked | None = None
    deferred: bool = False
    refused: Fault | None = None


class Models:
    """The models that were asked for last."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Model] = OrderedDict()

    def get(self, question: Question) -> Model | None:
        """The model of a question, loaded if the question says where from."""
        model = self._known.pop(question.model, None)
        if model is None:
            if question.file is None:
                return None
            model = Model(question.model, Path(question.file), question.options)
        self._known[question.model] = model
        while len(self._known) > KEPT_MODELS:
            self._known.popitem(last=False)[1].close()
        return model


def answer(models: Models, question: Question) -> Answer:
    """What a question gets. VW's refusals are answers; its crashes end this process."""
    if question.kind in ("body", "slots body"):
        return _read(question)
    try:
        model = models.get(question)
        if model is None:
            return Answer(unknown=True)
        if question.kind == "shares":
            return Answer(shares=shares(model, question.context, question.order))
        if question.kind == "slots":
            return Answer(rankings=model.predict_slots(question.context, question.count))
        return Answer(pmf=model.predict(question.context, question.count))
    except (PredictionError, RuntimeError) as error:
        return Answer(failure=str(error))


def _read(question: Question) -> Answer:
    try:
        if question.kind == "slots body":
            several = slots_wire.rank_request(question.context)
            slots_asked = slots_ranking.ask(several, question.arguments)._replace(is_dear=True)
            count, slots = len(slots_asked.actions), len(slots_asked.slots)
            expense.check(slots_asked.context, count, question.arguments, slots)
            return Answer(slots_asked=slots_asked, deferred=bool(several.defer_activation))
        request = wire.rank_request(question.context)
        asked = ranking.ask(request, question.arguments)._replace(is_dear=True)
        expense.check(asked.context, len(asked.candidates), question.arguments)
        return Answer(asked=asked, deferred=bool(request.defer_activation))
    except ApiError as error:
        return Answer(refused=Fault(error.code, error.message, error.target, error.inner))


def read(source: BinaryIO) -> bytes:
    """The next message, empty at the end."""
    head = source.read(LENGTH.size)
    return source.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else b""


def main() -> None:
    with contextlib.suppress(OSError, AttributeError):
        os.nice(NICENESS)
    confinement.limit(confinement.tasks())
    decoder, encoder, models = msgspec.msgpack.Decoder(Question), msgspec.msgpack.Encoder(), Models()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    while message := read(sys.stdin.buffer):
        signal.alarm(LONGEST_PREDICTION)
        encoded = encoder.encode(answer(models, decoder.decode(message)))
        signal.alarm(0)
        try:
            sys.stdout.buffer.write(LENGTH.pack(len(encoded)) + encoded)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            os._exit(0)  # who asked is gone, and what is left in the buffer cannot be written at the end either


if __name__ == "__main__":
    main()
