"""Actions that a model does not know get a fair share until it does."""

from pathlib import Path

import pytest

from shared.vw import known_actions
from shared.vw.exploration import Exploration
from shared.vw.known_actions import ENOUGH, KnownActions, with_share


def known(*names: str) -> KnownActions:
    found = KnownActions()
    for name in names:
        for _ in range(ENOUGH):
            found.add(name)
    return found


def test_an_action_is_known_after_enough_choices() -> None:
    actions = KnownActions()
    assert [actions.add("a") for _ in range(ENOUGH + 2)] == [True] * ENOUGH + [False] * 2
    assert "a" in actions
    assert actions.add("b")
    assert "b" not in actions


def test_what_is_written_is_read(tmp_path: Path) -> None:
    actions = known("a", "é" * 50)
    actions.add("c")
    actions.write(tmp_path / "file")
    again = KnownActions.read(tmp_path / "file")
    assert [name in again for name in ("a", "é" * 50, "c", "d")] == [True, True, False, False]
    again.write(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "file").read_bytes()


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_actions, "MOST", 3)
    actions = known("a", "b", "c", "d")
    assert len(actions) == 3
    assert ["a" in actions, "d" in actions] == [False, True]


@pytest.mark.parametrize(
    ("pmf", "new", "expected"),
    [
        ([0.97, 0.02, 0.01], [2], [0.2 / 3, 0.01886, 0.91448]),
        ([0.5, 0.3, 0.2], [2], [0.5, 0.3, 0.2]),
        ([0.05, 0.9, 0.05], [0, 2], [0.2 / 3, 0.86667, 0.2 / 3]),
        ([0.01, 0.99], [0, 1], [0.01, 0.99]),
        ([1.0], [0], [1.0]),
    ],
)
def test_new_actions_have_at_least_their_part(pmf: list[float], new: list[int], expected: list[float]) -> None:
    served = with_share(pmf, new, 0.2)
    assert sum(served) == pytest.approx(1)
    assert sorted(served) == pytest.approx(sorted(expected), abs=1e-3)
    assert all(served[index] >= min(pmf[index], 0.2 / len(pmf)) for index in new)


def test_a_model_serves_new_actions_more_and_known_ones_as_ever() -> None:
    exploration = Exploration(1.0, known("a", "b"))
    pmf = [0.98, 0.01, 0.01]
    assert exploration.served(pmf, ["a", "b", "c"], 0.3) == pytest.approx([0.89091 + 0.0, 0.0091, 0.1], abs=2e-3)
    assert exploration.served(pmf[:2], ["a", "b"], 0.3) == pytest.approx([0.99, 0.01], abs=1e-3)
    assert Exploration(1.0, None).served(pmf, ["x", "y", "z"], 0.3) == pytest.approx(pmf, abs=1e-9)
