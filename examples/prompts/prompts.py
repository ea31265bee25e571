"""Which prompt and which language model to use for a request, learned from the quality of answers and their price.

`prompts.py --ask "Summarise this mail"` answers one request; `prompts.py --simulate 2000` sends simulated ones and
prints what choosing earned. PERSONALIZER_ENDPOINT and PERSONALIZER_KEY say which loop chooses. The models are
simulated (models.py): put calls of yours in place of `complete`.
"""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import httpx

import users
from models import MODELS, PROMPTS, Completion, complete

ENDPOINT = os.environ.get("PERSONALIZER_ENDPOINT", "http://127.0.0.1:7071")
KEY = os.environ.get("PERSONALIZER_KEY", "local-app-key")
PATIENCE_SECONDS = 2
WORTH_OF_A_CENT = 0.25  # the quality, of 0 to 1, that is given up to save a cent

log = logging.getLogger("prompts")

# One action for each pair. The first is the baseline and the fallback: the largest model, asked plainly.
PAIRS = {f"{model}+{prompt}": (model, prompt) for model, prompt in product(MODELS, PROMPTS)}
ACTIONS = [
    {"id": pair, "features": [{"model": model, "size": MODELS[model].size}, {"prompt": prompt}]}
    for pair, (model, prompt) in PAIRS.items()
]


@dataclass(frozen=True)
class Choice:
    """A pair of model and prompt. event_id: what its reward goes to; None if Personalizer could not be asked."""

    pair: str
    event_id: str | None


client = httpx.Client(
    base_url=f"{ENDPOINT}/personalizer/v1.0/", headers={"Ocp-Apim-Subscription-Key": KEY}, timeout=PATIENCE_SECONDS
)


def features_of(request: str) -> dict[str, str]:
    """What is known of a request before a model has read it. Its text is no feature: it never comes again."""
    words = request.lower().split()
    task = next((task for task, signs in users.SIGNS.items() if any(word in signs for word in words)), "other")
    return {"task": task, "length": "long" if len(words) > 50 else "short"}


def choose(features: Mapping[str, str]) -> Choice:
    """Asks Personalizer, by plain REST."""
    try:
        answer = client.post("rank", json={"contextFeatures": [dict(features)], "actions": ACTIONS})
        ranked = answer.raise_for_status().json()
    except httpx.HTTPError as error:
        log.warning("Personalizer did not choose: %s", error)
        return Choice(next(iter(PAIRS)), None)
    return Choice(ranked["rewardActionId"], ranked["eventId"])


def reward_of(quality: float, cents: float) -> float:
    """Quality (0 to 1) minus the weighted price, within what a reward may be."""
    return max(-1.0, min(1.0, quality - WORTH_OF_A_CENT * cents))


def judged(event_id: str, quality: float, cents: float) -> None:
    """Rewards a choice. quality: of a user's thumb, a judging model, a test that passes: whatever is at hand."""
    try:
        client.post(f"events/{event_id}/reward", json={"value": reward_of(quality, cents)}).raise_for_status()
    except httpx.HTTPError as error:
        log.warning("the reward of %s is lost: %s", event_id, error)


def answer(request: str) -> tuple[Choice, Completion]:
    """Answers a request with the pair that Personalizer chooses for it."""
    features = features_of(request)
    choice = choose(features)
    return choice, complete(*PAIRS[choice.pair], features)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ask", metavar="TEXT", default="Summarise this mail", help="a request (default: %(default)s)")
    parser.add_argument("--simulate", type=int, metavar="N", help="send N simulated requests instead")
    parser.add_argument("--pause", type=float, default=10, help="seconds after half of them, to learn (default: 10)")
    parser.add_argument("--seed", type=int, default=1, help="of the requests (default: 1)")
    given = parser.parse_args()
    with client:
        if given.simulate:
            users.simulate(PAIRS, answer, features_of, judged, reward_of, given.simulate, given.pause, given.seed)
            return
        choice, completion = answer(given.ask)
        print(f"{choice.pair}: {completion.text} ({completion.cents:.2f} cents)")
        print(f"event: {choice.event_id or 'none: Personalizer did not answer'}")


if __name__ == "__main__":
    main()
