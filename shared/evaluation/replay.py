"""A policy that learns from here on over the log: each event is predicted before it is learned."""

import math
from array import array
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from shared.evaluation import action_names, features, learning_state, logged, served
from shared.evaluation.buckets import Buckets
from shared.evaluation.columns import Columns, total
from shared.evaluation.event import LARGEST_WEIGHT
from shared.evaluation.logged import Logged, Use
from shared.evaluation.part import BASELINE, ONLINE, RANDOM, Judged, Part, Unit
from shared.evaluation.plan import Candidate, Plan
from shared.evaluation.predictions import Predictions
from shared.evaluation.served import BadPrediction, Outlook, Outlooks
from shared.vw import policy
from shared.vw.learner import Learner
from shared.vw.learning import TrainingRefused
from shared.vw.zygote import Zygote

# What a trainer learns, too: an apprentice learns to do as the baseline does. VW cannot divide by the others' chance.
_LEARNED = (Use.JUDGED, Use.BASELINE)
_PREDICTIONS = "predictions.txt"


class Unworkable(Exception):
    """A policy cannot be judged on this log; the text says why."""


class Replay:
    """One stretch. tell: of each event that is judged: policy, event, the policy's probability of the logged action."""

    def __init__(
        self, plan: Plan, unit: Unit, previous: Path | None, tell: Callable[[str, Logged, float], None] | None = None
    ) -> None:
        self._plan, self._unit, self._tell = plan, unit, tell
        self._candidate: Candidate = plan.candidate(unit.policy)
        self._policy = policy.parse(self._candidate.exploring)
        self._pupil = learning_state.pupil(self._policy, previous)
        self._outlooks = Outlooks(self._pupil) if self._pupil and self._policy.explores_first else None
        self._before = previous / learning_state.MODEL if previous is not None else None
        self._waiting: deque[tuple[Logged | None, Outlook | None]] = deque()
        self._columns, self._baseline = Columns(), array("d")
        self._shows = {name: array("d") for name in (RANDOM, BASELINE)}
        self._buckets = Buckets() if plan.keeps_series else None

    async def run(self, lines: AsyncIterator[bytes], folder: Path, zygote: Zygote) -> Part:
        """Leaves the state in the folder; raises Unworkable, or OSError if the learner was killed.

        lines: of the stretch, in order, in chunks of whole lines.
        """
        predictions = Predictions(folder / _PREDICTIONS)
        arguments = self._policy.for_vw(self._plan.schema.arguments)
        file = folder / _PREDICTIONS
        learner = await Learner.start(zygote, arguments, self._before, folder, file, serves=False)
        try:
            async for chunk in lines:
                await learner.feed(b"".join([self._fed(line) for line in chunk.splitlines(keepends=True)]))
                self._judge(predictions)
            await learner.finish()
            self._judge(predictions)
        except (TrainingRefused, BadPrediction) as refusal:
            raise Unworkable(f"{self._candidate.name} cannot be judged: {refusal}") from None
        finally:
            predictions.close()
            await learner.kill()
        if self._waiting:
            raise Unworkable(f"{self._candidate.name} cannot be judged: VW has not read every event of the log.")
        learning_state.save(self._pupil, folder)
        return self._part()

    def _fed(self, line: bytes) -> bytes:
        """The line as VW is to get it; empty if it is not learned."""
        event, use = logged.read(line)
        if use not in _LEARNED:
            return b""
        if not line.endswith(b"\n"):
            line += b"\n"
        asked = event if use is Use.JUDGED else None
        if self._candidate.without:
            line = features.without(line, self._candidate.without)
        if self._pupil is None:
            self._waiting.append((asked, None))
            return line
        outlook = None
        if asked is not None and self._outlooks is not None:
            outlook = self._outlooks.of(action_names.of(line, len(event.a)))
        self._waiting.append((asked, outlook))
        return self._pupil.take(line)

    def _judge(self, predictions: Predictions) -> None:
        """Takes what VW has predicted by now."""
        for prediction in predictions.new():
            if not self._waiting:
                raise BadPrediction("VW has answered more often than it was asked")
            event, outlook = self._waiting.popleft()
            if event is not None:
                pmf = served.parsed(prediction, len(event.a))
                self._add(event, served.served(pmf, outlook, self._candidate.exploration))

    def _add(self, event: Logged, pmf: list[float]) -> None:
        logged_p = event.p
        possible = [
            pmf[number - 1] / p if p > 1 / LARGEST_WEIGHT else 0.0 for number, p in zip(event.a, logged_p, strict=True)
        ]
        reward = event.reward
        self._columns.add(reward, possible, logged_p, event.decisions, reward == self._plan.default_reward)
        if self._buckets is not None:
            self._buckets.add(self._unit.policy, event.at, reward, possible, logged_p, event.decisions)
        self._baseline.append(1 / logged_p[0] if event.a[0] == event.first else 0.0)
        if self._plan.looks_ahead:
            self._look_ahead(event, pmf)
        if self._tell is not None:
            self._tell(self._unit.policy, event, pmf[event.a[0] - 1])

    def _look_ahead(self, event: Logged, pmf: list[float]) -> None:
        """How well a log that had been served so would show the uniform policy and the baseline."""
        square = 1 / len(pmf) ** 2
        least = 1 / LARGEST_WEIGHT
        self._shows[RANDOM].append(math.fsum([square / max(p, least) for p in pmf]))
        self._shows[BASELINE].append(1 / max(pmf[event.first - 1], least))

    def _part(self) -> Part:
        others = {ONLINE: array("d", [1.0]) * len(self._baseline), BASELINE: self._baseline}
        judged = Judged.of(self._columns, others, keep=self._plan.keeps_rows)
        if self._plan.looks_ahead:
            judged.shows = {name: total(squares) for name, squares in self._shows.items()}
        series = self._buckets.series() if self._buckets is not None else {}
        return Part(self._unit, {self._unit.policy: judged}, series=series)
