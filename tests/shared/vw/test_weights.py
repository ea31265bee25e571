"""A model whose weights are cut off or no numbers is refused, though VW itself would serve it."""

import asyncio
import struct
from pathlib import Path

import pytest

from shared.vw import learning, model_header, options, policy, trial

DATA = Path(__file__).parents[2] / "data"
POLICIES = [
    policy.EARLIER_ARGUMENTS,
    policy.MULTI_SLOT_ARGUMENTS,
    "--cb_explore_adf --bag 4 --epsilon 0.1 --ftrl",
    "--cb_explore_adf --cover 3 --cb_type dr --coin",
    "--cb_explore_adf --epsilon 0.1 --sgd --noconstant",
]


def attempt(folder: Path, data: bytes) -> None:
    file = folder / "given.vw"
    file.write_bytes(data)
    asyncio.run(trial.run(folder, options.written(model_header.read(data).options), file))


@pytest.mark.parametrize("arguments", POLICIES)
def test_a_model_cut_off_within_a_weight_is_refused(tmp_path: Path, arguments: str) -> None:
    batch, model, predict = tmp_path / "batch", tmp_path / "model.vw", tmp_path / "predict.vw"
    batch.write_bytes(trial.example(arguments) * 20)
    learning.learn(arguments, None, batch, model)
    learning.reduce(model, predict)
    for data in (model.read_bytes(), predict.read_bytes()):
        attempt(tmp_path, data)
        for cut in (1, 6):
            with pytest.raises(trial.Refusal, match="truncated"):
                attempt(tmp_path, data[:-cut])


@pytest.mark.parametrize("name", ["vw-9.1.0", "vw-9.1.0-predict-only"])
def test_a_model_of_an_earlier_version_is_whole_or_not(tmp_path: Path, name: str) -> None:
    data = (DATA / f"{name}.vw").read_bytes()
    attempt(tmp_path, data)
    for length in (len(data) - 1, len(data) // 2 + 1):
        with pytest.raises(trial.Refusal, match="truncated"):
            attempt(tmp_path, data[:length])


def test_a_model_that_has_learned_nothing_is_whole(tmp_path: Path) -> None:
    model = tmp_path / "model.vw"
    learning.learn(policy.EARLIER_ARGUMENTS, None, Path("/dev/null"), model)
    attempt(tmp_path, model.read_bytes())


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_a_weight_must_be_a_number(tmp_path: Path, number: str) -> None:
    """The last weight is of a feature that no event of the trial has."""
    data = (DATA / "vw-9.1.0-predict-only.vw").read_bytes()
    with pytest.raises(trial.Refusal, match="infinite or no numbers"):
        attempt(tmp_path, data[:-4] + struct.pack("<f", float(number)))
