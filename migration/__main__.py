"""The way in for loops of Azure Personalizer: `import` what was exported of one, `rebuild` a model from its log,
`summarise` that log."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from evaluation import arguments
from evaluation.compare import cores
from evaluation.errors import EvaluationError
from migration import bring_in, compare, erase, rebuild, summarise
from migration.erase import EraseError
from migration.rebuild import RebuildError
from migration.summarise import SummariseError
from migration.target import TargetError
from migration.words import joined
from shared.loops.config import DEFAULT_LOOP
from shared.loops.unreadable import Unreadable
from shared.storage import StorageUnavailable
from shared.vw import policy

COMMANDS = {
    "import": bring_in.run,
    "compare": compare.run,
    "rebuild": rebuild.run,
    "summarise": summarise.run,
    "erase": erase.run,
}
INTERRUPTED = 130
STORAGE = """Blobs are those of a local run (--data), or of the deployment that the function app's settings in the
environment name: STORAGE_CONNECTION_STRING, or STORAGE_ACCOUNT_URL with your own sign-in (az login)."""


def _arguments(command: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m migration", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _import_arguments(
        commands.add_parser(
            "import",
            help="import configuration, policy, model and logs",
            description=f"Imports what was exported of a loop of Azure Personalizer and tells what it did. {STORAGE}",
        )
    )
    _compare_arguments(
        commands.add_parser(
            "compare",
            help="tell from the old log whether the new loop is as good as the old one",
            description="Replays the old policy and that of new loops from blank over the old log, and judges the "
            f"exported model on the events after it. Nothing is changed. {STORAGE}",
        )
    )
    _rebuild_arguments(
        commands.add_parser(
            "rebuild",
            help="train a fresh model from a loop's log",
            description="Trains a fresh model from the whole log of a loop, and publishes it or writes it into a file. "
            + STORAGE,
        )
    )
    _common(
        commands.add_parser(
            "summarise",
            help="make the summaries of a loop from its log",
            description="Makes the summaries of a loop from its log: of imported events, of runs of versions that "
            f"stored none, and of those whose summaries are damaged. {STORAGE}",
        )
    )
    erasing = commands.add_parser(
        "erase",
        help="take events out of files of old logs",
        description="Takes the events that a selection means out of files of dsjson. A loop's own log is erased by "
        "PUT /loops/{loop}/erasures/{id}.",
    )
    erasing.add_argument("--logs", type=Path, nargs="+", required=True, metavar="PATH", help="files or folders of them")
    erasing.add_argument(
        "--selection", type=Path, required=True, metavar="FILE", help="JSON list of eventId, or feature and value"
    )
    erasing.add_argument("--dry-run", action="store_true", help="change nothing, only count")
    given = parser.parse_args(command)
    if given.command == "import" and not any(
        (given.service, given.policy, given.model, given.logs, given.retention_days is not None)
    ):
        parser.error("name what to import: --service, --policy, --model, --logs")
    return given


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--loop", type=arguments.loop, default=DEFAULT_LOOP, help="name of the loop (default: %(default)s)"
    )
    parser.add_argument("--data", type=Path, help="data folder of a local run, which may be running or not")


def _import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--service", type=Path, metavar="FILE", help="JSON of GET configurations/service")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="JSON of GET configurations/policy")
    parser.add_argument(
        "--model", type=Path, metavar="FILE", help="GET model: the zip of signed=true, or a plain model"
    )
    parser.add_argument(
        "--logs", type=Path, nargs="+", default=[], metavar="PATH", help="dsjson files or folders of them, also gzipped"
    )
    parser.add_argument("--endpoint", metavar="URL", help="of the service here, for all but logs")
    parser.add_argument("--key", help="an admin key (default: the first of ADMIN_KEYS, else the local run's)")
    parser.add_argument(
        "--at", type=arguments.time, metavar="TIME", help="ISO 8601 time of events that have no Timestamp"
    )
    parser.add_argument(
        "--retention-days",
        type=int,
        metavar="DAYS",
        help="logRetentionDays to put, whatever the export says; -1: forever",
    )
    parser.add_argument(
        "--replace-model", action="store_true", help="put the model also over one that has learned in the loop since"
    )
    parser.add_argument("--dry-run", action="store_true", help="change nothing, only tell what would become of it")
    _common(parser)


def _compare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--logs",
        dest="log",
        type=Path,
        nargs="+",
        default=[],
        metavar="PATH",
        help="files or folders of dsjson, in place of what the loop has imported",
    )
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="JSON of GET configurations/policy (default: the loop's own)"
    )
    parser.add_argument(
        "--model", type=Path, metavar="FILE", help="GET model: the zip of signed=true, or a plain model"
    )
    parser.add_argument(
        "--created",
        type=arguments.time,
        metavar="TIME",
        help="when the model was exported (default: when its file was written)",
    )
    parser.add_argument(
        "--workers", type=arguments.workers, default=cores(), metavar="N", help="processes (default: %(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result as JSON")
    parser.set_defaults(
        cluster=None, since=None, until=None, exploration=None, default_reward=None, doubly_robust=False
    )
    _common(parser)


def _rebuild_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--policy",
        metavar="ARGUMENTS",
        help=f"VW arguments, or one of {', '.join(policy.NAMED)} (default: the loop's own policy)",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the model here and publish nothing")
    parser.add_argument(
        "--force", action="store_true", help="publish the model also if it is estimated to earn less than the log did"
    )
    _common(parser)


def main(command: Sequence[str] | None = None) -> int:
    """Entry point of the command. Exit status: 1 if anything that was named could not be done, 130 after Ctrl-C."""
    given = _arguments(joined(sys.argv[1:] if command is None else command))
    logging.getLogger("azure").setLevel(logging.CRITICAL)  # it tells at length what `main` tells in a line
    try:
        return asyncio.run(COMMANDS[given.command](given))
    except (TargetError, RebuildError, SummariseError, EraseError, EvaluationError, Unreadable) as error:
        print(error, file=sys.stderr)
    except StorageUnavailable as error:
        print(f"The storage does not answer: {error} Is it the right one, and are you signed in?", file=sys.stderr)
    except KeyboardInterrupt:
        print("Interrupted. What is stored stays; the same command goes on from there.", file=sys.stderr)
        return INTERRUPTED
    return 1


if __name__ == "__main__":
    sys.exit(main())
