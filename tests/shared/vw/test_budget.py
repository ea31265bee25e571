"""What a run may learn is counted alike, whether it reads its lines or knows what they say."""

import random

import pytest
from harness.learning import decide, interaction

from shared.hubs.events import Observation
from shared.joined_log.joined_lines import Joined, join_line
from shared.loops.config import LoopConfig, Policy
from shared.vw import cost
from shared.vw.budget import Budget
from shared.vw.policy import EARLIER_ARGUMENTS, HISTORIC_ARGUMENTS, MULTI_SLOT_ARGUMENTS

NAMES = ["plain", "item", '"i":{"constant":1,"id":', '","p":[', '"c":', "\\u0069", "_tag"]


def events(count: int, arguments: str) -> list[Joined]:
    """Events with all that may mislead who reads their lines: skipped, rewarded, dear, with odd names."""
    chance, made = random.Random(1), []
    for number in range(count):
        config = LoopConfig(policy=Policy("one", arguments), mode=chance.choice(["Online", "LoggingOnly"]))
        size = chance.choice([2, 20, 200])
        body = {
            "eventId": f'{number}","p":[',
            "contextFeatures": [{chance.choice(NAMES): {chance.choice(NAMES): chance.choice(NAMES)}}],
            "actions": [
                {"id": f"{place}", "features": [{f"{chance.choice(NAMES)}{one}": one for one in range(size)}]}
                for place in range(chance.randint(1, 3))
            ],
        }
        event = interaction(decide(body, config=config), deferred=chance.random() < 0.3)
        reward = Observation(1, "default", event.id, event.at, "reward", "n", 0.5)
        made.append(join_line(event, number, [reward][: chance.randrange(2)], config))
    return made


@pytest.mark.parametrize("arguments", [EARLIER_ARGUMENTS, HISTORIC_ARGUMENTS, MULTI_SLOT_ARGUMENTS])
@pytest.mark.parametrize("units", [1, 200_000, 2_000_000_000])
def test_events_are_taken_like_their_lines(monkeypatch: pytest.MonkeyPatch, arguments: str, units: int) -> None:
    monkeypatch.setattr("shared.vw.budget.MOST", 300_000)
    joined, of_policy = events(60, arguments), cost.cost_of(arguments)
    from_lines, from_events = Budget(of_policy, units), Budget(of_policy, units)
    taken = from_lines.take(b"".join([one.line for one in joined]))
    assert from_events.take_events(joined) == taken
    assert vars(from_events) == vars(from_lines)
    assert from_events.take_events(joined)[1] == (0 if units < 1_000_000_000 else 60)
