"""Multi-slot rank against bare VW on the same JSON, from the decoded request to the answer."""

import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pylibvw
import vowpalwabbit

from benchmarks import command, traffic
from benchmarks.figures import Figure, at_most, told
from benchmarks.timing import Side, alternate
from shared.hubs import events
from shared.joined_log.joined_lines import join_line
from shared.loops.config import LoopConfig, Policy
from shared.rank import slots_ranking, slots_wire
from shared.rank.slots_wire import MultiSlotRankRequest
from shared.vw import learning
from shared.vw.model import Model
from shared.vw.policy import MULTI_SLOT_ARGUMENTS

SLOTS, ACTIONS, FEATURES = 5, 20, 5


def request(seed: int, excluded: int = 0) -> bytes:
    """A multi-slot request: a Rank request with five slots of two features, each with some actions excluded."""
    rng = random.Random(seed)
    body = json.loads(traffic.request(ACTIONS, FEATURES, seed, f"event-{seed}"))
    ids = [action["id"] for action in body["actions"]]
    body["slots"] = [
        {
            "id": f"slot-{number}",
            "baselineAction": ids[number],
            "features": [{"position": f"place{number}", "size": SLOTS - number}],
            "excludedActions": rng.sample(ids[SLOTS:], excluded),
        }
        for number in range(SLOTS)
    ]
    return json.dumps(body).encode()


def trained(folder: Path, count: int) -> Path:
    """The file of a model that learned from `count` decisions, as the trainer publishes it for Rank."""
    batch, model, predict = folder / "batch.dsjson", folder / "model.vw", folder / "predict.vw"
    config = LoopConfig(policy=Policy("multi-slot", MULTI_SLOT_ARGUMENTS))
    with batch.open("wb") as lines:
        for seed in range(count):
            decision = slots_ranking.decide(slots_wire.rank_request(request(seed)), LoopConfig(), None)
            event = events.decode_interaction(slots_ranking.event(decision, "default", deferred=False))
            rewards = [
                events.Observation(
                    1, "default", event.id, events.now(), "reward", events.nonce(), seed % 3 / 2, slot.id
                )
                for slot in decision.slots
            ]
            lines.write(join_line(event, 0, rewards, config).line)
    learning.learn(MULTI_SLOT_ARGUMENTS, None, batch, model)
    learning.reduce(model, predict)
    return predict


def product(model: Path) -> Callable[[MultiSlotRankRequest[Any]], bytes]:
    loaded, config = Model("benchmark", model), LoopConfig()
    return lambda request: slots_ranking.answer(slots_ranking.decide(request, config, loaded))


def bare(model: Path) -> Callable[[str], list[list[tuple[int, float]]]]:
    """The fastest correct way to ask VW alone."""
    workspace = vowpalwabbit.Workspace(arg_list=["-i", str(model), "--testonly", "--json", "--quiet"])
    parse, predict = workspace._parse, pylibvw.vw.predict_multi
    finish = pylibvw.vw._finish_example_multi_ex

    def call(context: str) -> list[list[tuple[int, float]]]:
        examples = parse(context)
        predict(workspace, examples)
        slots: list[list[tuple[int, float]]] = examples[0].get_decision_scores()
        finish(workspace, examples)
        return slots

    return call


def compare(excluded: int, rounds: int, count: int = 300) -> list[Figure]:
    bodies = [request(seed, excluded) for seed in range(100)]
    with tempfile.TemporaryDirectory() as folder:
        model = trained(Path(folder), count)
        answer, ask = product(model), bare(model)
    requests = [slots_wire.rank_request(body) for body in bodies]
    contexts = [slots_ranking.decide(one, LoopConfig(), None).context.decode() for one in requests]
    decided, alone = Side(answer, requests), Side(ask, contexts)
    whole = Side(lambda body: answer(slots_wire.rank_request(body)), bodies)
    alternate([decided, alone, whole], rounds, calls=100)
    name = f"multi-slot rank, {SLOTS} slots, {ACTIONS} actions, {excluded} excluded"
    measured, reference = f"{whole.best:.1f} us", f"{alone.best:.1f} us"
    return [
        at_most(f"{name}: decoded request to answer, against bare VW", decided.best, alone.best, 2.0, "us"),
        told(f"{name}: body to answer, against bare VW", measured, reference, whole.best / alone.best),
    ]


def run(quick: bool = False) -> list[Figure]:
    return [figure for excluded in (0, 3) for figure in compare(excluded, rounds=5 if quick else 50)]


if __name__ == "__main__":
    command.main("slots", __doc__, run)
