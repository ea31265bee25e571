"""A joined event counts in a summary as its line of the log does, whatever its kind and mode."""

import random
from typing import Any, Literal

import msgspec
import pytest
from harness import learning, slots
from harness.learning import PLAIN

from shared.hubs.events import Assignment, Interaction, Observation, key_of
from shared.joined_log import summarised_lines, unjoined_lines
from shared.joined_log.joined_lines import join_line
from shared.joined_log.summarised_lines import read, read_late
from shared.joined_log.summarising import Summarising
from shared.loops.config import LoopConfig, Policy
from shared.loops.feature_sample import MOST_FEATURES
from shared.loops.policy_sums import BASELINE, ONLINE
from shared.loops.summary import Summary, encode

DEFAULT = 0.1
ARMS: list[Literal["baseline", "policy"]] = ["baseline", "policy"]
AT = 1_700_000_000_123
CONFIG = LoopConfig(default_reward=DEFAULT)
SLOTS = LoopConfig(default_reward=DEFAULT, policy=Policy("slots", "--ccb_explore_adf --epsilon 0.1"))


def single(chance: random.Random, **changed: Any) -> Interaction:
    made = learning.interaction(learning.decide(PLAIN[0]))
    p = [chance.random() + 1e-3 for _ in made.p]
    a = chance.sample(made.a, len(made.a))
    return msgspec.structs.replace(made, a=a, p=[one / sum(p) for one in p], model="m", **changed)


def several(chance: random.Random, **changed: Any) -> Interaction:
    made = slots.interaction(slots.decide(slots.body(eventId="e")))
    assert made.slots is not None
    for slot in made.slots:
        p = [chance.random() + 1e-3 for _ in slot.p]
        slot.p, slot.a = [one / sum(p) for one in p], chance.sample(slot.a, len(slot.a))
    return msgspec.structs.replace(made, model="m", **changed)


def observations(chance: random.Random, event: Interaction) -> list[Observation]:
    names = [None] if event.slots is None else [one.id for one in event.slots] + ["of no slot"]
    rewards = [
        Observation(1, "l", "e", "", "reward", "n", chance.choice([-0.0, DEFAULT, 1.0, chance.random()]), name)
        for name in names
        if chance.random() < 0.5
    ]
    activation = Observation(1, "l", "e", "", "activation", "n")
    return [*rewards, activation] if chance.random() < 0.5 else rewards


def events(seed: int) -> list[tuple[int, Interaction, list[Observation]]]:
    chance, made = random.Random(seed), []
    for number in range(60):
        members = {
            "id": f"e{number}",
            "mode": chance.choice(["Online", "Online", "Apprentice", "LoggingOnly"]),
            "deferred": chance.random() < 0.4,
            "drop": chance.choice([None, 0.25]),
            "holdback": chance.choice([None, Assignment(chance.choice(ARMS), chance.randrange(3), 0.25, "w")]),
        }
        event = chance.choice([single, several])(chance, **members)
        made.append((AT + number * 97_003, event, observations(chance, event)))
    return made


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("config", [CONFIG, SLOTS])
def test_lines_of_the_log_make_the_summary_of_their_events_bit_for_bit(seed: int, config: LoopConfig) -> None:
    live, again = Summarising(DEFAULT), Summarising(DEFAULT)
    for at, event, observed in events(seed):
        joined = join_line(event, at, observed, config)
        live.join(at, event, joined, len(observed), key_of(event.id))
        assert summarised_lines.join(again, read(joined.line))
    for reason in ("late", "orphans", "late"):
        live.leave(AT, reason)
        assert summarised_lines.leave(again, AT, read_late(unjoined_lines.encode(reason, 5, b"{}")))
    made = live.finished()
    assert encode(again.finished()) == encode(made)
    assert sum(sample.n for sample in made.features.values()) == made.fate("shown")
    assert made.fate("late") == 2
    assert made.fate("shown") + made.fate("skipped") == 60
    assert 0 < made.fate("skipped") < 40
    assert made.fate("matched") == sum(len(observed) for _, _, observed in events(seed))
    assert {slot for slots in made.stretches.values() for slot in slots} == {0, 1}


def test_a_run_of_many_features_keeps_few_of_them() -> None:
    made = Summarising(DEFAULT)
    for number in range(MOST_FEATURES + 50):
        context = msgspec.Raw(msgspec.json.encode({"FromUrl": [{f"f{number}": 1}], "_multi": []}))
        event = single(random.Random(number), id="e", c=context)
        made.join(AT, event, join_line(event, AT, [], CONFIG), 0, 1)
    [sample] = made.finished().features.values()
    [stratum] = sample.strata.values()
    assert (stratum.n, len(stratum.features), stratum.others) == (MOST_FEATURES + 50, MOST_FEATURES, 50)


def of(event: Interaction, reward: float = 0.5, config: LoopConfig = CONFIG) -> Summary:
    summarising = Summarising(DEFAULT)
    observed = [Observation(1, "l", "e", "", "reward", "n", reward, "side" if event.slots else None)]
    summarising.join(AT, event, join_line(event, AT, observed, config), 1, key_of(event.id))
    return summarising.finished()


def test_actions_are_counted_by_their_ids() -> None:
    event = learning.interaction(learning.decide(PLAIN[0]))
    event = msgspec.structs.replace(event, a=[2, 1, *event.a[2:]] if len(event.a) > 1 else [1])
    ids = [action["id"] for action in PLAIN[0]["actions"]]
    (hour,) = of(event).hours.values()
    assert hour.slots[0].chosen == {ids[event.a[0] - 1]: 1}
    (hour,) = of(msgspec.structs.replace(event, mode="Apprentice")).hours.values()
    assert hour.slots[0].chosen == {ids[0]: 1}, "the baseline was shown"
    (hour,) = of(msgspec.structs.replace(event, c=msgspec.Raw(b"[]"))).hours.values()
    assert hour.slots[0].chosen == {str(event.a[0]): 1}


def test_each_slot_has_its_own_baseline_and_reward() -> None:
    event = several(random.Random(1))
    assert event.slots is not None
    assert event.ba is not None
    event = msgspec.structs.replace(event, ba=[event.slots[0].a[1], event.slots[1].a[0]])
    made = of(event, config=SLOTS)
    place = [one.id for one in event.slots].index("side")
    earned = [0.5 if slot == place else DEFAULT for slot in (0, 1)]
    assert [float(made.total(ONLINE, slot).wr) for slot in (0, 1)] == earned
    assert [float(made.total(BASELINE, slot).w) > 0 for slot in (0, 1)] == [False, True]


def test_an_apprentice_s_line_of_another_maker_is_known_by_its_label() -> None:
    event = single(random.Random(1))
    event = msgspec.structs.replace(event, a=sorted(event.a, reverse=True))
    line = join_line(event, AT, [], CONFIG).line
    theirs = line.replace(b'"_label_cost":-0.1', b'"_label_cost":0.0')
    assert theirs != line
    summarising = Summarising(DEFAULT)
    assert summarised_lines.join(summarising, read(theirs))
    made = summarising.finished()
    assert float(made.total(ONLINE).n) == 0
    assert float(made.total(BASELINE).wr) == DEFAULT


@pytest.mark.parametrize("line", [b"", b"[]", b"{}", b'{"Timestamp":"2026-01-01T00:00:00Z","c":{}}', b"\xff"])
def test_what_is_no_decision_is_passed_over(line: bytes) -> None:
    summarising = Summarising(DEFAULT)
    assert not summarised_lines.join(summarising, read(line))
    assert not summarised_lines.leave(summarising, AT, read_late(line))
    assert summarising.finished() == Summary()


def held(arm: Literal["baseline", "policy"], share: float = 0.25) -> Assignment:
    return Assignment(arm, 7, share, "w")


def test_rewards_are_summed_by_arm_and_bucket() -> None:
    event = single(random.Random(1), holdback=held("baseline"))
    (hour,) = of(event, 0.5).hours.values()
    (sums,) = hour.slots[0].arms["w"]["baseline"].values()
    assert (list(hour.slots[0].arms["w"]["baseline"]), sums.n, sums.paid) == ([7], 1, 1)
    assert (float(sums.r), float(sums.rr)) == (0.5, 0.25)
    (bare,) = of(msgspec.structs.replace(event, holdback=None)).hours.values()
    assert bare.slots[0].arms == {}


@pytest.mark.parametrize("arm", ARMS)
def test_what_is_expected_of_a_decision_is_what_its_arm_shows(arm: Literal["baseline", "policy"]) -> None:
    """Within the arms one key may decide about many events: only there the draws are independent."""
    event = single(random.Random(1))
    p = [0.25 * (action == 1) + 0.75 * one for action, one in zip(event.a, event.p, strict=True)]
    (hour,) = of(msgspec.structs.replace(event, p=p, holdback=held(arm))).hours.values()
    own = dict(zip(event.a, event.p, strict=True))
    top = max(zip(p, event.a, strict=True))[1]
    for found, spread, action in (
        (hour.slots[0].baseline_p, hour.slots[0].baseline_pq, 1),
        (hour.slots[0].top_p, hour.slots[0].top_pq, top),
    ):
        expected = own[action] if arm == "policy" else float(action == 1)
        assert float(found) == pytest.approx(expected)
        assert float(spread) == pytest.approx(expected * (1 - expected), abs=1e-12)


def test_what_is_expected_of_a_slot_depends_on_what_the_slots_before_show() -> None:
    """Both slots show their baselines, with the policy's probabilities .5 and .4."""
    event = several(random.Random(1))
    assert event.slots is not None
    first, second = event.slots
    joint = [0.25 + 0.75 * 0.5, 0.25 + 0.75 * 0.5 * 0.4]
    event.ba = [first.a[0], second.a[0]]
    first.a, first.p = first.a[:2], [joint[0], 1 - joint[0]]
    second.a, second.p = second.a[:2], [joint[1] / joint[0], 1 - joint[1] / joint[0]]
    (hour,) = of(msgspec.structs.replace(event, holdback=held("policy")), config=SLOTS).hours.values()
    assert [float(hour.slots[slot].baseline_p) for slot in (0, 1)] == pytest.approx([0.5, 0.4])
    event.ba = [first.a[1], second.a[0]]
    (hour,) = of(msgspec.structs.replace(event, holdback=held("policy")), config=SLOTS).hours.values()
    assert float(hour.slots[1].baseline_p) == pytest.approx(second.p[0]), "the first slot has shown which arm it is"
