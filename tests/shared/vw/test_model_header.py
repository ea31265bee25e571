import struct
from pathlib import Path

import pytest

from shared.vw import allowed_options, learning, meaning, model_header, options, policy, trial

DATA = Path(__file__).parents[2] / "data"
OPTIONS = b" --cb_explore_adf --epsilon 0.2"


def text(data: bytes) -> bytes:
    return struct.pack("<I", len(data) + 1) + data + b"\0"


def model(version: bytes = b"9.1.0", bits: int = 18, options: bytes = OPTIONS, lda: int = 0, skips: int = 0) -> bytes:
    return text(version) + text(b"") + struct.pack("<cffIIII", b"m", 0, 0, bits, lda, 0, skips) + text(options)


def test_the_policy_of_a_model() -> None:
    assert options.written(model_header.read(model()).options) == "--cb_explore_adf --epsilon 0.2"
    large = model_header.read(model(bits=20))
    assert options.written(large.options) == "--cb_explore_adf --epsilon 0.2 --bit_precision 20"


def test_a_multi_slot_model_has_a_policy_that_may_be_put(tmp_path: Path) -> None:
    """VW writes `--cb_explore_adf` beside `--ccb_explore_adf`."""
    made = tmp_path / "model.vw"
    learning.learn(policy.MULTI_SLOT_ARGUMENTS, None, Path("/dev/null"), made)
    allowed_options.check_one_exploration(model_header.read(made.read_bytes()).options)


@pytest.mark.parametrize("arguments", ["--cb_explore_adf --bag 2", "--cb_explore_adf --rnd 2 --random_seed 5"])
def test_a_model_that_has_drawn_random_numbers_is_still_one_of_its_policy(tmp_path: Path, arguments: str) -> None:
    """VW writes how far they have got into its options, as a seed of 64 bits."""
    batch, made = tmp_path / "batch", tmp_path / "model.vw"
    batch.write_bytes(trial.example(arguments))
    learning.learn(arguments, None, batch, made)
    header = model_header.read(made.read_bytes())
    meant = meaning.meaning(allowed_options.parse(arguments))
    assert meaning.may_be_of(meaning.meaning(header.options), meant)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 100,
        b"PK\3\4" + b"\0" * 100,
        model()[:-5],
        model(version=b"7.10.3"),
        model(version=b"nine"),
        model(bits=23),
        model(bits=2**32 - 1),
        model(lda=1),
        model(skips=1),
        model(options=b" --cb_explore_adf --data /etc/passwd"),
        model(options=b" --cb_explore_adf -f x"),
        model(options=b" --oaa 3"),
        model(options="--cb_explore_adf -q éé".encode()),
        model(options=b"--cb_explore_adf --bit_precision 20", bits=20),
        text(b"9.1.0") + struct.pack("<I", 2**32 - 1),
    ],
)
def test_what_is_no_model_of_a_policy_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"it is not|it has|option|given twice|must explore"):
        model_header.read(data)


def test_every_beginning_of_a_model_is_refused_or_read() -> None:
    data = (DATA / "vw-9.1.0.vw").read_bytes()
    for length in range(200):
        with pytest.raises(ValueError, match="it is not a VW model"):
            model_header.read(data[:length])
