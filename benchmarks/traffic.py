"""Made-up requests and events for the benchmarks."""

import json
import random

from shared.hubs import events
from shared.loops.config import LoopConfig
from shared.rank import ranking, wire
from shared.vw import sampling


def request(actions: int, features: int, seed: int = 1, event_id: str | None = None) -> bytes:
    """A Rank request: `features` features per action, half of them text, and five of context."""
    rng = random.Random(seed)
    body = {
        "contextFeatures": [{"weekday": rng.choice("mtwfs"), "hour": rng.randrange(24)}, _features(rng, 3)],
        "actions": [{"id": f"action-{number}", "features": [_features(rng, features)]} for number in range(actions)],
        "deferActivation": False,
    }
    if event_id:
        body["eventId"] = event_id
    return json.dumps(body).encode()


def _features(rng: random.Random, count: int) -> dict[str, float | str]:
    return {
        f"feature{number}": f"value{rng.randrange(20)}" if number % 2 else round(rng.random(), 3)
        for number in range(count)
    }


def interaction(number: int, actions: int = 10, features: int = 5) -> tuple[str, bytes]:
    """The id and the encoded event of a made-up decision."""
    event_id = f"event-{number:08d}"
    decision = ranking.decide(
        wire.rank_request(request(actions, features, number % 500, event_id)),
        LoopConfig(),
        None,
        sampling.uniform_hash("default"),
    )
    return event_id, ranking.event(decision, "default", deferred=False)


def reward(event_id: str, value: float) -> bytes:
    """The encoded event of a reward."""
    observation = events.Observation(events.VERSION, "default", event_id, events.now(), "reward", events.nonce(), value)
    return events.encode(observation)
