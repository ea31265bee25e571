"""A chat bot that asks back when it does not understand, and learns which meaning to put first.

`assistant.py` serves the chat on http://127.0.0.1:8001; `assistant.py --simulate 2000` has simulated customers talk to
it instead and prints how often the first link was the right one. PERSONALIZER_ENDPOINT and PERSONALIZER_KEY say which
loop ranks.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import uvicorn
from azure.cognitiveservices.personalizer import PersonalizerClient
from azure.cognitiveservices.personalizer.models import RankableAction, RankRequest
from fastapi import Body, FastAPI
from fastapi.responses import FileResponse
from msrest.authentication import CognitiveServicesCredentials
from msrest.exceptions import ClientException

import customers
from intents import BY_ID, INTENTS, Intent

ENDPOINT = os.environ.get("PERSONALIZER_ENDPOINT", "http://127.0.0.1:7071")
KEY = os.environ.get("PERSONALIZER_KEY", "local-app-key")
PATIENCE_SECONDS = 2
SURE, CANDIDATES, OPEN_QUESTIONS = 0.7, 6, 10_000

log = logging.getLogger("assistant")


@dataclass(frozen=True)
class Reply:
    """What the bot says. choices: intents by id, as links in this order. event_id: of the question if it was ranked."""

    say: str
    choices: list[str]
    event_id: str | None = None


def recognise(text: str) -> list[tuple[float, Intent]]:
    """Intents with their scores from 0 to 1, best first. A language understanding service stands here in earnest."""
    said = set(re.findall(r"\w+", text.lower()))
    scored = [(len(said & intent.words) / len(intent.words), intent) for intent in INTENTS]
    return sorted(scored, key=lambda one: -one[0])


client = PersonalizerClient(ENDPOINT, CognitiveServicesCredentials(KEY))
client.config.connection.timeout = PATIENCE_SECONDS
client.config.retry_policy.retries = 0
client.config.keep_alive = True

# The first link of every question that is not answered yet. Several processes would keep this in a store they share.
first_links: dict[str, str] = {}


def reply(text: str, customer: dict[str, str]) -> Reply:
    """Answers what is clear, and asks back about the rest."""
    scored = recognise(text)
    if scored[0][0] >= SURE:
        return Reply(scored[0][1].answer, [])
    return ask_back(text, customer, scored[:CANDIDATES])


def ask_back(text: str, customer: dict[str, str], candidates: list[tuple[float, Intent]]) -> Reply:
    """Ranks the candidates, each time anew. Without Personalizer they stay in the recogniser's order, the baseline."""
    question = "I am not sure what you mean. Is it one of these?"
    words = dict.fromkeys(re.findall(r"\w+", text.lower())[:20], 1)
    actions = [
        RankableAction(id=intent.id, features=[{"topic": intent.topic, "score": round(score, 1)}])
        for score, intent in candidates
    ]
    try:
        ranked = client.rank(RankRequest(context_features=[{"customer": customer, "words": words}], actions=actions))
    except ClientException as error:
        log.warning("Personalizer did not rank: %s", error)
        return Reply(question, [intent.id for _, intent in candidates])
    # The chosen one first, then the others by their probability.
    others = sorted((one for one in ranked.ranking if one.id != ranked.reward_action_id), key=lambda o: -o.probability)
    order = [ranked.reward_action_id, *(one.id for one in others)]
    first_links[ranked.event_id] = order[0]
    if len(first_links) > OPEN_QUESTIONS:
        del first_links[next(iter(first_links))]
    return Reply(question, order, ranked.event_id)


def picked(event_id: str | None, intent_id: str | None) -> str:
    """The answer to a pick, None if no link was right. The first link earns 1, any other pick 0."""
    first = first_links.pop(event_id or "", None)
    if first is not None:
        try:
            client.events.reward(event_id, 1.0 if intent_id == first else 0.0)
        except ClientException as error:
            log.warning("the reward of %s is lost: %s", event_id, error)
    return BY_ID[intent_id].answer if intent_id in BY_ID else "A colleague will write to you."


app = FastAPI(title="assistant", docs_url=None, redoc_url=None, openapi_url=None)


@app.get("/")
def chat() -> FileResponse:
    return FileResponse(Path(__file__).with_name("chat.html"))


@app.post("/messages")
def message(text: str = Body(max_length=500), customer: customers.Customer = Body()) -> dict[str, Any]:  # noqa: B008
    said = reply(text, asdict(customer))
    links = [{"intent": one, "title": BY_ID[one].title} for one in said.choices]
    return {"say": said.say, "links": links, "event": said.event_id}


@app.post("/picks")
def pick(event: str | None = Body(None), intent: str | None = Body(None)) -> dict[str, str]:
    return {"say": picked(event, intent)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8001, help="of the chat (default: 8001)")
    parser.add_argument("--simulate", type=int, metavar="N", help="have N simulated customers ask instead of serving")
    parser.add_argument("--pause", type=float, default=10, help="seconds after half of them, to learn (default: 10)")
    parser.add_argument("--seed", type=int, default=1, help="of the customers (default: 1)")
    given = parser.parse_args()
    if given.simulate:
        customers.simulate(recognise, reply, picked, given.simulate, given.pause, given.seed)
    else:
        uvicorn.run(app, host="127.0.0.1", port=given.port)


if __name__ == "__main__":
    main()
