"""How often the optimiser promotes a policy where none can be better: logs whose rewards do not depend on the action.

`python -m benchmarks.optimiser --logs 200` takes some ten seconds for each log.
"""

import argparse
import random
import tempfile
from concurrent.futures import Executor
from pathlib import Path

import msgspec

from benchmarks.figures import Figure, show
from evaluation import executors, optimise
from evaluation.compare import Question
from evaluation.runner import Runner
from shared.evaluation.spool import Period, Spool
from shared.joined_log.joined_lines import timestamp
from shared.loops.config import LoopConfig
from shared.vw import dsjson
from shared.vw.dsjson import Line, State

EVENTS, ACTIONS, VISITORS = 5_000, 10, 4
START, STEP = 1_767_225_600_000, 10_000  # ms since 1970, and between events
# Chance lets at most so many of 200 through.
MOST_PROMOTED = 10 / 200


def line(number: int, draw: random.Random) -> bytes:
    """An event of a uniform log with a reward that is a coin's."""
    visitor, chosen, reward = draw.randrange(VISITORS), draw.randrange(ACTIONS), float(draw.random() < 0.3)
    actions = [{"_tag": f"a{one}", "i": {"constant": 1}, "j": [{"kind": f"k{one}"}]} for one in range(ACTIONS)]
    context = msgspec.json.encode({"FromUrl": [{"visitor": f"v{visitor}"}], "_multi": actions})
    others = [one + 1 for one in range(ACTIONS) if one != chosen]
    made = Line(
        cost=-reward, probability=1 / ACTIONS, action=chosen + 1, index=chosen, at=timestamp(START + number * STEP),
        version="1", id=f"e{number}", a=[chosen + 1, *others], c=msgspec.Raw(context), p=[1 / ACTIONS] * ACTIONS,
        state=State("N/A"), original_cost=-reward,
    )  # fmt: skip
    return dsjson.encode(made)


def promotes(seed: int, executor: Executor) -> bool:
    """Whether the optimiser recommends another policy for the log of a seed."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spool = Spool(folder / "log", Period())
        for number in range(EVENTS):
            spool.add(START + number * STEP, line(number, draw))
        spool.close()
        question = Question(LoopConfig(), False, spool)
        made = optimise.planned(question, [])
        (folder / "work").mkdir()
        outcome = Runner(executor, 1, made, spool, folder / "work").run(lambda share, seconds: None)
        found = optimise.judged(question, made, outcome)
    best = next((one for one in found.policies if one.name == found.chosen), None)
    return best is not None and best.verdict is not None and best.verdict.promoted


def run(quick: bool, logs: int = 200) -> list[Figure]:
    """The figure; a quick run has 3 logs, too few to judge the goal by."""
    logs = 3 if quick else logs
    with executors.processes(1) as executor:
        promoted = 0
        for seed in range(logs):
            promoted += promotes(seed, executor)
            print(f"{seed + 1} logs, {promoted} promoted", flush=True)
    share = promoted / logs
    reached = share <= MOST_PROMOTED
    told = f"{promoted} of {logs}", f"{MOST_PROMOTED:.0%}"
    return [Figure("promoted where nothing can be better", *told, share, f"<= {MOST_PROMOTED:g}", reached)]


def main() -> None:
    """Entry point of the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.optimiser", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="short runs, for a first look")
    parser.add_argument("--logs", type=int, default=200, help="logs (default: %(default)s)")
    given = parser.parse_args()
    show(run(given.quick, given.logs))


if __name__ == "__main__":
    main()
