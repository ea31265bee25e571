"""VW tries policies and models in a process of its own, whatever becomes of that."""

import asyncio
import random
from pathlib import Path

import pytest

from shared.vw import allowed_options, meaning, model_header, options, policy, trial

DATA = Path(__file__).parents[2] / "data"
EXPORTED = (DATA / "vw-9.1.0.vw").read_bytes()
OF_PERSONALIZER = "--cb_explore_adf --cb_type mtr --epsilon 0.2"


def attempt(folder: Path, arguments: str, model: bytes | None = None) -> None:
    folder.mkdir(exist_ok=True)
    file = folder / "given.vw"
    file.write_bytes(model or b"")
    asyncio.run(trial.run(folder, arguments, file if model else None))


@pytest.mark.parametrize(
    "arguments",
    [
        policy.HISTORIC_ARGUMENTS.replace("--cb_explore_adf", "--ccb_explore_adf"),
        "--ccb_explore_adf --squarecb --cubic ::i",
        "--cb_explore_adf --bag 4 --greedify --epsilon 0.1 --ignore a --hash all --chain_hash --noconstant",
        "--cb_explore_adf --cover 3 --nounif --psi 0.1 --cb_type dr --ftrl --ftrl_alpha 0.1",
        "--cb_explore_adf --regcbopt --mellowness 0.1 --cb_min_cost -1 --cb_max_cost 0 --first_only",
        "--cb_explore_adf --synthcover --synthcoversize 10 --coin --random_seed 4",
    ],
)
def test_vw_starts_learns_and_predicts_with_an_allowed_policy(tmp_path: Path, arguments: str) -> None:
    assert options.written(allowed_options.parse(arguments)) == arguments
    attempt(tmp_path, arguments)
    made = model_header.read((tmp_path / "model.vw").read_bytes())
    meant = meaning.meaning(allowed_options.parse(arguments))
    assert meaning.may_be_of(meaning.meaning(made.options), meant)


def test_what_vw_says_to_a_policy_is_told(tmp_path: Path) -> None:
    with pytest.raises(trial.Refusal, match="You can only use one of"):
        attempt(tmp_path, "--cb_explore_adf --ftrl --pistol")


@pytest.mark.parametrize(
    ("name", "rates"), [("vw-9.1.0", " --learning_rate 0.001 --power_t 0"), ("vw-9.1.0-predict-only", "")]
)
def test_a_model_of_personalizer_is_read_and_goes_on(tmp_path: Path, name: str, rates: str) -> None:
    data = (DATA / f"{name}.vw").read_bytes()
    header = model_header.read(data)
    assert header.version == "9.1.0"
    assert options.written(header.options) == f"{OF_PERSONALIZER}{rates} --quadratic ::"
    attempt(tmp_path, policy.HISTORIC_ARGUMENTS, data)
    assert (tmp_path / "predict.vw").read_bytes() != (tmp_path / "next.predict.vw").read_bytes()


def test_damage_anywhere_is_survived(tmp_path: Path) -> None:
    """Damaged weights are weights still; what else is damaged must be refused, by a reading of the header or by VW."""
    chosen, refused = random.Random(1), 0
    for number in range(16):
        place = chosen.randrange(len(EXPORTED))
        damaged = EXPORTED[:place] + bytes([EXPORTED[place] ^ 1 << chosen.randrange(8)]) + EXPORTED[place + 1 :]
        try:
            header = model_header.read(damaged)
            attempt(tmp_path / str(number), options.written(header.options), damaged)
        except (ValueError, trial.Refusal):
            refused += 1
    assert 0 < refused < 16
