"""Rank, from the body of a request to the drawn ranking, against bare VW on the same JSON and against the plain way."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pylibvw
import vowpalwabbit

from benchmarks import command, models, traffic
from benchmarks.figures import Figure, at_least, at_most
from benchmarks.plain import Ranker
from benchmarks.timing import Side, alternate
from shared import ranking, sampling, wire
from shared.features import vw_json
from shared.loops import LoopConfig
from shared.model import Model
from shared.policy import DEFAULT_ARGUMENTS, HISTORIC_ARGUMENTS
from shared.ranking import Decision

FEATURES = 5
POLICIES = {"default": DEFAULT_ARGUMENTS, "historic": HISTORIC_ARGUMENTS}


def product(model: Path) -> Callable[[bytes], Decision]:
    loaded, config, loop = Model("benchmark", model), LoopConfig(), sampling.uniform_hash("default")
    return lambda body: ranking.decide(wire.rank_request(body), config, loaded, loop)


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
        ours, plain = Side(product(model), bodies), Side(Ranker(model).rank, bodies)
        alone = Side(bare(model), [context(body) for body in bodies])
    alternate([ours, alone, plain], rounds, calls=2_000 // actions)
    name = f"rank, {actions} actions, {policy} policy"
    shown = f"{ours.best:.1f} us", f"{plain.best:.1f} us"
    return [
        at_most(f"{name}: against bare VW", ours.best, alone.best, 2.0, "us"),
        at_least(f"{name}: faster than the plain way", plain.best / ours.best, *shown, 3.0),
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
