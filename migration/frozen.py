"""An exported model as it was: judged on the events after its export, which it cannot have learned."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from evaluation.errors import EvaluationError
from migration import documents
from shared.admin import policy_check
from shared.evaluation.plan import Candidate
from shared.loops.config import LoopConfig
from shared.vw import model_header, policy

NAME = "exported model"


class Exported(NamedTuple):
    """A plain model of VW's, and when it was made."""

    data: bytes
    created: datetime


def exported(file: Path, created: datetime | None) -> Exported:
    """Reads a signed zip or a plain model; raises UnusableDocument. created: None for when the file was written."""
    data = documents.plain_model(file)
    return Exported(data, created or datetime.fromtimestamp(file.stat().st_mtime, UTC))


def candidate(model: Exported, folder: Path, config: LoopConfig) -> Candidate:
    """The model, written into the folder; raises EvaluationError if VW must not open it."""
    try:
        header = model_header.read(model.data)
    except ValueError as error:
        raise EvaluationError(f"The exported model cannot be used: {error}.") from None
    arguments = policy_check.with_epsilon(header.options, config.exploration)
    parsed = policy.parse(arguments)
    if parsed.is_multi_slot:
        raise EvaluationError(
            "The exported model decides about several slots, and is not judged frozen: leave out --model."
        )
    file = folder / "exported.vw"
    file.write_bytes(model.data)
    exploration = config.exploration if parsed.epsilon is None else parsed.epsilon
    return Candidate(NAME, arguments, exploration, model=str(file))
