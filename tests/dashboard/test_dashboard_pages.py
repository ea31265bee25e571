"""Pages as HTML: who sees them, that they say what their twins say, and that nothing that users wrote ever runs."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from harness.pages import HOSTILE, READER_KEY, World, send, tags, text, visitor
from harness.system import ADMIN_KEY

from shared.dashboard import assets, figures
from shared.loops.policy_sums import BASELINE

PAGES = [
    "",
    "actions",
    "features",
    "evaluations",
    "optimize",
    "apprentice",
    "holdback",
    "alarms",
    "settings",
    "events",
    "erasure",
    "undo",
]


@pytest.fixture(scope="module")
def owner(world: World) -> Iterator[httpx.Client]:
    with visitor(world.system.url) as client:
        yield client


@pytest.fixture(scope="module")
def reader(world: World) -> Iterator[httpx.Client]:
    with visitor(world.system.url, READER_KEY) as client:
        yield client


def twin(client: httpx.Client, path: str, **query: str) -> Any:
    answer = client.get(f"{path}.json", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


@pytest.mark.parametrize("loop", ["default", "lived", "hostile"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_and_its_twin_can_be_seen(owner: httpx.Client, loop: str, page: str) -> None:
    path = f"/loops/{loop}/{page}".rstrip("/")
    answer = owner.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.text.count("<h1") == 1 or page in ("settings", "features", "evaluations", "apprentice", "undo")
    assert f'href="/dashboard{path}.json"' in answer.text
    twin(owner, path)


def test_the_figures_of_the_overview_are_those_of_the_summaries(world: World, owner: httpx.Client) -> None:
    data = twin(owner, "/loops/lived", period="14d")["history"]
    whole = world.past
    assert data["decisions"] == whole.fate("shown") == data["funnel"]["shown"]
    assert data["funnel"]["rewarded"] == whole.fate("rewarded")
    assert data["funnel"]["late"] == whole.fate("late")
    served, baseline = whole.served(), whole.total(BASELINE)
    assert data["online"]["mean"] == float(served.r) / float(served.n)
    assert data["baseline"]["mean"] == float(baseline.wr) / float(baseline.w)
    assert sum(one["decisions"] for one in data["rewards"]) == whole.fate("shown")
    assert sum(one["decisions"] for one in data["series"]) == whole.fate("shown")


def test_the_page_says_what_its_twin_says(owner: httpx.Client) -> None:
    data, page = twin(owner, "/loops/lived", period="14d"), owner.get("/loops/lived", params={"period": "14d"}).text
    said = text(page)
    assert data["standing"]["sentence"] in said
    for name in ("ranked", "shown", "rewarded", "late"):
        assert f" {figures.count(data['history']['funnel'][name])} " in said, name
    for one in data["history"]["series"]:
        if one["decisions"]:
            assert f" {figures.count(one['decisions'])} " in said
            assert figures.reward(one["online"]["mean"]) in said


@pytest.mark.parametrize(
    ("takes", "encoding"),
    [("gzip, deflate, br", "gzip"), ("br", None), ("gzip;q=0", None), ("br, gzip;q=0.5", "gzip"), ("", None)],
)
def test_a_page_travels_zipped_to_whoever_takes_that(owner: httpx.Client, takes: str, encoding: str | None) -> None:
    style = re.search(r'href="/dashboard(/assets/[^"]+css)"', owner.get("/login").text)
    assert style is not None
    for path in ("/loops/lived", "/loops/lived.json", style[1]):
        answer = owner.get(path, headers={"Accept-Encoding": takes})
        assert answer.headers.get("content-encoding") == encoding
        assert answer.headers.get("vary") == ("Accept-Encoding" if encoding else None)
        assert len(answer.content) > 1_200
        assert ("immutable" in answer.headers["cache-control"]) == path.endswith("css")
    assert owner.get("/login", headers={"Accept-Encoding": "gzip"}).headers["content-security-policy"]


def test_what_others_made_is_as_they_published_it() -> None:
    known = {
        "uPlot-1.6.32.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
        "uPlot-1.6.32.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
        "uPlot-1.6.32.LICENSE.txt": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
    }
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in assets.FOLDER.glob("uPlot*")}
    assert found == known


def test_the_list_of_loops_says_what_its_twin_says(owner: httpx.Client) -> None:
    data, said = twin(owner, "/loops"), text(owner.get("/loops").text)
    assert {one["name"] for one in data["loops"]} == {"default", "lived", "hostile"}
    assert data["sentence"] in said
    for one in data["loops"]:
        assert one["name"] in said
        assert one["word"] in said


@pytest.mark.parametrize("page", PAGES)
def test_a_reader_sees_no_form_that_changes_anything(reader: httpx.Client, page: str) -> None:
    answer = reader.get(f"/loops/lived/{page}".rstrip("/"))
    if page in ("events", "erasure", "undo"):
        assert answer.status_code == 403
        return
    assert answer.status_code == 200
    forms = re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', answer.text)
    assert forms == ["/dashboard/logout"]
    assert 'href="/dashboard/loops/lived/events"' not in answer.text


CHANGES = [
    "loops/make", "loops/default/settings-change", "loops/default/policy-change", "loops/default/policy-reset",
    "loops/default/undo-change", "loops/default/clear", "loops/default/erasure-count", "loops/default/erasure-do",
    "loops/default/loop-delete", "loops/default/key-rotate",
    "loops/default/model-import", "loops/default/evaluation-make", "loops/default/evaluation-apply",
    "loops/default/evaluation-delete", "loops/default/importance-make", "loops/default/importance-delete",
    "loops/demo-begin", "loops/demo-visit", "loops/demo-answer", "loops/demo-send", "loops/demo-end",
]  # fmt: skip


@pytest.mark.parametrize("path", CHANGES)
def test_a_reader_changes_nothing(reader: httpx.Client, path: str) -> None:
    answer = send(reader, f"/{path}", loop="x", seen="yes", model="true", logs="true", policy="true")
    assert (answer.status_code, "may look, and not change this" in answer.text) == (403, True)


def test_every_action_is_tried_above() -> None:
    from shared.dashboard.actions import ACTIONS

    assert {path.rpartition("/")[2] for path in CHANGES} == set(ACTIONS)


@pytest.mark.parametrize("path", ["model-file", "policy-file"])
def test_a_reader_takes_no_model(reader: httpx.Client, path: str) -> None:
    assert reader.get(f"/loops/default/{path}").status_code == 403


@pytest.mark.parametrize("key", [READER_KEY, "of the loop"])
def test_a_reader_s_key_neither_ranks_nor_rewards_nor_traces_nor_changes(world: World, key: str) -> None:
    loop = "default" if key == READER_KEY else "hostile"
    key = READER_KEY if key == READER_KEY else world.keys["reader"][0]
    headers, base = {"Ocp-Apim-Subscription-Key": key}, f"/loops/{loop}/personalizer/v1.0"
    with httpx.Client(base_url=world.system.url, headers=headers, timeout=30) as client:
        refused = [
            client.post(f"{base}/rank", json={"actions": [{"id": "a", "features": []}]}),
            client.post(f"{base}/events/x/reward", json={"value": 1}),
            client.post(f"{base}/events/x/activate"),
            client.get(f"/loops/{loop}/events/x"),
            client.put(f"{base}/configurations/policy", json={"name": "a", "arguments": "--cb_explore_adf"}),
            client.get(f"{base}/configurations/service"),
            client.get(f"{base}/model"),
            client.delete(f"{base}/model"),
            client.delete(f"{base}/logs"),
            client.put("/loops/another"),
            client.delete(f"/loops/{loop}"),
            client.post(f"/loops/{loop}/keys/reader/1"),
            client.post(f"/loops/{loop}/undo"),
            client.post(f"{base}/evaluations", json={}),
        ]
        assert {answer.status_code for answer in refused} <= {401, 403}
        seen = [client.get(f"/loops/{loop}/metrics"), client.get(f"{base}/evaluations"), client.get(f"/loops/{loop}")]
        assert [answer.status_code for answer in seen] == [200] * 3
        everywhere = client.get("/metrics").status_code, client.get("/loops").status_code
        assert everywhere == ((200, 200) if key == READER_KEY else (401, 401))


@pytest.mark.parametrize("page", PAGES)
def test_what_users_wrote_is_shown_and_never_runs(owner: httpx.Client, page: str) -> None:
    html = owner.get(f"/loops/hostile/{page}".rstrip("/")).text
    assert HOSTILE not in html
    found = tags(html)
    assert found.count("script") == 1  # the one of the page itself
    assert "img" not in found


def test_hostile_names_are_seen_as_they_are(owner: httpx.Client) -> None:
    assert HOSTILE in text(owner.get("/loops/hostile/actions").text)
    assert HOSTILE in owner.get("/loops/hostile/settings.json").json()["policy"]["name"]
    event = f"{HOSTILE}-1"
    found = owner.get("/loops/hostile/events", params={"id": event})
    assert found.status_code == 200
    assert tags(found.text).count("script") == 1
    assert event in text(found.text)
    nothing = owner.get("/loops/hostile/events", params={"id": HOSTILE + "none"})
    assert HOSTILE in text(nothing.text)
    assert tags(nothing.text).count("script") == 1


ODD = ["/loops/%3Cscript%3Ealert(1)", "/%3Cscript%3E/x", "/loops/default/%22%3E%3Cscript%3E"]


@pytest.mark.parametrize("path", ODD)
def test_a_path_is_shown_and_never_runs(owner: httpx.Client, path: str) -> None:
    answer = owner.get(path)
    assert answer.status_code == 404
    assert tags(answer.text).count("script") == 1


def test_a_loop_that_is_deleted_while_its_page_is_open(world: World, owner: httpx.Client) -> None:
    headers = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
    with httpx.Client(base_url=world.system.url, headers=headers, timeout=30) as client:
        client.put("/loops/gone")
        assert owner.get("/loops/gone").status_code == 200
        assert client.delete("/loops/gone").status_code == 204
    for path in ("/loops/gone", "/loops/gone/settings"):
        answer = owner.get(path)
        assert (answer.status_code, "It may have been deleted." in text(answer.text)) == (404, True)
    assert send(owner, "/loops/gone/policy-reset").status_code == 404
    assert json.loads(owner.get("/loops/gone.json").text)["error"]["code"] == "ResourceNotFound"


@pytest.mark.parametrize(
    "query",
    [
        {"period": "x"}, {"period": "6h", "by": "1d"}, {"period": "30d", "by": "5m"}, {"by": "<script>"},
        {"since": "yesterday"}, {"until": "9999-99-99"}, {"id": "\x00"}, {"id": "x" * 5000},
    ],
)  # fmt: skip
def test_odd_queries_are_answered(owner: httpx.Client, query: dict[str, str]) -> None:
    for page in PAGES:
        answer = owner.get(f"/loops/lived/{page}".rstrip("/"), params=query)
        assert answer.status_code in (200, 400, 404), (page, answer.text)


def test_every_alarm_has_words_for_when_it_is_not_raised() -> None:
    from shared.dashboard.standing import CALM, FIRST
    from shared.monitoring.alarms.catalogue import ALARMS

    assert {alarm.name for alarm in ALARMS} == set(CALM)
    assert set(FIRST) <= set(CALM)


@pytest.mark.parametrize(
    ("states", "says"),
    [
        (["ok", "unknown"], "2 loops, and none that needs you."),
        (["ok", "warning"], "None of 2 loops is in trouble; look at b: b's word."),
        (["critical", "warning"], "One of 2 loops needs you: a, a's word."),
        (["critical", "critical"], "2 loops need you: a, a's word."),
    ],
)
def test_the_first_sentence_names_the_loop_that_needs_somebody(states: list[Any], says: str) -> None:
    from shared.dashboard.pages import loops

    rows = [loops.Row(name, state, f"{name}'s word", None) for name, state in zip("ab", states, strict=True)]
    assert loops._sentence(rows) == says


def test_a_period_of_several_years_names_them() -> None:
    start, end = (figures.parsed(text) or 0 for text in ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"))
    assert text(str(figures.between(start, end))) == "01 Jan 2026 00:00 to 01 Jan 2027 00:00"
    assert text(str(figures.between(start, end - 1))) == "01 Jan 00:00 to 31 Dec 23:59"
