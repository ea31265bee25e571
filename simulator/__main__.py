"""Watch a loop learn: `python -m simulator`.

Starts the whole service on this machine with new data, sends it simulated visitors through the official Python SDK,
and shows the reward they earn between random choice and the best possible. Every scenario gets a service of its own.
Exit status: 0 if the loop clearly learned in every scenario, that is if in the last quarter of the run the mean
reward is more than 4 standard errors above random and at least 25 % of the possible gain is reached, and no
acknowledged event is missing; 1 if not; 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys

from aiohttp import ClientError

from local import azurite
from local.__main__ import DEFAULTS
from local.packages import InstallError
from local.supervisor import StartError
from shared.dashboard import sessions
from simulator.admin import Refused
from simulator.demo import Result, Run, play, summary
from simulator.display import Display, display
from simulator.fresh import FreshService, fresh_service
from simulator.scenarios import SCENARIOS

# Long enough to learn on a busy machine. In travel what was learned has to be unlearned, which takes longer.
SECONDS = {"cafe": 45.0, "bookshop": 70.0, "travel": 90.0, "streaming": 45.0}
SHOWN = ("cafe", "bookshop")
INTERRUPTED, TERMINATED = 130, 143


async def demonstrate(runs: list[Run], given: argparse.Namespace, screen: Display) -> list[Result]:
    """Plays the runs one after the other; StartError, Refused or ClientError if there is no service to play with."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    if given.url:
        return [await _play_running(run, given, screen) for run in runs]
    return [await _play_fresh(run, screen) for run in runs]


async def _play_running(run: Run, given: argparse.Namespace, screen: Display) -> Result:
    result = await play(run, given.url, given.key, given.admin_key, screen, None)
    _report(result, screen)
    return result


async def _play_fresh(run: Run, screen: Display) -> Result:
    screen.say("starting Azurite, the Event Hubs server and the function app ...")
    async with fresh_service(screen.say) as service:
        screen.say(f"ready: {service.url}")
        link = sessions.link([service.admin_key])
        screen.say(f"dashboard, while it runs: {service.url}/dashboard/enter?link={link} (good once)\n")
        result = await play(run, service.url, service.app_key, service.admin_key, screen, service.counts)
        _report(result, screen, service)
        return result


def _report(result: Result, screen: Display, service: FreshService | None = None) -> None:
    screen.say("\n".join(["", *summary(result), ""]))
    for hint in _hints(result, service):
        screen.say(f"  look at: {hint}")


def _hints(result: Result, service: FreshService | None) -> list[str]:
    if not result.doubts:
        return []
    found = []
    if result.visitors.failure:
        found.append(f"the last failed call: {result.visitors.failure}")
    if not result.models:
        found.append(
            f"no model was published within {result.run.seconds:g} s; rewardWaitTime was {result.run.wait:g} s"
        )
    if service is not None:
        service.keep = True
        found.append(f"{service.data / 'logs'} (timers.log is the trainer's); the data stays there")
    return found or ["whether the machine was too busy: a longer run, --seconds, has more visits to learn from"]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    names = [scenario.name for scenario in SCENARIOS]
    stories = "; ".join(f"{scenario.name}: {scenario.story}" for scenario in SCENARIOS)
    parser.add_argument(
        "--scenario",
        action="append",
        choices=names,
        metavar="NAME",
        help=f"what to play, may be repeated (default: {', '.join(SHOWN)}). {stories}",
    )
    parser.add_argument("--seconds", type=_seconds, help="length of each scenario (default: 45 to 90)")
    parser.add_argument("--seed", type=int, default=1, help="of the visitors (default: 1)")
    parser.add_argument(
        "--reward-wait",
        type=_seconds,
        default=2.0,
        metavar="SECONDS",
        help="rewardWaitTime during the run (default: 2). With 600 nothing can be learned in time: the counter-check",
    )
    parser.add_argument(
        "--url", type=_url, help="play with this running service instead; its loop learns from the visitors"
    )
    parser.add_argument("--key", default=DEFAULTS["APP_KEYS"], help="its app key (default: the local run's)")
    parser.add_argument("--admin-key", default=DEFAULTS["ADMIN_KEYS"], help="its admin key (default: the local run's)")
    return parser.parse_args()


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 1 <= value <= 86_400:
        raise argparse.ArgumentTypeError("give 1 to 86400 seconds")
    return value


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"give all of it, as in http://{text}")
    return text.rstrip("/")


def main() -> int:
    """Entry point of the command."""
    given = _arguments()
    with contextlib.suppress(AttributeError):
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    chosen = given.scenario or SHOWN
    runs = [
        Run(scenario, given.seconds or SECONDS[scenario.name], given.seed, given.reward_wait)
        for name in chosen
        for scenario in SCENARIOS
        if scenario.name == name
    ]
    screen = display(sys.stdout)
    try:
        if not given.url:
            azurite.install()
        results = asyncio.run(demonstrate(runs, given, screen))
    except (StartError, InstallError, Refused, ClientError, TimeoutError) as error:
        print(error or type(error).__name__, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except asyncio.CancelledError:
        return TERMINATED
    failed = [result.run.scenario.name for result in results if result.doubts]
    screen.say(f"The loop did not clearly learn in: {', '.join(failed)}." if failed else "The loop learned.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
