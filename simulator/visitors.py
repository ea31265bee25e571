"""Simulated visitors: threads that call the service through Personalizer's official Python SDK."""

from __future__ import annotations

import threading
import time
from random import Random

from azure.cognitiveservices.personalizer import PersonalizerClient
from azure.cognitiveservices.personalizer.models import RankableAction, RankRequest
from msrest.authentication import CognitiveServicesCredentials

from simulator.scenario import Scenario, Visit
from simulator.score import Encounter

# Enough to keep the SDK busy; it spends some 3 ms of processor time on a visit.
THREADS = 4
PAUSE_AFTER_ERROR_SECONDS = 0.5
HOPELESS_AFTER = 40


class Visitors:
    """Visits a service for a number of seconds. `encounters` grows while it runs.

    ranked, rewarded: acknowledged calls. failed: all others, `failure` says how the last one did.
    The visits and their luck depend on the seed alone; which of them are made in time does not.
    """

    def __init__(self, scenario: Scenario, url: str, key: str, seed: int, seconds: float) -> None:
        self.encounters: list[Encounter] = []
        self.ranked = self.rewarded = self.failed = 0
        self.failure: str | None = None
        self._scenario, self._url, self._key, self._seconds = scenario, url, key, seconds
        self._visitors, self._seed, self._made = Random(f"visitors {seed}"), seed, 0
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(THREADS)]
        self._started = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the start, at most the length of the run."""
        return min(time.monotonic() - self._started, self._seconds)

    @property
    def running(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    @property
    def hopeless(self) -> bool:
        """Whether no call was ever answered as it should be, for several seconds."""
        return not self.encounters and self.failed >= HOPELESS_AFTER

    def start(self) -> None:
        self._started = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Returns when the visits under way have ended."""
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _run(self) -> None:
        client = PersonalizerClient(self._url, CognitiveServicesCredentials(self._key))
        with client:  # keeps its connection
            client.config.proxies.use_env_settings = False
            while self.elapsed < self._seconds and not self._stop.is_set():
                try:
                    self._visit(client)
                except Exception as error:  # the SDK's, msrest's, requests' or a socket's: one failed call
                    with self._lock:
                        self.failed += 1
                        self.failure = f"{type(error).__name__}: {error}"
                    self._stop.wait(PAUSE_AFTER_ERROR_SECONDS)

    def _visit(self, client: PersonalizerClient) -> None:
        at = self.elapsed
        visit, luck = self._next(at)
        actions = [RankableAction(id=action.id, features=action.features) for action in visit.actions]
        decision = client.rank(RankRequest(context_features=visit.context, actions=actions))
        with self._lock:
            self.ranked += 1
        shown = next(i for i, action in enumerate(visit.actions) if action.id == decision.reward_action_id)
        reward = self._scenario.draw_reward(luck, visit.expected[shown])
        client.events.reward(decision.event_id, reward)
        with self._lock:
            self.rewarded += 1
            self.encounters.append(Encounter(at, reward, visit.uniform, visit.optimal))

    def _next(self, at: float) -> tuple[Visit, Random]:
        with self._lock:
            self._made += 1
            luck = Random(f"luck {self._seed} {self._made}")
            return self._scenario.visit(self._visitors, min(at / self._seconds, 1 - 1e-9)), luck
