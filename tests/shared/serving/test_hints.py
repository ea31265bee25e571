"""What somebody is told who called a path that there is not, or with the wrong method."""

import re

import pytest
from harness import functions
from hypothesis import given
from hypothesis import strategies as st

from shared.serving.hints import not_found
from shared.serving.routes import Table
from shared.serving.versions import IN_PATH

TABLE = Table(functions.ROUTES)
QUERY = "?api-version=2022-09-01-preview"
LITERALS = sorted(
    {segment for route in TABLE.routes for segment in route.template.split("/") if not segment.startswith("{")}
)


def told(method: str, path: str) -> str:
    return not_found(TABLE, method, [segment for segment in path.split("/") if segment])


def calls(method: str, path: str) -> list[str]:
    """The calls that are suggested."""
    found = re.search(r"Call (\S+ \S+(?: or \S+ \S+)*)\. ", told(method, path))
    return found[1].split(" or ") if found else []


P, V1, SHOP = "/personalizer", "/personalizer/v1.0", "/loops/shop/personalizer"
CALLS = [
    # The method of the caller.
    ("GET", f"{V1}/policy", [f"GET {V1}/configurations/policy"]),
    ("PUT", f"{V1}/policy", [f"PUT {V1}/configurations/policy"]),
    ("DELETE", f"{V1}/policy", [f"DELETE {V1}/configurations/policy"]),
    ("GET", f"{V1}/configuration/service", [f"GET {V1}/configurations/service"]),
    ("GET", f"{P}/configuration/service", [f"GET {P}/configurations/service{QUERY}"]),
    ("PUT", f"{P}/evaluation/x", [f"PUT {P}/evaluations/x{QUERY}"]),
    ("GET", f"{V1}/logs", [f"GET {V1}/logs/properties"]),
    ("DELETE", f"{V1}/log", [f"DELETE {V1}/logs"]),
    ("HEAD", f"{V1}/modle", [f"HEAD {V1}/model"]),
    # Another one, where the path has not that of the caller.
    ("HEAD", f"{V1}/logs/properties", [f"GET {V1}/logs/properties"]),
    ("POST", f"{V1}/model", [f"GET {V1}/model", f"HEAD {V1}/model", f"PUT {V1}/model"]),
    ("PUT", f"{P}/rank", [f"POST {P}/rank{QUERY}"]),
    ("POST", "/loops/shop/erasures/x", ["PUT /loops/shop/erasures/x", "GET /loops/shop/erasures/x"]),
    ("GET", f"{V1}/rank", []),
    ("HEAD", f"{V1}/events/e1/reward", []),
    ("PATCH", f"{V1}/log", []),
    # Version, loop and values as they were sent.
    ("POST", f"{V1}/events/e1/rewards", [f"POST {V1}/events/e1/reward"]),
    ("POST", f"{P}/V1.1-Preview.2/ranks", [f"POST {P}/V1.1-Preview.2/rank"]),
    ("POST", f"{SHOP}/v1.0/ranks", [f"POST {SHOP}/v1.0/rank"]),
    ("POST", f"{SHOP}/event/e1/activate", [f"POST {SHOP}/events/e1/activate{QUERY}"]),
    ("GET", "/loops/shop/metric", ["GET /loops/shop/metrics"]),
    ("DELETE", "/loop/shop", ["DELETE /loops/shop"]),
    ("POST", "/loops/shop/key/app/1", ["POST /loops/shop/keys/app/1"]),
    # The version that has the operation.
    ("PUT", f"{V1}/featureImportances/f", [f"PUT {P}/featureImportances/f{QUERY}"]),
    ("PUT", f"{V1}/evaluations/e", [f"PUT {P}/evaluations/e{QUERY}"]),
    ("POST", f"{P}/evaluations", [f"POST {P}/{IN_PATH[-1]}/evaluations"]),
    ("GET", f"{P}/2022-09-01-preview/modle", [f"GET {P}/model{QUERY}"]),
    ("GET", f"{P}/v3/modle", [f"GET {P}/{IN_PATH[-1]}/model", f"GET {P}/model{QUERY}"]),
    # What is known to be written wrongly.
    ("POST", f"{V1}/events/e1/reward/reward", [f"POST {V1}/{m}events/e1/reward" for m in ("", "multislot/")]),
    ("POST", f"{V1}/multislot/events/e1/reward/reward", [f"POST {V1}/multislot/events/e1/reward"]),
    ("POST", f"{P}{V1}/rank", [f"POST {V1}/rank"]),
    ("POST", f"{V1}{V1}/rank", [f"POST {V1}/rank"]),
    ("POST", f"{P}{SHOP}/v1.0/rank", [f"POST {SHOP}/v1.0/rank"]),
    ("POST", f"/api{V1}/rank", [f"POST {V1}/rank"]),
    ("POST", f"/API{P}/rank", [f"POST {P}/rank{QUERY}"]),
    ("GET", "/api/health", ["GET /health"]),
    ("POST", "/v1.0/rank", [f"POST {V1}/rank"]),
    ("POST", f"{V1}/events/reward", [f"POST {V1}/events/{{eventId}}/reward"]),
    # What is like nothing.
    ("GET", "/", []),
    ("GET", "/nowhere", []),
    ("GET", P, []),
    ("DELETE", f"{V1}/configurations", [f"DELETE {V1}/configurations/policy"]),
    ("POST", f"{V1}/{'x/' * 5000}", []),
]


@pytest.mark.parametrize(("method", "path", "expected"), CALLS)
def test_the_call_that_was_most_likely_meant(method: str, path: str, expected: list[str]) -> None:
    assert calls(method, path) == expected


@pytest.mark.parametrize("version", [*IN_PATH, *map(str.upper, IN_PATH)])
@pytest.mark.parametrize("scope", ["", "/loops/shop"])
def test_a_known_version_is_kept_as_it_was_written(version: str, scope: str) -> None:
    assert calls("POST", f"{scope}{P}/{version}/multislot/ranks") == [f"POST {scope}{P}/{version}/multislot/rank"]


def test_a_path_that_only_other_methods_have_is_told_with_them_and_nothing_is_to_be_called() -> None:
    assert told("GET", f"{V1}/rank") == (
        f"Nothing answers GET {V1}/rank. {V1}/rank answers POST. GET /docs describes every operation."
    )
    assert f" {V1}/configurations/applyFromEvaluation answers POST." in told("GET", f"{V1}/applyFromEvaluation")


def test_what_is_wrong_with_the_path_is_said() -> None:
    assert f"has personalizer twice: an endpoint ends before {P}." in told("POST", f"{P}{V1}/rank")
    assert "There is no API version 'v3'; use one of v1.0, " in told("GET", f"{P}/v3/modle")
    for known in (f"{V1}/modle", f"{P}/2022-09-01-preview/modle", f"{P}/modle"):
        assert "There is no" not in told("GET", known)


segments = st.sampled_from([*LITERALS, *IN_PATH, "v9", "e1", "reward", "x" * 300]) | st.text(max_size=4)


@st.composite
def near_misses(draw: st.DrawFn) -> list[str]:
    """A path that there is, filled with values, and one of its segments misspelled, left out or doubled."""
    template = draw(st.sampled_from(TABLE.routes)).template
    path = [draw(segments) if segment.startswith("{") else segment for segment in template.split("/")]
    place = draw(st.integers(0, len(path) - 1))
    wrong = draw(st.sampled_from([[], [path[place]] * 2, [path[place] + "s"], [path[place][:-1]], [draw(segments)]]))
    return [*path[:place], *wrong, *path[place + 1 :]]


@given(
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    st.lists(segments, max_size=7) | near_misses(),
)
def test_whatever_is_called_nothing_worse_is_suggested_and_what_is_exists(method: str, path: list[str]) -> None:
    for call in calls(method, "/".join(path)):
        suggested, _, url = call.partition(" ")
        assert suggested == method or suggested != "DELETE"
        assert method not in ("GET", "HEAD") or suggested in ("GET", "HEAD")
        assert TABLE.find(suggested, [segment for segment in url.partition("?")[0].split("/") if segment])
    assert len(told(method, "/".join(path))) < 2000
