"""Simulated users that rank and reward at once, and enter all they send and hear into a ledger."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import httpx

from harness.ledger import Call, Entry, Ledger
from harness.system import System

ACTIONS = [{"id": name, "features": [{"kind": name, "size": len(name)}]} for name in ("sea", "hills", "town", "desert")]
CONTEXTS = ("sun", "rain", "snow")


class Load:
    """Users in threads, for as long as the block lasts. Each one's choices follow from the seed.

    pause: seconds between a user's calls at most. deferred: share of events ranked with deferActivation.
    Users repeat half of the calls that fail and give the others up.
    """

    def __init__(self, system: System, seed: int, users: int = 6, pause: float = 0.05) -> None:
        self.ledger, self.failures = Ledger(), list[str]()
        self._system, self._pause, self._stopping = system, pause, threading.Event()
        self._threads = [
            threading.Thread(target=self._use, args=(f"{seed}-{user}", random.Random(f"{seed}-{user}")))
            for user in range(users)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _use(self, name: str, chance: random.Random) -> None:
        number = 0
        with self._system.client() as client:
            while not self._stopping.wait(chance.uniform(0, self._pause)):
                number += 1
                self._visit(client, f"{name}-{number}", chance)

    def _visit(self, client: httpx.Client, event_id: str, chance: random.Random) -> None:
        context = chance.choice(CONTEXTS)
        body = {"eventId": event_id, "contextFeatures": [{"weather": context}], "actions": ACTIONS}
        entry = self.ledger.add(event_id, Entry(Call(time.time())))
        answer = self._call(entry.rank, chance, lambda: client.post("rank", json=body), 201)
        if answer is None:
            return
        chosen = answer.json()["rewardActionId"]
        entry.action = 1 + next(index for index, action in enumerate(ACTIONS) if action["id"] == chosen)
        entry.probability = next(one["probability"] for one in answer.json()["ranking"] if one["id"] == chosen)
        if chance.random() < 0.7 and not self._stopping.wait(chance.uniform(0, self._pause)):
            entry.reward, entry.rewarded = _reward(context, chosen, chance), Call(time.time())
            value = {"value": entry.reward}
            self._call(entry.rewarded, chance, lambda: client.post(f"events/{event_id}/reward", json=value), 204)

    def _call(
        self, call: Call, chance: random.Random, send: Callable[[], httpx.Response], success: int
    ) -> httpx.Response | None:
        """The answer, or None when the call failed and its client gave up."""
        while True:
            answer = _sent(send)
            if answer is not None and answer.status_code == success:
                call.answered = time.time()
                return answer
            if answer is not None and answer.status_code != 503:
                self.failures.append(f"{answer.request.url}: {answer.status_code} {answer.text}")
                return None
            if chance.random() < 0.5 or self._stopping.wait(0.2):
                return None
            call.attempts += 1


def _sent(send: Callable[[], httpx.Response]) -> httpx.Response | None:
    try:
        return send()
    except httpx.TransportError:
        return None


def _reward(context: str, action: Any, chance: random.Random) -> float:
    """Something to learn, and no two rewards alike."""
    liked = {"sun": "sea", "rain": "town", "snow": "hills"}[context] == action
    return round((0.7 if liked else 0.1) + chance.uniform(0, 0.3), 6)
