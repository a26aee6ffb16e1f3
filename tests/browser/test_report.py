"""A report in a browser: from a file, with nobody to ask, light and dark, narrow, on paper."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.dashboard.attacked import attacked_pictures
from tests.dashboard.hostile import hostile
from tests.dashboard.reported import made

SCREENS = ((1440, "light"), (1440, "dark"), (390, "light"))
CHARTS = "figure[data-chart]"
DRAWN = f"{CHARTS} > .chart > .plot-container"
SECONDS = 60
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a model whose names try to be markup."""
    folder = tmp_path_factory.mktemp("report")
    with hostile(folder) as showing:
        file = folder / "report.html"
        file.write_text(made(showing).html, "utf-8")
    return file


def opened(page: Page, file: Path) -> list[str]:
    """What was asked for or complained of, once all charts are drawn."""
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("request", lambda asked: said.append(f"asked: {asked.url[:200]}"))
    page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
    page.goto(file.as_uri())
    return said


def drawn(page: Page) -> int:
    charts = page.locator(CHARTS).count()
    for _ in range(SECONDS * 10):
        if page.locator(DRAWN).count() == charts:
            return charts
        page.wait_for_timeout(100)
    raise AssertionError(f"{page.locator(DRAWN).count()} of {charts} charts are drawn")


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_it_draws_all_its_charts_and_asks_nobody(
    browser: Browser, report: Path, width: int, scheme: str
) -> None:
    viewport = {"width": width, "height": 900}
    with browser.new_context(viewport=viewport, color_scheme=scheme) as context:  # type: ignore[arg-type]
        page = context.new_page()
        said = opened(page, report)
        assert drawn(page) > 5
        assert page.title().startswith("Report of income")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert [one for one in said if one != f"asked: {report.as_uri()}"] == []


def test_it_is_read_without_script(browser: Browser, report: Path) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        said = opened(page, report)
        assert page.locator("main h2").count() > 5
        assert page.locator("table").count() > 5
        assert "Times are UTC." in page.locator("main").inner_text()
        assert said == [f"asked: {report.as_uri()}"]


def test_its_links_lead_within(browser: Browser, report: Path) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        opened(page, report)
        link = page.locator(".contents a").last
        leaf = page.locator(str(link.get_attribute("href")))
        link.click()
        assert leaf.evaluate("one => Math.abs(one.getBoundingClientRect().top) < innerHeight")


def test_on_paper_it_is_light_and_whole(browser: Browser, report: Path) -> None:
    with browser.new_context(color_scheme="dark") as context:
        page = context.new_page()
        said = opened(page, report)
        drawn(page)
        paper = page.pdf(format="A4")
        assert page.evaluate("document.documentElement.dataset.theme") is None
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.wait_for_timeout(2000)
        assert page.evaluate("document.documentElement.dataset.theme") == "light"
        widths = page.locator(f"{DRAWN} .main-svg:first-child").evaluate_all(
            "all => all.map((one) => one.getBoundingClientRect().width)"
        )
        assert max(widths) < 718  # of a sheet with Chromium's margins
        assert len(said) == 1, said
    assert paper.startswith(b"%PDF")
    assert len(paper) > 50_000


@pytest.fixture
def pictured(tmp_path: Path) -> Path:
    with attacked_pictures(tmp_path) as showing:
        file = tmp_path / "report.html"
        file.write_text(made(showing).html, "utf-8")
    return file


def test_pictures_are_seen(browser: Browser, pictured: Path) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        said = opened(page, pictured)
        seen = page.locator("main img").evaluate_all("all => all.map((one) => one.naturalWidth)")
        assert seen
        assert min(seen) > 0
        assert [one for one in said if "data:" not in one] == [f"asked: {pictured.as_uri()}"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, report: Path, scheme: str) -> None:
    with browser.new_context(color_scheme=scheme) as context:  # type: ignore[arg-type]
        page = context.new_page()
        opened(page, report)
        drawn(page)
        found = Axe().run(page).response["violations"]
    told = [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in SERIOUS]
    assert told == []
