"""The first view of twenty models in a real Chromium: when it is painted, and what it weighs.

    python -m benchmarks.dashboard_view

A fresh browser each time, nothing cached. Targets: 1.5 s, and 1.5 MB without the charts' library.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import QUIET
from tests.browser.fleet import dashboard

MODELS = 20
TIMES = 10
_SEEN = """async () => {
    await new Promise(painted => new PerformanceObserver(told => {
        if (told.getEntriesByName('first-contentful-paint').length) painted();
    }).observe({type: 'paint', buffered: true}));
    const [page] = performance.getEntriesByType('navigation');
    const [painted] = performance.getEntriesByName('first-contentful-paint');
    const own = [page, ...performance.getEntriesByType('resource')]
        .filter(one => !one.name.includes('plotly'));
    const sum = name => own.reduce((total, one) => total + one[name], 0);
    return {painted: painted.startTime, loaded: page.loadEventEnd, answered: page.responseEnd,
            bytes: sum('decodedBodySize'), wire: sum('encodedBodySize')};
}"""


def main() -> None:
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("no Chromium on this machine: scripts/machine installs Debian's")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        with dashboard(Path(folder), MODELS) as url:
            seen = [_view(browser, url) for _ in range(TIMES)]
        browser.close()
    print(f"{MODELS} models, {TIMES} first views")
    for name in ("answered", "painted", "loaded"):
        values = [one[name] for one in seen]
        print(f"{name:<10}{statistics.median(values):8.0f} ms   worst {max(values):.0f} ms")
    plain, wire = (seen[0][name] / 1e3 for name in ("bytes", "wire"))
    print(f"{'own bytes':<10}{plain:8.0f} kB   on the wire {wire:.0f}")


def _view(browser: Browser, url: str) -> dict[str, float]:
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        page = context.new_page()
        page.goto(url, wait_until="load")
        told: dict[str, float] = page.evaluate(_SEEN)
        return told


if __name__ == "__main__":
    main()
