"""Rank against bare VW on the same JSON, from the decoded request to the drawn ranking, and against the plain way,
from the body to the drawn ranking.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pylibvw
import vowpalwabbit

from benchmarks import command, models, parts, traffic
from benchmarks.figures import Figure, at_least, at_most, told
from benchmarks.plain import Ranker
from benchmarks.timing import Side, alternate
from shared.rank import ranking, wire
from shared.rank.features import vw_json
from shared.rank.ranking import Decision
from shared.rank.wire import RankRequest
from shared.vw import sampling
from shared.vw.model import Model
from shared.vw.policy import EARLIER_ARGUMENTS, HISTORIC_ARGUMENTS

FEATURES = 5
POLICIES = {"earlier": EARLIER_ARGUMENTS, "historic": HISTORIC_ARGUMENTS}


def product(model: Path) -> Callable[[RankRequest[Any]], Decision]:
    loaded, config, loop = Model("benchmark", model), parts.EARLIER, sampling.uniform_hash("default")
    return lambda request: ranking.decide(request, config, loaded, loop)


def bare(model: Path) -> Callable[[str], list[float]]:
    """The fastest correct way to ask VW alone."""
    workspace = vowpalwabbit.Workspace(arg_list=["-i", str(model), "--testonly", "--json", "--quiet"])
    parse, predict = workspace._parse, pylibvw.vw.predict_multi
    finish = pylibvw.vw._finish_example_multi_ex

    def call(context: str) -> list[float]:
        examples = parse(context)
        predict(workspace, examples)
        pmf: list[float] = examples[0].get_action_scores()
        finish(workspace, examples)
        return pmf

    return call


def context(body: bytes) -> str:
    """The VW JSON of a request."""
    request = wire.rank_request(body)
    return vw_json(request.context_features or (), request.actions).decode()


def compare(policy: str, actions: int, rounds: int) -> list[Figure]:
    bodies = [traffic.request(actions, FEATURES, seed) for seed in range(100)]
    with tempfile.TemporaryDirectory() as folder:
        model = models.trained(POLICIES[policy], actions, FEATURES, Path(folder))
        decide = product(model)
        decided = Side(decide, [wire.rank_request(body) for body in bodies])
        ours, plain = Side(lambda body: decide(wire.rank_request(body)), bodies), Side(Ranker(model).ranked, bodies)
        alone = Side(bare(model), [context(body) for body in bodies])
    alternate([decided, ours, alone, plain], rounds, calls=2_000 // actions)
    name = f"rank, {actions} actions, {policy} policy"
    whole, bare_vw, plainly = (f"{side.best:.1f} us" for side in (ours, alone, plain))
    return [
        at_most(f"{name}: decoded request to ranking, against bare VW", decided.best, alone.best, 2.0, "us"),
        told(f"{name}: body to ranking, against bare VW", whole, bare_vw, ours.best / alone.best),
        at_least(f"{name}: body to ranking, faster than the plain way", plain.best / ours.best, whole, plainly, 3.0),
    ]


def run(quick: bool = False) -> list[Figure]:
    return [
        figure
        for policy in POLICIES
        for actions in (10, 50)
        for figure in compare(policy, actions, rounds=5 if quick else 100)
    ]


if __name__ == "__main__":
    command.main("rank", __doc__, run)
