"""Which features a log has, lines without some of them, and that what is planted is found."""

import json
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from harness import exports

from shared.evaluation import features
from shared.evaluation.features import MOST_GROUPS, Group, Seen
from shared.vw.context_features import ACTION, CONTEXT

CONTEXT_OF: dict[str, Any] = {
    "FromUrl": [{"hour": "night", "user": {"age": 40, "plan": "free"}}, {"scores": [1, 2, 3]}],
    "_multi": [
        {"_tag": "a", "i": {"constant": 1, "id": "a"}, "j": [{"kind": "x", "hour": 1}]},
        {"_tag": "b", "i": {"constant": 1, "id": "b"}, "j": [{"kind": "y"}]},
    ],
}
HOUR = (CONTEXT, "FromUrl", "hour")


def line(context: dict[str, Any]) -> bytes:
    return json.dumps(exports.line(1, c=context), separators=(",", ":")).encode() + b"\n"


def test_features_are_those_of_the_caller_with_their_namespaces() -> None:
    seen = Seen()
    seen.add(CONTEXT_OF)
    titles = {one.title for one in seen.groups()}
    assert titles == {
        "contextFeatures (all of it)",
        "user (all of it)",
        "actionFeatures (all of it)",
        "contextFeatures.hour",
        "contextFeatures.scores",
        "user.age",
        "user.plan",
        "actionFeatures.kind",
        "actionFeatures.hour",
    }


@pytest.mark.parametrize(
    ("paths", "left"),
    [
        ([HOUR], {"scores", "age", "plan", "kind", "action hour"}),
        ([(CONTEXT, "FromUrl", "user", "age")], {"hour", "scores", "plan", "kind", "action hour"}),
        ([(ACTION, "j", "hour"), (ACTION, "j", "kind")], {"hour", "scores", "age", "plan"}),
        ([(CONTEXT, "FromUrl", "unheard"), (CONTEXT, "FromUrl", "hour", "deeper")], None),
    ],
)
def test_a_line_without_features_has_all_the_others(paths: list[features.Path], left: set[str] | None) -> None:
    original = line(CONTEXT_OF)
    changed = json.loads(features.without(original, paths))
    context = changed.pop("c")
    before = json.loads(original)
    before.pop("c")
    assert changed == before
    shared = {**context["FromUrl"][0], **context["FromUrl"][0].get("user", {}), **context["FromUrl"][1]}
    found = (shared.keys() & {"hour", "scores", "age", "plan"}) | {
        {"hour": "action hour"}.get(name, name) for one in context["_multi"] for name in one["j"][0]
    }
    assert found == (left if left is not None else {"hour", "scores", "age", "plan", "kind", "action hour"})
    assert [one["i"] for one in context["_multi"]] == [one["i"] for one in CONTEXT_OF["_multi"]]


def test_a_line_whose_context_stands_elsewhere_too_keeps_its_other_members() -> None:
    context = {"FromUrl": [{"hour": 1}], "_multi": [{"i": {"constant": 1, "id": "a"}}]}
    text = json.dumps({"x": context, "_label_cost": 0, "c": context}, separators=(",", ":")).encode()
    changed = json.loads(features.without(text, [HOUR]))
    assert changed["x"] == context
    assert changed["c"]["FromUrl"] == [{}]
    assert features.without(b"no line", [HOUR]) == b"no line"


def test_many_features_are_judged_in_bounded_groups() -> None:
    seen = Seen()
    wide = {f"space{number}": {f"f{each}": each for each in range(4)} for number in range(60)}
    seen.add({"FromUrl": [wide], "_multi": []})
    groups = seen.groups()
    assert len(groups) <= MOST_GROUPS
    single = [one for one in groups if one.name and one.namespace != "other namespaces"]
    assert sorted(path for one in single for path in one.paths) == sorted(
        (CONTEXT, "FromUrl", space, name) for space, names in wide.items() for name in names
    )
    assert Seen().groups() == []


def test_rare_features_are_not_named() -> None:
    seen = Seen()
    for number in range(2_500):
        seen.add({"FromUrl": [{"often": 1, f"once{number}": 1}], "_multi": []})
    assert [one.title for one in seen.groups()] == ["contextFeatures.often"]


def noisy(count: int, seed: int) -> list[bytes]:
    """A uniform log in which `hour` tells which action pays, and `noise` nothing."""
    rng, lines = random.Random(seed), []
    for number in range(count):
        hour = rng.choice(("morning", "night"))
        chosen = rng.randrange(3) + 1
        reward = float(rng.random() < (0.8 if (chosen, hour) in ((2, "morning"), (3, "night")) else 0.1))
        context = exports.context(hour)
        context["FromUrl"][0]["noise"] = f"n{rng.randrange(5)}"
        made = exports.line(
            number, _label_cost=-reward, _original_label_cost=-reward, _label_probability=1 / 3, _label_Action=chosen,
            _labelIndex=chosen - 1, a=[chosen, *(one for one in (1, 2, 3) if one != chosen)], p=[1 / 3] * 3, c=context,
        )  # fmt: skip
        lines.append(json.dumps(made, separators=(",", ":")).encode() + b"\n")
    return lines


def test_groups_are_part_of_a_plan_that_can_be_stored() -> None:
    group = Group("user", "", [HOUR])
    assert msgspec.json.decode(msgspec.json.encode(group), type=Group) == group


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 20))])
def test_a_planted_feature_ranks_first_and_noise_scores_nothing(seed: int, tmp_path: Path) -> None:
    from harness.evaluation import run

    file, found = tmp_path / "log.json", tmp_path / "found.json"
    file.write_bytes(b"".join(noisy(3_000, seed)))
    done = run("features", "--log", file, "--policy", "default", "--workers", "2", "--json", found)
    assert done.status == 0, done.stderr
    ranked = json.loads(found.read_bytes())["features"]
    named = {one["feature"]: one for one in ranked if one["feature"]}
    assert max(ranked, key=lambda one: one["score"])["feature"] in ("hour", "")
    assert named["hour"]["score"] > 0.9
    assert named["noise"]["score"] < 0.05
    assert [one["score"] for one in ranked] == sorted((one["score"] for one in ranked), reverse=True)
    assert "cannot be told apart from features that are worth nothing" in done.stdout
