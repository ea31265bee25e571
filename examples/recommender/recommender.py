"""The last step of a recommender: an engine finds 20 films for a viewer, Personalizer picks the one for this moment.

`recommender.py --viewer 7 --device phone` shows what would be recommended now; `recommender.py --simulate 2000` has
simulated viewers watch and prints what the last step earned. PERSONALIZER_ENDPOINT and PERSONALIZER_KEY say which loop
picks.
"""

from __future__ import annotations

import argparse
import logging
import os
from dataclasses import dataclass

from azure.cognitiveservices.personalizer import PersonalizerClient
from azure.cognitiveservices.personalizer.models import RankableAction, RankRequest
from implicit.als import AlternatingLeastSquares
from msrest.authentication import CognitiveServicesCredentials
from msrest.exceptions import ClientException
from threadpoolctl import threadpool_limits

import viewers
from viewers import DEVICES, TIMES, Film, Moment, World

ENDPOINT = os.environ.get("PERSONALIZER_ENDPOINT", "http://127.0.0.1:7071")
KEY = os.environ.get("PERSONALIZER_KEY", "local-app-key")
PATIENCE_SECONDS = 2
CANDIDATES = 20  # of thousands of films: Rank takes at most 50 actions

log = logging.getLogger("recommender")


class Engine:
    """Learns from what was watched, once a day or so, and knows nothing of the moment."""

    def __init__(self, world: World, seed: int) -> None:
        self._films, self._history = world.films, world.history
        threadpool_limits(1, "blas")  # from here on: the model has threads of its own
        self._model = AlternatingLeastSquares(factors=16, iterations=10, random_state=seed, num_threads=1)
        self._model.fit(self._history, show_progress=False)

    def candidates(self, viewer: int) -> list[Film]:
        """The films that suit a viewer best, none of them seen, the best first."""
        found, _ = self._model.recommend(viewer, self._history[viewer], N=CANDIDATES)
        return [self._films[number] for number in found]


@dataclass(frozen=True)
class Pick:
    """The film to show. event_id: what its reward goes to; None if Personalizer could not be asked."""

    film: Film
    event_id: str | None


class LastStep:
    """Picks one of an engine's candidates with Personalizer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._client = PersonalizerClient(ENDPOINT, CognitiveServicesCredentials(KEY))
        self._client.config.connection.timeout = PATIENCE_SECONDS
        self._client.config.retry_policy.retries = 0
        self._client.config.keep_alive = True

    def pick(self, viewer: int, moment: Moment) -> Pick:
        """The engine's best film is the first action, hence the baseline, and the fallback."""
        candidates = self._engine.candidates(viewer)
        actions = [action(film, place) for place, film in enumerate(candidates)]
        context = [{"device": moment.device, "time": moment.time}]
        try:
            ranked = self._client.rank(RankRequest(context_features=context, actions=actions))
        except ClientException as error:
            log.warning("Personalizer did not pick: %s", error)
            return Pick(candidates[0], None)
        return Pick(next(film for film in candidates if film.id == ranked.reward_action_id), ranked.event_id)

    def watched(self, event_id: str, share: float) -> None:
        """Rewards a pick by the share of the film that was watched, 0 to 1."""
        try:
            self._client.events.reward(event_id, share)
        except ClientException as error:
            log.warning("the reward of %s is lost: %s", event_id, error)


def action(film: Film, place: int) -> RankableAction:
    """What Rank learns from has to be true of many films: an id alone, seen once a day, would teach it little."""
    engine = "first five" if place < 5 else "others"
    return RankableAction(id=film.id, features=[{"genre": film.genre, "length": film.length, "engine": engine}])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewer", type=int, default=7, help="number of a viewer (default: 7)")
    parser.add_argument("--device", choices=DEVICES, default="phone", help="(default: phone)")
    parser.add_argument("--time", choices=TIMES, default="evening", help="(default: evening)")
    parser.add_argument("--simulate", type=int, metavar="N", help="have simulated viewers ask N times instead")
    parser.add_argument("--pause", type=float, default=10, help="seconds after half of them, to learn (default: 10)")
    parser.add_argument("--seed", type=int, default=1, help="of films, viewers and what they watch (default: 1)")
    given = parser.parse_args()
    world = World(given.seed)
    engine = Engine(world, given.seed)
    last_step = LastStep(engine)
    if given.simulate:
        viewers.simulate(
            world, engine.candidates, last_step.pick, last_step.watched, given.simulate, given.pause, given.seed
        )
        return
    pick = last_step.pick(given.viewer, Moment(given.device, given.time))
    print(f"Viewer {given.viewer}, {given.device}, {given.time}. The engine found, best first:")
    for film in engine.candidates(given.viewer):
        print(f"{'->' if film == pick.film else '  '} {film.id}  {film.genre}, {film.length}")


if __name__ == "__main__":
    main()
