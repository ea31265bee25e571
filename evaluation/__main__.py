"""What other policies would have earned, from the log of a loop or from old logs alone."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from evaluation import arguments, compare, explore, features, finish, optimise
from evaluation.errors import EvaluationError
from migration.target import TargetError
from migration.words import joined
from shared.loops.config import DEFAULT_LOOP
from shared.loops.unreadable import Unreadable
from shared.storage import StorageUnavailable

INTERRUPTED = 130
SOURCE = """The log is that of a loop in storage, of a local run (--data) or of the deployment that the function app's
settings in the environment name, or files and folders of dsjson (--log). No service has to run."""


_COMMANDS = {
    "compare": compare.run,
    "optimise": optimise.run,
    "features": features.run,
    "explore": explore.run,
    "finish": finish.run,
}


def _arguments(command: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evaluation", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    comparing = commands.add_parser(
        "compare",
        help="policies over the same events, with intervals",
        description=f"Tells what each policy would have earned, and how sure that is. {SOURCE}",
    )
    _policies(comparing)
    comparing.add_argument(
        "--doubly-robust", action="store_true", help="also estimate with a model of the rewards; takes twice as long"
    )
    comparing.add_argument("--events", type=Path, metavar="FILE", help="write a line of JSON for each event and policy")
    _common(comparing)
    optimising = commands.add_parser(
        "optimise",
        help="look for a better policy",
        description="Has exploration, cost type, learning rate and crossings compete on one half of the log, and "
        f"judges the best on the other half, beside the policies that are named. {SOURCE}",
    )
    _policies(optimising)
    _common(optimising)
    featuring = commands.add_parser(
        "features",
        help="what each feature is worth",
        description="Has a policy learn the log without each namespace and feature, and tells what it earns less. "
        + SOURCE,
    )
    _policies(featuring)
    _common(featuring, html=False)
    exploring = commands.add_parser(
        "explore",
        help="more and less exploration",
        description=f"Replays a policy with other values of explorationPercentage. {SOURCE}",
    )
    _policies(exploring)
    _common(exploring, html=False)
    finishing = commands.add_parser(
        "finish",
        help="work a job of the API to its end",
        description="Works an evaluation or feature importance that was asked for by the API, with the parts that the "
        "evaluator has stored. It may run beside the evaluator: what both have worked counts once.",
    )
    finishing.add_argument("id", help="of the job")
    finishing.add_argument(
        "--minutes", type=_minutes, default=60.0, help="that one part of the work may take (default: %(default)g)"
    )
    _place(finishing)
    return parser.parse_args(command)


def _minutes(text: str) -> float:
    found = arguments.number(text)
    if found <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number of minutes above 0")
    return found


def _place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--loop", type=arguments.loop, default=DEFAULT_LOOP, help="name of the loop (default: %(default)s)"
    )
    parser.add_argument("--data", type=Path, help="data folder of a local run, which may be running or not")


def _policies(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--policy",
        action="append",
        default=[],
        metavar="POLICY",
        help="NAME='ARGUMENTS', or default, personalizer or current (the loop's own); repeat it for up to 10",
    )


def _common(parser: argparse.ArgumentParser, *, html: bool = True) -> None:
    _place(parser)
    parser.add_argument(
        "--log", type=Path, nargs="+", default=[], metavar="PATH", help="dsjson files or folders of them, also gzipped"
    )
    parser.add_argument(
        "--from", dest="since", type=arguments.time, metavar="TIME", help="ISO 8601 time of the first events"
    )
    parser.add_argument(
        "--to", dest="until", type=arguments.time, metavar="TIME", help="ISO 8601 time before which events are"
    )
    parser.add_argument(
        "--exploration",
        type=arguments.share,
        metavar="SHARE",
        help="explorationPercentage, 0 to 1 (default: the loop's or 0.2)",
    )
    parser.add_argument(
        "--default-reward",
        type=arguments.number,
        metavar="REWARD",
        help="of events without one (default: the loop's, else 0)",
    )
    parser.add_argument(
        "--workers",
        type=arguments.workers,
        default=compare.cores(),
        metavar="N",
        help="processes (default: %(default)s)",
    )
    parser.add_argument(
        "--cluster", metavar="ADDRESS", help="scheduler of Dask distributed that has the work done, tcp://HOST:8786"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result as JSON")
    if html:
        parser.add_argument("--html", type=Path, metavar="FILE", help="write a report that needs no other file")


def main(command: Sequence[str] | None = None) -> int:
    """Entry point of the command. Exit status: 1 if the evaluation could not be made, 130 after Ctrl-C."""
    given = _arguments(joined(sys.argv[1:] if command is None else command))
    logging.getLogger("azure").setLevel(logging.CRITICAL)  # it tells at length what `main` tells in a line
    try:
        return asyncio.run(_COMMANDS[given.command](given))
    except (TargetError, EvaluationError, Unreadable) as error:
        print(error, file=sys.stderr)
    except StorageUnavailable as error:
        print(f"The storage does not answer: {error} Is it the right one, and are you signed in?", file=sys.stderr)
    except KeyboardInterrupt:
        print("Interrupted. Nothing was changed.", file=sys.stderr)
        return INTERRUPTED
    return 1


if __name__ == "__main__":
    sys.exit(main())
