"""What a model expects of events is told before they are learned, and of such events alone of which it can be."""

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest
from harness.learning import train

from shared.vw import calibrating, policy
from shared.vw.calibrating import MOST_EVENTS, Expected
from shared.vw.learner import Learner
from shared.vw.policy import EARLIER_ARGUMENTS
from shared.vw.zygote import Zygote

LEARNS = "--cb_explore_adf --cb_type mtr --epsilon 0.2 -q ::"
AT = "2026-01-01T10:00:00.000Z"
AT_MS = 1_767_261_600_000
HUGE = {"_label_cost": -1e200, "_original_label_cost": -1e200}


def line(number: int, chance: random.Random, **changes: Any) -> bytes:
    """Actions x and y earn .8 and .2, by chance."""
    chosen = chance.randrange(2)
    reward = float(chance.random() < (0.8, 0.2)[chosen])
    made = {
        "_label_cost": -reward,
        "_label_probability": 0.5,
        "_label_Action": chosen + 1,
        "_labelIndex": chosen,
        "Timestamp": AT,
        "EventId": f"e{number}",
        "a": [chosen + 1, 2 - chosen],
        "c": {"FromUrl": [{"day": 1}], "_multi": [{"i": {"id": one}, "j": [{"kind": one}]} for one in "xy"]},
        "p": [0.5, 0.5],
        "_original_label_cost": -reward,
    }
    return json.dumps(made | changes).encode() + b"\n"


def lines(count: int, seed: int, **changes: Any) -> list[bytes]:
    chance = random.Random(seed)
    return [line(number, chance, **changes) for number in range(count)]


def judged(folder: Path, previous: Path | None, some: list[bytes], arguments: str = LEARNS) -> list[Expected]:
    """What a learner that goes on from a model has expected."""

    async def learn() -> Learner:
        async with Zygote() as zygote:
            learner = await Learner.start(zygote, arguments, previous, folder, judges=True)
            await learner.feed(b"".join(some))
            await learner.finish()
        return learner

    folder.mkdir()
    return calibrating.read(asyncio.run(learn()).expected)


@pytest.mark.parametrize("arguments", [LEARNS, EARLIER_ARGUMENTS, "--cb_explore_adf --cb_type ips --softmax -q ::"])
def test_what_was_learned_is_expected_of_the_action_that_was_shown(tmp_path: Path, arguments: str) -> None:
    before = train(tmp_path / "before", lines(3_000, 1), policy=arguments)
    found = judged(tmp_path / "after", before.model, lines(300, 2), arguments)
    assert len(found) == MOST_EVENTS
    assert {one.at for one in found} == {AT_MS}
    assert [one.reward for one in found] == [
        0.0 - json.loads(text)["_label_cost"] for text in lines(300, 2)[: len(found)]
    ]
    for action, usual in ((1, 0.8), (2, 0.2)):
        texts = zip(found, map(json.loads, lines(300, 2)), strict=False)
        own = [one.predicted for one, text in texts if text["a"][0] == action]
        assert len(own) > 50
        # Vowpal Wabbit follows its last events: what it expects is about right.
        assert sum(own) / len(own) == pytest.approx(usual, abs=0.25)


def test_a_line_that_cannot_be_judged_leaves_the_new_model_as_it_is(tmp_path: Path) -> None:
    before = train(tmp_path / "before", lines(50, 1), policy=LEARNS)
    odd = lines(1, 2)[0].replace(b'"a": [1, 2]', b'"a": [9, 2]').replace(b'"a": [2, 1]', b'"a": [9, 2]')
    assert judged(tmp_path / "after", before.model, [*lines(3, 3), odd]) == []


def test_a_first_model_is_not_judged(tmp_path: Path) -> None:
    assert judged(tmp_path / "first", None, lines(50, 1)) == []


@pytest.mark.parametrize(
    "changes", [{"_skipLearn": True}, {"LearningMode": "Apprentice"}, {"_original_label_cost": 7.0}, {"c": {}}, HUGE]
)
def test_an_event_of_which_a_model_says_nothing_is_left_out(tmp_path: Path, changes: dict[str, Any]) -> None:
    before = train(tmp_path / "before", lines(50, 1), policy=LEARNS)
    sample = tmp_path / "sample"
    sample.write_bytes(b"".join([*lines(3, 2, **changes), *lines(2, 2), b"no json\n"]))
    calibrating.write(before.model, sample, tmp_path / "written")
    assert len(calibrating.read(tmp_path / "written")) == 2


@pytest.mark.parametrize(
    ("arguments", "can"),
    [
        (LEARNS, True),
        ("--cb_explore_adf --bag 5", False),
        ("--cb_explore_adf --cover 3", False),
        ("--cb_explore_adf --rnd 3", False),
        ("--ccb_explore_adf --epsilon 0.2", False),
    ],
)
def test_models_of_several_are_not_judged(arguments: str, can: bool) -> None:
    assert calibrating.can_judge(policy.parse(arguments)) is can
