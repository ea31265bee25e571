"""A web shop whose landing page leads with the offer that Personalizer chooses for each visitor.

`shop.py` serves the shop on http://127.0.0.1:8000; `shop.py --simulate 2000` sends simulated shoppers instead and
prints what choosing earned. PERSONALIZER_ENDPOINT and PERSONALIZER_KEY say which loop chooses.
"""

from __future__ import annotations

import argparse
import logging
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import uvicorn
from azure.cognitiveservices.personalizer import PersonalizerClient
from azure.cognitiveservices.personalizer.models import RankableAction, RankRequest
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.templating import Jinja2Templates
from msrest.authentication import CognitiveServicesCredentials
from msrest.exceptions import ClientException

import shoppers

ENDPOINT = os.environ.get("PERSONALIZER_ENDPOINT", "http://127.0.0.1:7071")
KEY = os.environ.get("PERSONALIZER_KEY", "local-app-key")
PATIENCE_SECONDS = 2
COOKIE = "has_been_here"

log = logging.getLogger("shop")


@dataclass(frozen=True)
class Offer:
    """What the landing page may lead with. The first one is the baseline, and the fallback."""

    id: str
    title: str
    text: str
    price: str
    kind: str
    discount: int

    @property
    def action(self) -> RankableAction:
        return RankableAction(id=self.id, features=[{"kind": self.kind, "discount": self.discount / 100}])


OFFERS = [
    Offer("rain-jacket", "Dry all autumn", "Rain jackets of recycled nylon.", "from 79 €", "outdoor", 20),
    Offer("espresso", "Your own barista", "Espresso machine, grinder and 1 kg of beans.", "449 €", "kitchen", 10),
    Offer("headphones", "Quiet, please", "Headphones that let only music in.", "189 €", "tech", 15),
    Offer("blocks", "A castle before dinner", "200 wooden blocks, oiled beech.", "59 €", "toys", 0),
    Offer("terrace", "A terrace in bloom", "Twelve plants, pots and soil in one box.", "95 €", "garden", 25),
    Offer("knives", "Sharp for a lifetime", "Three knives, forged in Solingen.", "139 €", "kitchen", 30),
]
BY_ID = {offer.id: offer for offer in OFFERS}


@dataclass(frozen=True)
class Choice:
    """The offer to lead with. event_id: what its reward goes to; None if Personalizer could not be asked."""

    offer: Offer
    event_id: str | None


client = PersonalizerClient(ENDPOINT, CognitiveServicesCredentials(KEY))
client.config.connection.timeout = PATIENCE_SECONDS
client.config.retry_policy.retries = 0
client.config.keep_alive = True


def choose(context: dict[str, object]) -> Choice:
    """Asks Personalizer. A shop without it is still a shop: it leads with the first offer, as it would without."""
    try:
        ranked = client.rank(RankRequest(context_features=[context], actions=[offer.action for offer in OFFERS]))
    except ClientException as error:
        log.warning("Personalizer did not choose: %s", error)
        return Choice(OFFERS[0], None)
    return Choice(BY_ID[ranked.reward_action_id], ranked.event_id)


def taken(event_id: str) -> None:
    """Tells that the visitor took the offer. Who does not gets the loop's default reward, 0, after its wait time."""
    try:
        client.events.reward(event_id, 1.0)
    except ClientException as error:
        log.warning("the reward of %s is lost: %s", event_id, error)


def context_of(request: Request) -> dict[str, object]:
    """What the shop knows of a visitor. Nothing here names a person, and every value recurs."""
    agent, hour = request.headers.get("user-agent", ""), datetime.now().hour
    return {
        "device": "phone" if "Mobile" in agent else "computer",
        "came_from": request.query_params.get("from", "direct")[:20],
        "time": "morning" if hour < 12 else "afternoon" if hour < 18 else "evening",
        "returning": COOKIE in request.cookies,
    }


app = FastAPI(title="shop", docs_url=None, redoc_url=None, openapi_url=None)
templates = Jinja2Templates(Path(__file__).parent)


@app.get("/", response_class=HTMLResponse)
def landing_page(request: Request) -> HTMLResponse:
    context = context_of(request)
    choice = choose(context)
    others = [offer for offer in OFFERS if offer is not choice.offer]
    page = templates.TemplateResponse(request, "landing.html", {"choice": choice, "others": others, "context": context})
    page.set_cookie(COOKIE, "1", max_age=30 * 86_400, httponly=True, samesite="lax")
    return page


@app.post("/events/{event_id}/{offer_id}")
def take_leading_offer(event_id: str, offer_id: str) -> RedirectResponse:
    taken(event_id)
    return RedirectResponse(f"/offers/{offer_id}", status_code=303)


@app.get("/offers/{offer_id}", response_class=HTMLResponse)
def offer_page(request: Request, offer_id: str) -> HTMLResponse:
    if offer_id not in BY_ID:
        raise HTTPException(404)
    return templates.TemplateResponse(request, "offer.html", {"offer": BY_ID[offer_id]})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8000, help="of the shop (default: 8000)")
    parser.add_argument("--simulate", type=int, metavar="N", help="send N simulated shoppers instead of serving")
    parser.add_argument("--pause", type=float, default=10, help="seconds after half of them, to learn (default: 10)")
    parser.add_argument("--seed", type=int, default=1, help="of the shoppers (default: 1)")
    given = parser.parse_args()
    if given.simulate:
        shoppers.simulate(OFFERS, choose, taken, given.simulate, given.pause, given.seed)
    else:
        uvicorn.run(app, host="127.0.0.1", port=given.port)


if __name__ == "__main__":
    main()
