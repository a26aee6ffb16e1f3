"""The demo in a real browser: from the alarm to the feature, the row and why, on every screen."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from sidelight.demo.traffic import Clients
from sidelight.tables import read_table
from sidelight.tensors import Columns
from tests.browser.conftest import PATIENCE, ZONE, Watched, watched
from tests.demo import Demo

pytestmark = pytest.mark.timeout(900)
"""The first one waits for the demo to stand."""

MODEL = "employment"
PAGES = {
    "overview": "/",
    "alarms": "/alarms",
    "drift": f"/models/{MODEL}/drift",
    "outliers": f"/models/{MODEL}/outliers",
    "attacks": f"/models/{MODEL}/attacks",
    "bias": f"/models/{MODEL}/bias",
}
FOCUSED = "document.activeElement.matches('a') && document.activeElement.textContent.trim()"
SERIOUS = ("serious", "critical")


@pytest.fixture
def seen(wide: BrowserContext, demo: Demo) -> Iterator[Watched]:
    """A page of its own; at the end nothing may have gone wrong on it."""
    with wide.new_page() as page:
        heard = watched(page, demo)
        yield heard
        assert (heard.errors, heard.foreign) == ([], [])


def drawn(page: Page) -> None:
    """Every chart that stands on the page is there."""
    for figure in page.locator("figure[data-chart]").all():
        figure.scroll_into_view_if_needed()
        expect(figure.locator("svg.main-svg").first).to_be_visible(timeout=PATIENCE)


def explained(page: Page) -> None:
    expect(page.get_by_role("button", name="Forget it")).to_be_visible(timeout=PATIENCE)


def test_the_demo_tells_its_story(demo: Demo) -> None:
    assert "The story came out as promised." in demo.told
    assert "written: build/demo/explanation.html" in demo.told


def test_from_the_alarm_to_the_feature_the_row_and_why(seen: Watched, demo: Demo) -> None:
    page = seen.page
    page.goto(demo.dashboard)
    expect(page.get_by_role("main")).to_contain_text("ALARM")

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Alarms").click()
    page.get_by_role("main").get_by_role("link", name="Drift", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"of {MODEL}")
    alarm = page.url

    page.get_by_role("link", name="place in the household").first.click()
    expect(page).to_have_url(re.compile(f"/models/{MODEL}/drift.*feature=RELP"))
    drawn(page)
    expect(page.get_by_role("main")).to_contain_text("chi-squared")

    page.goto(alarm)
    page.get_by_role("link", name=re.compile("^row [0-9]+ of")).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("chance of being employed")
    page.get_by_role("button", name="Explain").click()
    explained(page)
    expect(page.get_by_role("main")).to_contain_text("place in the household")
    drawn(page)
    kept = page.url

    page.goto("about:blank")
    page.goto(kept)
    explained(page)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_accessible_in_light_and_dark(seen: Watched, demo: Demo, name: str) -> None:
    seen.page.goto(demo.dashboard + PAGES[name])
    for scheme in ("light", "dark"):
        seen.page.emulate_media(color_scheme=scheme)
        drawn(seen.page)
        found = Axe().run(seen.page).response["violations"]
        assert [_told(one) for one in found if one["impact"] in SERIOUS] == [], scheme


def _told(violation: dict[str, object]) -> str:
    nodes = violation["nodes"]
    assert isinstance(nodes, list)
    return f"{violation['id']}: {violation['help']}: {[node['html'][:200] for node in nodes[:3]]}"


@pytest.mark.parametrize("name", PAGES)
def test_a_narrow_screen_never_scrolls_sideways(
    narrow: BrowserContext, demo: Demo, name: str
) -> None:
    with narrow.new_page() as page:
        page.goto(demo.dashboard + PAGES[name])
        drawn(page)
        widths = "[document.documentElement.scrollWidth, window.innerWidth]"
        scrolled, window = page.evaluate(widths)
        assert scrolled <= window


@pytest.mark.parametrize("name", PAGES)
def test_without_scripts_every_page_has_its_words(
    scriptless: BrowserContext, demo: Demo, name: str
) -> None:
    with scriptless.new_page() as page:
        page.goto(demo.dashboard + PAGES[name])
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("table").first).to_be_visible()


def test_times_are_those_of_the_viewers_zone(seen: Watched, demo: Demo) -> None:
    page = seen.page
    page.goto(f"{demo.dashboard}/alarms")
    time = page.locator("main time").first
    at = time.get_attribute("datetime")
    in_zone = page.evaluate(
        "([at, zone]) => new Date(at).toLocaleTimeString('en-GB', {timeZone: zone})", [at, ZONE]
    )
    expect(time).to_contain_text(in_zone)


def test_the_keyboard_alone_leads_to_an_alarm(seen: Watched, demo: Demo) -> None:
    page = seen.page
    page.goto(demo.dashboard)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == "ALARM":
            break
    page.keyboard.press("Enter")
    expect(page).not_to_have_url(re.compile(r"/(#.*)?$"))


def test_a_page_follows_what_happens_without_being_reloaded(seen: Watched, demo: Demo) -> None:
    page = seen.page
    page.goto(f"{demo.dashboard}/models/{MODEL}/outliers")
    page.evaluate("window.isTheSamePage = true")
    before = page.locator("main").inner_text()
    ask(demo, rows=200)
    expect(page.locator("main")).not_to_have_text(before, timeout=PATIENCE)
    assert page.evaluate("window.isTheSamePage")


def ask(demo: Demo, rows: int) -> None:
    """People of the reference are asked about once more."""
    told = yaml.safe_load(demo.config.read_text())
    people = read_table(demo.config.parent / "reference.parquet").take(slice(0, rows))
    named = [people[name] for name in told["models"][MODEL]["features"]]
    host, port = told["logger"]["listen"].split(":")
    Clients(host, int(port), MODEL).ask(Columns(tuple(named)), "once-more", "tester")


def test_an_hour_that_the_clock_shows_twice_stays_the_one_that_was_asked_for(
    browser: Browser, demo: Demo
) -> None:
    with browser.new_context(timezone_id="America/New_York") as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        night = "from=2026-11-01T05:30:00Z&to=2026-11-01T06:30:00Z"
        page.goto(f"{demo.dashboard}/models/{MODEL}/drift?{night}")
        page.get_by_role("button", name="Show").click()
        expect(page).to_have_url(re.compile("from=2026-11-01T05%3A30.*to=2026-11-01T06%3A30"))


def test_arrow_keys_pass_choices_of_time_without_asking_for_each(seen: Watched, demo: Demo) -> None:
    page = seen.page
    page.goto(f"{demo.dashboard}/models/{MODEL}/drift")
    address, time = page.url, page.get_by_label("Time")
    time.focus()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("button", name="Show")).to_be_visible()
    assert page.url == address
    expect(time).to_be_focused()
