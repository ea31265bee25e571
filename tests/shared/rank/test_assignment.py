"""A holdback shows the baseline to its share of keys, and the probabilities that are logged are the true ones."""

import json
import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from harness import learning, slots
from harness.learning import PLAIN, rewarded
from harness.slots import SLOTS, body
from harness.stored import driven

from shared.errors import ApiError
from shared.hubs.events import Observation, key_of
from shared.joined_log.joined_lines import join_line
from shared.joined_log.summarising import Summarising
from shared.loops.config import Holdback, LoopConfig
from shared.loops.policy_sums import BASELINE, RANDOM
from shared.rank import holdback, ranking, slots_ranking, slots_wire, wire
from shared.rank.slots_ranking import SlotsDecision
from shared.vw import sampling
from shared.vw.model import Model
from shared.vw.policy import EARLIER_ARGUMENTS

SHARE, EVENTS = 0.2, 12_000
HELD = LoopConfig(holdback=Holdback(SHARE, "salt"))
SLOTS_HELD = msgspec.structs.replace(slots.CONFIG, holdback=Holdback(SHARE, "salt"))
LOOP = sampling.uniform_hash("default")


def far(found: Iterable[float], variance: float) -> float:
    """How many standard deviations a sum of independent values of mean 0 is from 0."""
    return abs(math.fsum(found)) / math.sqrt(variance)


def request(number: int, **members: Any) -> dict[str, Any]:
    return PLAIN[0] | {"eventId": f"event {number}"} | members


def decide(number: int, config: LoopConfig = HELD, model: Model | None = None, **members: Any) -> ranking.Decision:
    return learning.decide(request(number, **members), model, config)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return learning.trained(tmp_path_factory.mktemp("held"))


@pytest.fixture(scope="module")
def slots_model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return slots.trained(tmp_path_factory.mktemp("held slots"))


@pytest.mark.parametrize("learned", [False, True])
def test_arms_have_their_shares_and_actions_their_logged_probabilities(model: Model, learned: bool) -> None:
    decisions = [decide(number, model=model if learned else None) for number in range(EVENTS)]
    arms = Counter(one.holdback.arm for one in decisions if one.holdback)
    assert sum(arms.values()) == EVENTS
    assert far([arms["baseline"] - SHARE * EVENTS], EVENTS * SHARE * (1 - SHARE)) < 4
    logged = dict(zip(*decisions[0].ranking, strict=True))
    policy = decide(0, LoopConfig(), model if learned else None)
    for action, own in zip(*policy.ranking, strict=True):
        assert logged[action] == pytest.approx((1 - SHARE) * own + SHARE * (action == 0))
    for one in decisions:
        assert dict(zip(*one.ranking, strict=True)) == logged
        assert one.holdback is not None
        assert one.holdback.arm == "policy" or one.ranking.order[0] == 0
    shown = Counter(one.ranking.order[0] for one in decisions)
    for action, p in logged.items():
        assert far([shown[action] - p * EVENTS], EVENTS * p * (1 - p)) < 4


def test_within_its_arm_the_policy_draws_as_it_would_without(model: Model) -> None:
    for number in range(500):
        held, free = decide(number, model=model), decide(number, LoopConfig(), model)
        assert held.holdback is not None
        assert free.holdback is None
        assert held.ranking.order == free.ranking.order or held.holdback.arm == "baseline"


def test_a_key_stays_in_its_arm_and_bucket_and_the_event_id_is_the_key_if_none_is_given() -> None:
    for person in ("ann", "bob", "joe", "sue", "tim"):
        assert len({decide(number, holdbackId=person).holdback for number in range(50)}) == 1
    assert len({decide(number).holdback for number in range(500)}) > 100
    assert decide(7).holdback == decide(8, holdbackId="event 7").holdback == decide(7, holdbackId=None).holdback


def test_loop_salt_and_key_draw_anew_and_buckets_do_not_depend_on_the_arm() -> None:
    def arms(config: LoopConfig, loop: int) -> list[bool]:
        assigned = [holdback.assign(config, loop, f"key {number}") for number in range(EVENTS)]
        return [one is not None and one.arm == "baseline" for one in assigned]

    first = arms(HELD, LOOP)
    others = LoopConfig(holdback=Holdback(SHARE, "another")), HELD
    for config, loop in zip(others, (LOOP, sampling.uniform_hash("other")), strict=True):
        both = sum(a and b for a, b in zip(first, arms(config, loop), strict=True))
        p = SHARE * SHARE
        assert far([both - p * EVENTS], EVENTS * p * (1 - p)) < 4
    buckets = Counter((one.bucket, one.arm) for number in range(EVENTS) if (one := decide(number).holdback))
    assert {bucket for bucket, _ in buckets} == set(range(100))
    for arm, share in (("baseline", SHARE), ("policy", 1 - SHARE)):
        p = share / 100
        z = [(buckets[bucket, arm] - p * EVENTS) ** 2 / (p * EVENTS) for bucket in range(100)]
        assert sum(z) < 100 + 4 * math.sqrt(2 * 100)


@pytest.mark.parametrize("mode", ["Apprentice", "LoggingOnly"])
def test_modes_that_show_the_baseline_have_no_arms(model: Model, mode: Any) -> None:
    held, free = msgspec.structs.replace(HELD, mode=mode), LoopConfig(mode=mode)
    for number in range(50):
        assert decide(number, held, model, holdbackId="x") == decide(number, free, model)
    several = slots_wire.rank_request(json.dumps(body(eventId="e")).encode())
    decision = slots_ranking.decide(several, msgspec.structs.replace(SLOTS_HELD, mode=mode), None, LOOP)
    assert decision.holdback is None


def test_without_a_holdback_nothing_of_it_is_logged() -> None:
    event = ranking.event(decide(1, LoopConfig(), holdbackId="x"), "default", deferred=False)
    assert b"holdback" not in event
    assert b'"holdback":{"arm":"' in ranking.event(decide(1), "default", deferred=False)
    assert b"ann" not in ranking.event(decide(1, holdbackId="ann"), "default", deferred=False)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_of_everything_shows_the_baseline_alone_and_one_of_nothing_is_none(model: Model, share: float) -> None:
    config = LoopConfig(holdback=LoopConfig().hold(share))
    decisions = [decide(number, config, model) for number in range(100)]
    if share:
        assert all(one.ranking.order[0] == 0 and one.ranking.probabilities == [1, 0, 0] for one in decisions)
    else:
        assert all(one.holdback is None for one in decisions)


@pytest.mark.parametrize("given", ["", "x" * 257, ["a"], {}])
def test_a_key_that_is_none_is_refused(given: Any) -> None:
    for read, made in ((wire.rank_request, request(1)), (slots_wire.rank_request, body())):
        with pytest.raises(ApiError, match="holdbackId should be null or have 1 to 256 characters"):
            read(json.dumps(made | {"holdbackId": given}).encode())
    assert wire.rank_request(json.dumps(request(1) | {"HoldbackID": 12}).encode()).holdback_id == "12"


def shown(decision: SlotsDecision) -> tuple[int, ...]:
    return tuple(one.order[0] for one in decision.rankings)


def joint(decision: SlotsDecision) -> float:
    return math.prod(one.probabilities[0] for one in decision.rankings)


def several(number: int, config: LoopConfig, model: Model | None, given: Any = SLOTS) -> SlotsDecision:
    asked = slots_wire.rank_request(json.dumps(body(slots=given, eventId=f"event {number}")).encode())
    return slots_ranking.decide(asked, config, model, LOOP)


THREE = [*SLOTS, {"id": "third", "baselineAction": "d"}]


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("given", [SLOTS, THREE], ids=["two", "three"])
def test_slots_show_all_baselines_or_none_by_design_with_their_true_joint_probability(
    slots_model: Model, learned: bool, given: Any
) -> None:
    model, count = slots_model if learned else None, 4_000
    decisions = [several(number, SLOTS_HELD, model, given) for number in range(count)]
    baselines = shown(next(one for one in decisions if one.holdback and one.holdback.arm == "baseline"))
    assert baselines == ((0, 1, 3) if given is THREE else (0, 1))
    seen, own = Counter(map(shown, decisions)), {}
    for number in range(count):
        free = several(number, LoopConfig(), model, given)
        own[shown(free)] = joint(free)
    for one in decisions:
        assert one.holdback is not None
        assert one.holdback.arm == "policy" or shown(one) == baselines
        alone = (joint(one) - SHARE * (shown(one) == baselines)) / (1 - SHARE)
        # What the policy never drew by itself is unlikely.
        assert alone == pytest.approx(own.get(shown(one), 0), abs=1e-6 if shown(one) in own else 0.003)
        assert all(sum(slot.probabilities) == pytest.approx(1, abs=1e-5) for slot in one.rankings)
    for outcome, p in {shown(one): joint(one) for one in decisions}.items():
        assert far([seen[outcome] - p * count], count * p * (1 - p)) < 4.5


def test_slots_that_would_be_dear_to_predict_one_by_one_are_in_no_arm(
    slots_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = slots_wire.rank_request(json.dumps(body(eventId="e")).encode())
    cost = slots_ranking.ask(asked, SLOTS_HELD.policy.arguments)
    monkeypatch.setattr("shared.vw.cost.CHEAP", 1)
    assert slots_ranking.decided(cost, SLOTS_HELD, slots_model, None, LOOP).holdback is None


def test_vw_learns_the_same_from_lines_that_tell_their_arm() -> None:
    lines = [json.loads(rewarded(decide(number), float(number % 2))) for number in range(200)]
    assert all(line["_holdback"]["arm"] in ("baseline", "policy") for line in lines)
    bare = [{name: value for name, value in line.items() if name != "_holdback"} for line in lines]
    told, untold = (b"".join(msgspec.json.encode(line) + b"\n" for line in some) for some in (lines, bare))
    assert driven(told, EARLIER_ARGUMENTS) == driven(untold, EARLIER_ARGUMENTS)


def test_what_other_policies_would_have_earned_is_estimated_by_the_logged_probabilities() -> None:
    """Each action earns the same at each time: .3, .6 and .9. Without the share, the estimates would be far off."""
    summarising = Summarising(0.0)
    for number in range(EVENTS):
        decision = decide(number)
        reward = 0.3 * (decision.ranking.order[0] + 1)
        made = learning.interaction(decision)
        observed = Observation(1, "default", made.id, "", "reward", "n", reward)
        summarising.join(number, made, join_line(made, number, [observed], LoopConfig()), 1, key_of(made.id))
    summary = summarising.finished()
    for policy, truth in ((RANDOM, 0.6), (BASELINE, 0.3)):
        sums = summary.total(policy)
        n, mean = float(sums.n), float(sums.wr) / float(sums.n)
        error = math.sqrt((float(sums.wwrr) / n - mean * mean) / n)
        assert abs(mean - truth) < 4 * error
        assert error < 0.05 * truth
