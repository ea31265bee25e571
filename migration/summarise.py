"""The command `summarise`: the summaries of a loop made from its log, of imports and of runs that stored none."""

import argparse

from migration.progress import Progress
from migration.target import blobs
from shared.joined_log import damaged_logs
from shared.training.summaries_anew import LogDeleted, Making


class SummariseError(Exception):
    """The summaries were not made; the text says what to do."""


async def run(given: argparse.Namespace) -> int:
    """Makes them and tells how many; raises SummariseError."""
    async with blobs(given.data, given.loop) as loop:
        config, _ = await loop.config()
        progress = Progress()
        made = Making(loop.storage, loop.home, config.default_reward, progress.update)
        try:
            await made.all()
        except LogDeleted:
            raise SummariseError("The log was deleted meanwhile; run the command again.") from None
        progress.end("the log is read")
        for name, damage in damaged_logs.met(loop.home).items():
            print(f"skipped from its damage on: {name} ({damage})")
        if made.unread:
            print(f"skipped: {made.unread:,} lines that are no decisions")
        if made.left:
            print(f"left as they were, for the log has less of them: {', '.join(made.left)}")
        logged, imported = sum(made.logged.values()), sum(made.imported.values())
        days = len({*made.logged, *made.imported})
        print(f"summarised: {logged + imported:,} events of {days} days, {imported:,} imported ones among them")
        return 0
