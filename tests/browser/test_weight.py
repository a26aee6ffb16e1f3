"""What a first look at twenty models weighs; how long it takes is `benchmarks.dashboard_view`."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.fleet import dashboard

MODELS = 20
MOST_BYTES = 1_500_000
LIBRARY = "plotly"


def test_the_first_view_of_twenty_models_is_light(browser: Browser, tmp_path: Path) -> None:
    with dashboard(tmp_path, MODELS) as url, browser.new_context() as context:
        page = context.new_page()
        page.goto(url, wait_until="load")
        sizes = page.evaluate(
            "performance.getEntries().filter(one => 'encodedBodySize' in one)"
            ".map(one => [one.name, one.decodedBodySize])"
        )
        rows = page.locator("main tbody tr").count()

    own = {name: size for name, size in sizes if LIBRARY not in name}
    assert rows >= MODELS
    assert 0 < sum(own.values()) < MOST_BYTES, own
