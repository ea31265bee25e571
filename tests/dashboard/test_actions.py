"""What forms do: the same as the operations, said before it is done, and refused with a word that helps."""

import html
import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from harness.pages import HOSTILE, OWN, World, send, text, visitor
from harness.system import ADMIN_KEY, wait_until

LOOP, POLICY = "/loops/acted", "--cb_explore_adf --epsilon 0.3"


@pytest.fixture(scope="module")
def api(world: World) -> Iterator[httpx.Client]:
    """A loop of its own, by the operations."""
    headers = {"Ocp-Apim-Subscription-Key": ADMIN_KEY}
    with httpx.Client(base_url=world.system.url, headers=headers, timeout=60) as client:
        assert client.put("/loops/acted").status_code == 201
        yield client
        assert client.delete("/loops/acted").status_code in (204, 404)


@pytest.fixture(scope="module")
def owner(world: World, api: httpx.Client) -> Iterator[httpx.Client]:
    with visitor(world.system.url) as client:
        yield client


def read(api: httpx.Client, what: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"{LOOP}/personalizer/v1.0/configurations/{what}").json()
    return found


def confirmed(owner: httpx.Client, page: httpx.Response) -> httpx.Response:
    """Sends the form of the page that says what a change does."""
    assert page.status_code == 200, page.text
    forms = re.findall(r'<form method="post" action="/dashboard([^"]+)"[^>]*>(.*?)</form>', page.text)
    action, body = next(one for one in forms if "/loops/" in one[0])
    fields = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', body))
    return owner.post(action, data={name: html.unescape(value) for name, value in fields.items()}, headers=OWN)


def test_settings_are_changed_once_it_is_seen_what_that_does(owner: httpx.Client, api: httpx.Client) -> None:
    before = read(api, "service")
    page = send(owner, f"{LOOP}/settings-change", rewardWaitTime="PT5S", defaultReward="0.5")
    assert {"rewardWaitTime", "PT10M", "PT5S", "defaultReward"} <= set(text(page.text).split())
    assert read(api, "service") == before
    assert confirmed(owner, page).status_code == 303
    after = read(api, "service")
    assert (after["rewardWaitTime"], after["defaultReward"]) == ("PT5S", 0.5)
    assert {name for name in after if after[name] != before[name]} - {"lastConfigurationEditDate"} == {
        "rewardWaitTime",
        "defaultReward",
    }


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("rewardWaitTime", "soon", "rewardWaitTime"),
        ("defaultReward", "7", "defaultReward"),
        ("explorationPercentage", "lots", "explorationPercentage"),
        ("learningMode", "Genius", "learningMode"),
    ],
)
def test_a_wrong_value_is_named_and_changes_nothing(
    owner: httpx.Client, api: httpx.Client, field: str, value: str, says: str
) -> None:
    before = read(api, "service")
    answer = send(owner, f"{LOOP}/settings-change", **{field: value})
    assert answer.status_code == 400
    assert says in text(answer.text)
    assert read(api, "service") == before


def test_nothing_that_is_as_it_was_is_changed(owner: httpx.Client) -> None:
    answer = send(owner, f"{LOOP}/settings-change", learningMode="Online")
    assert "Nothing would change." in answer.text


def test_a_holdback_and_automatic_optimisation_are_switched_on(owner: httpx.Client, api: httpx.Client) -> None:
    assert confirmed(owner, send(owner, f"{LOOP}/settings-change", holdbackPercentage="0.05")).status_code == 303
    fields = {"isAutoOptimizationEnabled": "true", "autoOptimizationDays": "7"}
    assert confirmed(owner, send(owner, f"{LOOP}/settings-change", **fields)).status_code == 303
    after = read(api, "service")
    assert (after["holdbackPercentage"], after["autoOptimizationFrequency"]) == (0.05, "P7D")
    assert after["isAutoOptimizationEnabled"] is True
    assert "Every 7 days" in text(owner.get(f"{LOOP}/optimize").text)


def test_a_policy_is_put_undone_and_reset(owner: httpx.Client, api: httpx.Client) -> None:
    before = read(api, "policy")
    page = send(owner, f"{LOOP}/policy-change", name="mine", arguments=POLICY)
    assert POLICY in html.unescape(page.text)
    assert read(api, "policy") == before
    assert confirmed(owner, page).status_code == 303
    assert read(api, "policy")["name"] == "mine"
    assert before["name"] in text(owner.get(f"{LOOP}/undo").text)
    assert send(owner, f"{LOOP}/undo-change").status_code == 303
    assert read(api, "policy")["name"] == before["name"]
    assert send(owner, f"{LOOP}/undo-change").status_code == 409
    assert "There is nothing to undo." in text(owner.get(f"{LOOP}/undo").text)
    assert confirmed(owner, send(owner, f"{LOOP}/policy-change", name="mine", arguments=POLICY)).status_code == 303
    assert confirmed(owner, send(owner, f"{LOOP}/policy-reset")).status_code == 303
    assert read(api, "policy")["name"] == before["name"]


def test_every_change_is_marked_in_the_chart_and_listed(owner: httpx.Client, api: httpx.Client) -> None:
    base = "/loops/lived/personalizer/v1.0"
    for name in ("first", "second"):
        policy = {"name": name, "arguments": POLICY}
        assert api.put(f"{base}/configurations/policy", json=policy).status_code == 200
    assert api.post("/loops/lived/undo").status_code == 200
    settings = api.get(f"{base}/configurations/service").json()
    for changed in ({"defaultReward": 0.25}, {}, {"learningMode": "LoggingOnly"}, {}):
        assert api.put(f"{base}/configurations/service", json=settings | changed).status_code == 200
    assert api.delete(f"{base}/model").status_code == 204
    page, changes = owner.get("/loops/lived"), owner.get("/loops/lived.json").json()["changes"]
    said = [one["what"] for one in changes]
    assert said == [
        "Model cleared",
        "Learning mode Online",
        "Learning mode LoggingOnly",
        "Settings changed: defaultReward",
        "Settings changed: defaultReward",
        "The last change undone: policy first",
        "Policy second put into effect",
        "Policy first put into effect",
    ]
    assert [one["undoable"] for one in changes].count(True) <= 1
    assert [html.unescape(one) for one in re.findall(r"<title>([^<]+)</title></g>", page.text)] == said


@pytest.mark.parametrize(
    "arguments", ["--cb_explore_adf -f /etc/passwd", "nonsense", "", "--cb_explore_adf --epsilon 7"]
)
def test_a_policy_that_is_not_allowed_is_refused(owner: httpx.Client, api: httpx.Client, arguments: str) -> None:
    before = read(api, "policy")
    page = send(owner, f"{LOOP}/policy-change", name="bad", arguments=arguments)
    answer = confirmed(owner, page) if page.status_code == 200 else page
    assert answer.status_code == 400
    assert read(api, "policy") == before


def test_events_are_counted_before_they_are_erased(owner: httpx.Client, api: httpx.Client) -> None:
    quick = {"rewardWaitTime": "PT2S", "modelExportFrequency": "PT1S"}
    settings = api.put(f"{LOOP}/personalizer/v1.0/configurations/service", json=read(api, "service") | quick)
    assert settings.status_code == 200
    for user, event in (("u-17", "mine"), ("u-18", "other")):
        actions = [{"id": one, "features": [{"kind": one}]} for one in "ab"]
        body = {"eventId": event, "contextFeatures": [{"user": {"id": user}}], "actions": actions}
        assert api.post(f"{LOOP}/personalizer/v1.0/rank", json=body).status_code == 201
    assert send(owner, f"{LOOP}/erasure-count").status_code == 400
    assert send(owner, f"{LOOP}/erasure-count", eventId="mine", feature="x", value="y").status_code == 400
    nobody = send(owner, f"{LOOP}/erasure-count", feature="user.id", value="nobody")
    assert "No event is meant." in text(nobody.text)
    wait_until(lambda: joined(owner) == 2, "both events are in the log", 60)
    page = send(owner, f"{LOOP}/erasure-count", feature="user.id", value="u-17")
    assert "Erase these events" in text(page.text)
    assert "u-17" not in erased(owner, page)
    assert api.get(f"{LOOP}/events/mine").json()["status"] == "erased"
    assert "It was erased" in text(owner.get(f"{LOOP}/events", params={"id": "mine"}).text)


def test_the_whole_log_is_erased_only_once_that_is_seen(owner: httpx.Client, api: httpx.Client) -> None:
    page = send(owner, f"{LOOP}/erasure-count", eventId="other")
    assert "Erase every event of the log" in text(page.text)
    assert api.get(f"{LOOP}/events/other").json()["status"] != "erased"
    refused = send(owner, f"{LOOP}/erasure-do", eventId="other").headers["location"].removeprefix("/dashboard")
    wait_until(lambda: "Refused" in text(owner.get(refused).text), "all of the log is not meant without a word", 60)
    erased(owner, page)
    assert api.get(f"{LOOP}/events/other").json()["status"] == "erased"


def erased(owner: httpx.Client, page: httpx.Response) -> str:
    """Where an erasure that is confirmed leads, once it is done."""
    done = confirmed(owner, page)
    assert done.status_code == 303
    where = done.headers["location"].removeprefix("/dashboard")
    wait_until(lambda: "Done" in text(owner.get(where).text), "it is done", 60)
    said = text(owner.get(where).text)
    assert "It ended" in said
    assert "Load this page again" not in said
    return where


def joined(owner: httpx.Client) -> float:
    data = owner.get(f"{LOOP}.json").json()
    return float(data["history"]["decisions"])


def test_a_model_is_exported_and_imported(owner: httpx.Client, api: httpx.Client) -> None:
    model = owner.get(f"{LOOP}/model-file", params={"signed": "true"})
    assert model.headers["content-disposition"] == 'attachment; filename="acted.zip"'
    answer = owner.post(f"{LOOP}/model-import", files={"model": ("model.zip", model.content)}, headers=OWN)
    assert answer.status_code == 303, answer.text
    wait_until(lambda: owner.get(f"{LOOP}/settings.json").json()["model"], "the model is there")
    bad = owner.post(f"{LOOP}/model-import", files={"model": ("model.zip", b"no model")}, headers=OWN)
    assert bad.status_code == 400
    assert "Given model file" in text(bad.text)


def test_a_policy_is_downloaded_as_it_can_be_put(owner: httpx.Client, api: httpx.Client) -> None:
    found = owner.get(f"{LOOP}/policy-file").json()
    assert api.put(f"{LOOP}/personalizer/v1.0/configurations/policy", json=found).status_code == 200


def test_a_key_is_replaced_and_shown_once(world: World, owner: httpx.Client) -> None:
    answer = send(owner, f"{LOOP}/key-rotate", role="reader", number="2")
    key = re.findall(r'class="secret">([0-9a-f]{64})<', answer.text)
    assert len(key) == 1
    assert answer.headers["cache-control"] == "no-store"
    url, headers = f"{world.system.url}{LOOP}/metrics", {"Ocp-Apim-Subscription-Key": key[0]}
    metrics = httpx.get(url, headers=headers, timeout=30)
    assert metrics.status_code == 200
    assert send(owner, f"{LOOP}/key-rotate", role="root", number="1").status_code == 404


def test_an_evaluation_is_applied_once_it_is_seen_what_that_does(
    world: World, owner: httpx.Client, api: httpx.Client
) -> None:
    loop = "/loops/hostile"
    fields = {"name": "By form", "since": _stamp(-86_400), "until": _stamp(60), "policies": f"bold: {POLICY}"}
    made = send(owner, f"{loop}/evaluation-make", **fields)
    assert made.status_code == 303, made.text
    where = made.headers["location"].removeprefix("/dashboard")
    path, _, query = where.partition("?")
    wait_until(lambda: owner.get(f"{path}.json?{query}").json()["result"], "the evaluation is done", 120)
    data = owner.get(f"{path}.json?{query}").json()
    assert "bold" in {one["name"] for one in data["result"]["policies"]}
    assert "bold" in text(owner.get(where).text)
    report = owner.get(f"{loop}/evaluation-report?{query}")
    assert "attachment" in report.headers["content-disposition"]
    assert "<script" not in report.text
    assert "bold" in report.text
    page = send(owner, f"{loop}/evaluation-apply", id=data["job"]["id"], policy="bold")
    assert "Apply bold" in text(page.text)
    assert confirmed(owner, page).status_code == 303
    policy = f"{loop}/personalizer/v1.0/configurations/policy"
    assert api.get(policy).json()["name"] == "bold"
    assert send(owner, f"{loop}/undo-change").status_code == 303
    assert api.get(policy).json()["name"] == HOSTILE  # which other tests look for in this loop
    assert send(owner, f"{loop}/evaluation-apply", id=data["job"]["id"], policy="none").status_code == 404
    assert send(owner, f"{loop}/evaluation-delete", id=data["job"]["id"]).status_code == 303
    assert owner.get(f"{path}.json?{query}").status_code == 404


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"policies": "no colon here"}, "has no colon between name and arguments"),
        ({"policies": "Online: --cb_explore_adf"}, "must not be 'Online'"),
        ({"since": "yesterday"}, "startTime"),
        ({"name": ""}, "name"),
    ],
)
def test_an_evaluation_that_cannot_be_asked_for_says_why(
    owner: httpx.Client, fields: dict[str, str], says: str
) -> None:
    asked = {"name": "x", "since": _stamp(-86_400), "until": _stamp(60)} | fields
    answer = send(owner, "/loops/default/evaluation-make", **asked)
    assert answer.status_code == 400
    assert says in text(answer.text)


def test_data_is_cleared_as_far_as_it_is_ticked(owner: httpx.Client, api: httpx.Client) -> None:
    assert send(owner, f"{LOOP}/clear").status_code == 400
    assert send(owner, f"{LOOP}/clear", model="true").status_code == 303
    assert owner.get(f"{LOOP}/settings.json").json()["model"] is None


def test_a_loop_is_deleted_only_by_its_name(owner: httpx.Client, api: httpx.Client) -> None:
    assert send(owner, f"{LOOP}/loop-delete", confirm="another").status_code == 400
    assert api.get("/loops/acted").status_code == 200
    assert send(owner, f"{LOOP}/loop-delete", confirm="acted").status_code == 303
    assert api.get("/loops/acted").status_code == 404


def _stamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
