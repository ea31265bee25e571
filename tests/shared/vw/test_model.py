"""One loaded model: the fast route against the public one, and what is refused."""

from pathlib import Path

import pytest
import vowpalwabbit
from harness.learning import PLAIN, decide, trained

from shared.vw import model as model_module
from shared.vw import policy
from shared.vw.model import Model, PredictionError, uniform

SINGLE_SLOT = [policy.EARLIER_ARGUMENTS, policy.HISTORIC_ARGUMENTS]


@pytest.fixture(scope="module", params=SINGLE_SLOT, ids=["default", "historic"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    return trained(tmp_path_factory.mktemp("model"), request.param)


def public(file: Path, *options: str) -> vowpalwabbit.Workspace:
    return vowpalwabbit.Workspace(arg_list=["-i", str(file), "--testonly", "--json", "--quiet", *options])


def test_it_has_learned_and_predicts_the_same_every_time(model: Model) -> None:
    context = decide(PLAIN[0]).context
    pmf = model.predict(context, 3)
    assert max(pmf) == pmf[0] > 0.5
    assert sum(pmf) == pytest.approx(1, abs=1e-5)
    assert all(model.predict(context, 3) == pmf for _ in range(100))


def test_the_fast_route_equals_the_public_one_and_falls_back_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = trained(tmp_path)
    assert fast._predict != fast._workspace.predict
    monkeypatch.setattr(model_module, "_low_level", lambda workspace, multi_slot: None)
    slow = Model("slow", tmp_path / "predict.vw")
    assert slow._predict == slow._workspace.predict
    for body in PLAIN[:3]:
        context = decide(body).context
        assert fast.predict(context, 3) == pytest.approx(slow.predict(context, 3), abs=1e-6)


def test_the_fast_route_is_given_up_when_its_names_are_gone(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    import pylibvw

    assert model_module._low_level(model._workspace, False) is not None
    monkeypatch.delattr(pylibvw.vw, "_finish_example_multi_ex")
    assert model_module._low_level(model._workspace, False) is None
    assert model_module._low_level(object(), False) is None


@pytest.mark.parametrize("context", [b"{", b"", b'{"FromUrl":[{"x":.25}],"_multi":[{"j":[{"y":1}]},{"j":[{"y":2}]}]}'])
def test_what_vw_takes_for_something_else_is_an_error(model: Model, context: bytes) -> None:
    with pytest.raises(PredictionError):
        model.predict(context, 2)


def test_a_wrong_number_of_actions_is_an_error(model: Model) -> None:
    context = decide(PLAIN[0]).context
    for count in (2, 4):
        with pytest.raises(PredictionError, match="3 probabilities"):
            model.predict(context, count)


def test_one_action_is_certain(model: Model) -> None:
    only = {"actions": [{"id": "a", "features": [{"x": 1}]}]}
    assert model.predict(decide(only).context, 1) == [1.0]


def test_the_size_of_exploration_can_be_set_beside_the_file(tmp_path: Path) -> None:
    trained(tmp_path, policy.HISTORIC_ARGUMENTS)
    explorer = Model(
        "explorer", tmp_path / "predict.vw", policy.parse(policy.HISTORIC_ARGUMENTS).exploration_options(0.9)
    )
    assert min(explorer.predict(decide(PLAIN[0]).context, 3)) == pytest.approx(0.3, abs=1e-6)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"no model")
    with pytest.raises(RuntimeError):
        Model("broken", tmp_path / "model")
    with pytest.raises(RuntimeError):
        Model("missing", tmp_path / "nothing")


def test_the_uniform_pmf() -> None:
    assert uniform(4) == [0.25] * 4


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    model = trained(tmp_path)
    model.close()
    model.close()
