"""A policy that learns from here on over the log, each event predicted before it is learned; or a model, frozen."""

from collections import deque
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from shared.evaluation import action_names, features, learning_state, reward_model
from shared.evaluation.judging import Judging
from shared.evaluation.logged import Logged, Use
from shared.evaluation.part import Part, Unit
from shared.evaluation.plan import Candidate, Plan
from shared.evaluation.predictions import Predictions
from shared.evaluation.reward_model import RewardModel
from shared.evaluation.served import BadPrediction, Outlook, Outlooks
from shared.evaluation.slots.slot_judging import SlotJudging
from shared.evaluation.told import Tell
from shared.vw import policy
from shared.vw.learner import Learner
from shared.vw.learning import TrainingRefused
from shared.vw.zygote import Zygote

# What a trainer learns, too: an apprentice learns to do as the baseline does. VW cannot divide by the others' chance.
_LEARNED = (Use.JUDGED, Use.BASELINE)
_PREDICTIONS = "predictions.txt"


class _Waiting(NamedTuple):
    """What VW has been fed and not answered. event: None if it is not judged; answers: how many lines VW answers."""

    event: Any
    answers: int
    outlook: Outlook | None = None


class Judge(Protocol):
    """Where events are judged, of one slot or of several."""

    def read(self, line: bytes, /) -> tuple[Any, Use]: ...

    def answers(self, event: Any, /) -> int: ...

    def judge(
        self, event: Any, predictions: Sequence[bytes], outlook: Outlook | None, costs: bytes | None, /
    ) -> None: ...

    def part(self, unit: Unit, /) -> Part: ...


class Unworkable(Exception):
    """A policy cannot be judged on this log; the text says why."""


class Replay:
    """One stretch. tell: of each event that is judged, None if nobody asks."""

    def __init__(self, plan: Plan, unit: Unit, previous: Path | None, tell: Tell | None = None) -> None:
        self._plan, self._unit = plan, unit
        self._candidate: Candidate = plan.candidate(unit.policy)
        self._policy = policy.parse(self._candidate.exploring)
        self._pupil = learning_state.pupil(self._policy, previous)
        self._outlooks = Outlooks(self._pupil) if self._pupil and self._policy.explores_first else None
        self._previous = previous
        first = Path(self._candidate.model) if self._candidate.model else None
        self._before = previous / learning_state.MODEL if previous is not None else first
        self._rewards: RewardModel | None = None
        self._predicted, self._costs = deque[bytes](), deque[bytes]()
        self._judged_lines = list[bytes]()
        self._waiting = deque[_Waiting]()
        kind: type[Judging | SlotJudging] = SlotJudging if plan.is_multi_slot else Judging
        self._judging: Judge = kind(plan, unit.policy, tell)

    async def run(self, lines: AsyncIterator[bytes], folder: Path, zygote: Zygote) -> Part:
        """Leaves the state in the folder; raises Unworkable, or OSError if the learner was killed.

        lines: of the stretch, in order, in chunks of whole lines.
        """
        file, plan = folder / _PREDICTIONS, self._plan
        predictions, crossings = Predictions(file), plan.schema.arguments
        learner = await Learner.start(
            zygote,
            self._policy.for_vw(crossings),
            self._before,
            folder,
            file,
            serves=False,
            learns=not self._candidate.model,
        )
        if plan.is_robust:
            of_rewards = reward_model.arguments(self._policy, crossings)
            self._rewards = await RewardModel.start(zygote, of_rewards, self._previous, folder)
        try:
            async for chunk in lines:
                await self._feed(chunk, learner)
                self._judge(predictions)
            await learner.finish()
            if self._rewards is not None:
                await self._rewards.finish()
            self._judge(predictions)
        except (TrainingRefused, BadPrediction) as refusal:
            raise Unworkable(f"{self._candidate.name} cannot be judged: {refusal}") from None
        finally:
            predictions.close()
            await learner.kill()
            if self._rewards is not None:
                await self._rewards.close()
        if self._waiting:
            raise Unworkable(f"{self._candidate.name} cannot be judged: VW has not read every event of the log.")
        learning_state.save(self._pupil, folder)
        return self._judging.part(self._unit)

    async def _feed(self, chunk: bytes, learner: Learner) -> None:
        taken = [self._taken(line) for line in chunk.splitlines(keepends=True)]
        await learner.feed(b"".join(taken))
        if self._rewards is not None:
            lines, self._judged_lines = self._judged_lines, []
            await self._rewards.feed(b"".join(lines))

    def _taken(self, line: bytes) -> bytes:
        """The line as VW is to get it; empty if it is not learned."""
        event, use = self._judging.read(line)
        if use not in _LEARNED:
            return b""
        if not line.endswith(b"\n"):
            line += b"\n"
        asked, answers = event if use is Use.JUDGED else None, self._judging.answers(event)
        if self._candidate.without:
            line = features.without(line, self._candidate.without)
        if asked is not None and self._rewards is not None:
            self._judged_lines.append(line)
        if self._pupil is None:
            self._waiting.append(_Waiting(asked, answers))
            return line
        outlook = None
        if isinstance(asked, Logged) and self._outlooks is not None:
            outlook = self._outlooks.of(action_names.of(line, len(asked.a)))
        self._waiting.append(_Waiting(asked, answers, outlook))
        return self._pupil.take(line)

    def _judge(self, predictions: Predictions) -> None:
        """Takes what VW has predicted by now."""
        self._predicted.extend(predictions.new())
        if self._rewards is not None:
            self._costs.extend(self._rewards.new())
        while self._predicted:
            if not self._waiting:
                raise BadPrediction("VW has answered more often than it was asked")
            event, answers, outlook = self._waiting[0]
            has_costs = event is not None and self._rewards is not None
            if len(self._predicted) < answers or (has_costs and not self._costs):
                return
            self._waiting.popleft()
            lines = [self._predicted.popleft() for _ in range(answers)]
            if event is not None:
                self._judging.judge(event, lines, outlook, self._costs.popleft() if has_costs else None)
