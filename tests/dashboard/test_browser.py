"""The dashboard in a real browser: quiet, by keyboard, on a phone, in the dark, for a screen reader, without script."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from harness.browser import PHONE, WIDE, looking, started
from harness.pages import HOSTILE, World, visitor
from harness.system import ADMIN_KEY
from playwright.sync_api import Browser, ViewportSize, expect

from shared.dashboard import figures

LOOP = "/loops/lived"
PAGES = [
    "/loops",
    LOOP,
    *(f"{LOOP}/{name}" for name in ("actions", "features", "evaluations", "optimize", "holdback")),
]
PAGES += [f"{LOOP}/{name}" for name in ("apprentice", "alarms", "settings", "events", "erasure", "undo")]
PAGES += ["/loops/hostile/actions", "/login"]
FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
LOOKS = {"wide": (WIDE, False), "dark": (WIDE, True), "phone": (PHONE, False)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.mark.parametrize("look", LOOKS)
def test_no_page_complains_asks_elsewhere_or_is_too_wide(browser: Browser, world: World, look: str) -> None:
    size, dark = LOOKS[look]
    with looking(browser, world.system.url, size, dark) as watched:
        for path in PAGES:
            page = watched.go(path)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"], (path, width)
        watched.page.goto(f"{world.system.url}/docs")
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_a_phone_shows_which_tab_is_current(browser: Browser, world: World) -> None:
    with looking(browser, world.system.url, PHONE) as watched:
        box = watched.go(f"{LOOP}/events").locator("nav.tabs [aria-current]").bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= box["x"] + box["width"] <= PHONE["width"]


def test_a_phone_shows_the_end_of_a_chart_first(browser: Browser, world: World) -> None:
    with looking(browser, world.system.url, PHONE) as watched:
        left, most = watched.go(LOOP).evaluate(
            "(box => [box.scrollLeft, box.scrollWidth - box.clientWidth])(document.querySelector('.chart-box'))"
        )
        assert most > 0
        assert abs(left - most) <= 1


@pytest.mark.parametrize("look", LOOKS)
def test_a_screen_reader_finds_its_way(browser: Browser, world: World, look: str) -> None:
    size, dark = LOOKS[look]
    with looking(browser, world.system.url, size, dark) as watched:
        found: dict[str, list[str]] = {}
        for path in PAGES:
            page = watched.go(path)
            for violation in _axe(page):
                found.setdefault(violation, []).append(path)
        assert found == {}


def _axe(page: Any) -> list[str]:
    """The serious findings of axe, without those that are advice."""
    answer = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}).response
    bad = [one for one in answer["violations"] if one["impact"] in ("serious", "critical")]
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in bad]


def test_numbers_in_the_browser_are_those_of_the_twin(browser: Browser, world: World) -> None:
    with visitor(world.system.url) as client:
        data = client.get(f"{LOOP}.json", params={"period": "14d"}).json()
    with looking(browser, world.system.url) as watched:
        page = watched.go(f"{LOOP}?period=14d")
        assert page.locator("h1").inner_text() == figures.bound(data["standing"]["sentence"])
        page.get_by_text("As a table").click()
        table = page.get_by_role("table", name="Average reward over time")
        shown = [row.split("\t") for row in table.locator("tbody").inner_text().splitlines()]
        known = [one for one in reversed(data["history"]["series"]) if one["decisions"]]
        assert [row[1] for row in shown] == [figures.count(one["decisions"]) for one in known]
        assert [row[2].split(" ")[0] for row in shown] == [figures.reward(one["online"]["mean"]) for one in known]


def test_everything_is_reached_by_keyboard(browser: Browser, world: World) -> None:
    with looking(browser, world.system.url) as watched:
        page = watched.go(LOOP)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        reached = set[str]()
        page.evaluate("document.activeElement.blur()")
        for _ in range(80):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.textContent"))
        for name in ("Evaluations", "Model and settings", "Sign out", "by 12 h", "As a table", "UTC", "Local"):
            assert name in reached, name
        assert (
            page.evaluate('document.querySelectorAll(\'[tabindex]:not([tabindex="0"], [tabindex="-1"])\').length') == 0
        )


def test_a_key_is_taken_by_keyboard_alone(browser: Browser, world: World) -> None:
    page = browser.new_page(viewport=WIDE)
    page.goto(f"{world.system.url}/")
    expect(page.locator("#key")).to_be_focused()
    page.keyboard.type(ADMIN_KEY)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert ADMIN_KEY not in page.content()
    assert page.evaluate("JSON.stringify(localStorage) + document.cookie") == "{}"
    page.context.close()


def test_a_table_is_sorted_by_its_heads(browser: Browser, world: World) -> None:
    with looking(browser, world.system.url) as watched:
        page = watched.go("/loops")
        head = page.get_by_role("columnheader", name="loop")
        head.get_by_role("button").click()
        names = page.locator("tbody tr td:first-child").all_inner_texts()
        assert names == sorted(names, reverse=True)
        head.get_by_role("button").click()
        assert page.locator("tbody tr td:first-child").all_inner_texts() == sorted(names)
        expect(head).to_have_attribute("aria-sort", "ascending")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_part_of_the_chart_is_seen_larger(browser: Browser, world: World, dark: bool) -> None:
    with looking(browser, world.system.url, WIDE, dark) as watched:
        page = watched.go(LOOP)
        page.get_by_role("button", name="Zoom").click()
        plot = page.locator(".u-over")
        expect(plot).to_be_visible()
        expect(page.get_by_role("button", name="Zoom")).to_have_count(0)
        plot.evaluate("one => one.scrollIntoView({block: 'center'})")  # the button was in sight, the chart may not be
        place = plot.bounding_box()
        assert place is not None
        middle, at = place["y"] + place["height"] / 2, page.locator(".u-legend .u-value").first

        def hover(share: float) -> str:
            page.mouse.move(place["x"] + share * place["width"], middle)
            page.evaluate(FRAMES)  # a busy browser hands out moves with the next one
            return at.inner_text()

        late, early = hover(0.9), {hover(0.28 + 0.002 * step) for step in range(21)}
        hover(0.3)
        page.mouse.down()
        hover(0.5)
        page.mouse.up()
        assert hover(0.9) != late
        assert hover(0.01) in early  # the left end is where the mouse went down
        assert _axe(page) == []
        page.mouse.dblclick(place["x"] + 0.5 * place["width"], middle)
        assert hover(0.9) == late


def test_a_part_of_the_chart_is_seen_without_a_mouse(browser: Browser, world: World) -> None:
    with looking(browser, world.system.url) as watched:
        page = watched.go(LOOP)
        page.get_by_role("button", name="Zoom").focus()
        page.keyboard.press("Enter")
        part = page.get_by_role("group", name="Part of the period").locator("output")
        expect(part).to_contain_text(" to ")

        def press(name: str) -> list[str]:
            before = part.inner_text()
            page.get_by_role("button", name=name, exact=True).focus()
            page.keyboard.press("Enter")
            page.evaluate(FRAMES)
            after = part.inner_text()
            assert after != before, name
            return after.split(" to ")

        whole = part.inner_text().split(" to ")
        closer = press("Closer")
        assert closer[0] != whole[0]
        assert closer[1] != whole[1]
        earlier = press("Earlier")
        assert earlier == [whole[0], earlier[1]], "it goes no further than the period"
        assert press("Later") == closer
        assert press("Wider") == whole
        press("Closer")
        press("Closer")
        assert press("All") == whole
        assert _axe(page) == []


def test_times_are_told_in_the_zone_that_is_asked_for(browser: Browser, world: World) -> None:
    context = browser.new_context(viewport=WIDE, timezone_id="Asia/Tokyo")
    page = context.new_page()
    page.goto(f"{world.system.url}/dashboard/login")
    page.fill("#key", ADMIN_KEY)
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard")
    page.goto(f"{world.system.url}/dashboard{LOOP}/settings")
    made = page.locator("time").first
    utc = made.inner_text()
    page.get_by_role("button", name="Local").click()
    there = made.inner_text()
    assert (int(utc[-5:-3]) + 9) % 24 == int(there[-5:-3])
    page.reload()
    assert page.locator("time").first.inner_text() == there
    page.get_by_role("button", name="UTC").click()
    assert page.locator("time").first.inner_text() == utc
    context.close()


def test_nothing_that_users_wrote_runs(browser: Browser, world: World) -> None:
    with looking(browser, world.system.url) as watched:
        watched.page.on("dialog", lambda dialog: watched.faults.append(f"dialog: {dialog.message}"))
        for page in ("actions", "settings", "evaluations"):
            watched.go(f"/loops/hostile/{page}")
        page = watched.go("/loops/hostile/events")
        page.fill("#id", f"{HOSTILE}-1")
        page.get_by_role("button", name="Find it").click()
        expect(page.locator("main")).to_contain_text(f"{HOSTILE}-1")


def test_what_a_settings_change_does_is_said_before_it_is_done(browser: Browser, world: World) -> None:
    with looking(browser, world.system.url) as watched:
        page = watched.go("/loops/hostile/settings")
        page.fill("#defaultReward", "0.25")
        page.get_by_role("button", name="See what this changes").first.click()
        expect(page.locator("h1")).to_have_text("Change the settings")
        expect(page.locator("tbody")).to_contain_text("defaultReward")
        assert _configuration(world)["defaultReward"] == 0
        page.get_by_role("button", name="Change the settings").click()
        page.wait_for_url("**/settings")
        assert _configuration(world)["defaultReward"] == 0.25
        expect(page.locator("#defaultReward")).to_have_value("0.25")


def _configuration(world: World) -> dict[str, Any]:
    url = f"{world.system.url}/loops/hostile/personalizer/v1.0/configurations/service"
    found: dict[str, Any] = httpx.get(url, headers={"Ocp-Apim-Subscription-Key": ADMIN_KEY}, timeout=30).json()
    return found


def test_a_loop_is_made_and_deleted(browser: Browser, world: World) -> None:
    with looking(browser, world.system.url) as watched:
        page = watched.go("/loops")
        page.get_by_text("Make a loop").click()
        page.fill("#loop", "by-hand")
        page.get_by_role("button", name="Make the loop").click()
        expect(page.locator("h1")).to_have_text("The loop by-hand is there.")
        key = page.locator(".secret").first.inner_text()
        page.get_by_role("link", name="Go to by-hand").click()
        expect(page.get_by_text("No data", exact=True)).to_be_visible()
        status = httpx.get(
            f"{world.system.url}/loops/by-hand/personalizer/v1.0/status",
            headers={"Ocp-Apim-Subscription-Key": key},
            timeout=30,
        ).status_code
        assert status == 200
        page = watched.go("/loops/by-hand/settings")
        page.get_by_text("Delete this loop").click()
        page.fill("#confirm", "by-hand")
        page.get_by_role("button", name="Delete the loop").click()
        page.wait_for_url("**/dashboard")
        assert "by-hand" not in page.locator("tbody").inner_text()


def test_an_evaluation_is_asked_for_watched_and_deleted(browser: Browser, world: World) -> None:
    with looking(browser, world.system.url) as watched:
        page = watched.go("/loops/default/evaluations")
        page.fill("#name", "By hand")
        page.get_by_text("Compare policies of your own").click()
        page.fill("#policies", "careful: --cb_explore_adf --epsilon 0.05")
        page.get_by_role("button", name="Evaluate").click()
        expect(page.get_by_role("heading", name="Policies on the same events")).to_be_visible(timeout=60_000)
        expect(page.locator("main")).to_contain_text("careful")
        page.get_by_text("Delete this evaluation").click()
        page.get_by_role("button", name="Delete it").click()
        page.wait_for_url("**/evaluations")
        expect(page.locator("main")).to_contain_text("There is none yet.")


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_it_works_without_script(browser: Browser, world: World, size: ViewportSize) -> None:
    context = browser.new_context(viewport=size, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{world.system.url}/dashboard")
    page.fill("#key", ADMIN_KEY)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("tbody tr")).not_to_have_count(0)
    page.get_by_role("link", name="lived").click()
    expect(page.locator("svg.chart")).to_be_visible()
    page.get_by_role("link", name="by 12 h").click()
    expect(page.get_by_role("link", name="by 12 h")).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#key")).to_be_visible()
    context.close()


def test_a_call_is_tried_on_the_page_of_the_api(browser: Browser, world: World) -> None:
    with looking(browser, world.system.url) as watched:
        watched.page.goto(f"{world.system.url}/docs")
        page = watched.page
        page.fill("#key", ADMIN_KEY)
        for name, says in (
            ("/personalizer/{version}/rank", '"rewardActionId"'),
            ("/loops/{loop}/metrics", "personalizer_"),
        ):
            form = page.locator(f"form[data-path='{name}']").first
            page.locator("details", has=form).locator("summary").first.click()
            for field in form.locator("input[name='loop']").all():
                field.fill("lived")
            form.get_by_role("button", name="Send it").click()
            expect(form.locator("output")).to_contain_text(says)
