"""One loaded model: from VW's JSON to the probabilities of its actions."""

import contextlib
import math
import operator
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import vowpalwabbit

from shared.vw.exploration import Exploration
from shared.vw.options import EXAMPLES
from shared.vw.sampling import Ranking

UNTRAINED = "N/A"


class PredictionError(Exception):
    """VW did not answer with one finite probability per action, in every slot."""


class Model:
    """A read-only VW model. Not for concurrent use: a prediction is one call on one thread.

    `version` names the model in every logged decision; `options` are VW's, beside those in the file. A model is
    `multi_slot` or not by its policy, and answers to one of the two kinds of prediction alone. exploration: what is
    served of its probabilities, None if they are served as they are.
    Raises RuntimeError if VW cannot load the file.
    """

    def __init__(
        self, version: str, file: Path, options: Sequence[str] = (), exploration: Exploration | None = None
    ) -> None:
        self.version, self.exploration = version, exploration
        arguments = ["-i", str(file), "--testonly", "--json", "--quiet", *EXAMPLES, *options]
        self._workspace = vowpalwabbit.Workspace(arg_list=arguments)
        self.multi_slot = "ccb_explore_adf" in self._workspace.get_enabled_learners()
        self._predict = _low_level(self._workspace, self.multi_slot) or self._workspace.predict

    def predict(self, context: bytes, count: int) -> list[float]:
        """The pmf over the `count` actions of a context in VW's JSON; it sums to 1.

        VW answers malformed JSON with a single 1.0 and no error, so the count is checked.
        """
        try:
            pmf: list[float] = self._predict(context.decode())
        except RuntimeError as error:
            raise PredictionError(str(error)) from None
        if count == 1:
            pmf = pmf or [1.0]
        total = sum(pmf)
        if len(pmf) != count or not math.isfinite(total) or total <= 0:
            raise PredictionError(f"VW answered {len(pmf)} probabilities for {count} actions, summing to {total}")
        return pmf

    def predict_slots(self, context: bytes, count: int) -> list[Ranking]:
        """The drawn action of each of the `count` slots of a context, and the pmf it was drawn from by VW.

        VW decides in the order of the slots and removes each drawn action from the slots that follow.
        """
        try:
            slots: list[list[tuple[int, float]]] = self._predict(context.decode())
        except RuntimeError as error:
            raise PredictionError(str(error)) from None
        if len(slots) != count or not all(slots):
            raise PredictionError(f"VW answered {len(slots)} slots of {count}, or one without an action")
        rankings = [Ranking(*map(list, zip(*slot, strict=True))) for slot in slots]
        for ranking in rankings:
            total = sum(ranking.probabilities)
            if not math.isfinite(total) or total <= 0:
                raise PredictionError(f"VW answered probabilities that sum to {total}")
        return rankings

    @property
    def workspace(self) -> Any:
        """VW itself."""
        return self._workspace

    def close(self) -> None:
        """Frees VW's memory."""
        with contextlib.suppress(RuntimeError):
            self._workspace.finish()

    def __repr__(self) -> str:
        return f"Model({self.version!r})"


def uniform(count: int) -> list[float]:
    """The pmf before the first model."""
    return [1 / count] * count


def _low_level(workspace: Any, multi_slot: bool) -> Callable[[str], Any] | None:
    """Two to three times faster than `Workspace.predict`, on underscore names; None if they are gone."""
    try:
        import pylibvw

        multi, finish = pylibvw.vw.predict_multi, pylibvw.vw._finish_example_multi_ex
        parse = workspace._parse
    except (ImportError, AttributeError):
        return None
    answer = operator.methodcaller("get_decision_scores" if multi_slot else "get_action_scores")

    def predict(context: str) -> Any:
        examples = parse(context)
        try:
            multi(workspace, examples)
            return answer(examples[0])
        finally:
            finish(workspace, examples)  # without it VW leaks every prediction

    return predict
