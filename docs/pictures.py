"""Takes the pictures of the documentation from the demo: ``python -m docs.pictures [URL]``.

Without the address of a standing demo's dashboard it runs one of its own, which takes minutes.
Needs Chromium (Debian's `chromium`), and the extra `dev` for Playwright and Pillow.
"""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.demo import standing

FOLDER = Path(__file__).parent / "pictures"
MODEL = "employment"
SHARPNESS = 1.5
GAP = 24
COLOURS = 64
"""Enough for words and lines; larger pictures weigh more than they tell."""
PATIENCE_MS = 120_000
SETTLED_MS = 500
ALL_DRAWN = "[...document.querySelectorAll('figure[data-chart] > .chart')].every(one => one.drawn)"


@dataclass(frozen=True)
class Picture:
    """What is opened, and how much of it is seen, in pixels of the page."""

    name: str
    open: Callable[[Page, str], None]
    height: int
    width: int = 1200
    scheme: str = "light"


def _overview(page: Page, url: str) -> None:
    page.goto(url)


def _alarm(page: Page, url: str) -> None:
    page.goto(f"{url}/alarms?model={MODEL}&detector=drift")
    page.get_by_role("main").get_by_role("link", name="Drift", exact=True).first.click()


def _drift(page: Page, url: str) -> None:
    _alarm(page, url)
    page.get_by_role("link", name="See what drifted").click()


def _attack(page: Page, url: str) -> None:
    page.goto(f"{url}/models/{MODEL}/attacks")


def _explanation(page: Page, url: str) -> None:
    """Of the row that is most typical of the change."""
    _alarm(page, url)
    page.locator("section[aria-labelledby=typical] a").first.click()
    kept = page.locator("#explanations a")
    if kept.count():
        kept.first.click()
    else:
        page.get_by_role("button", name="Explain").click()
    page.get_by_role("button", name="Forget it").wait_for()


PICTURES = (
    Picture("overview", _overview, 620),
    Picture("alarm", _alarm, 900),
    Picture("drift", _drift, 1160),
    Picture("drift-dark", _drift, 1160, scheme="dark"),
    Picture("why", _explanation, 860),
    Picture("attack", _attack, 1000),
)
SIDES = (Picture("from", _alarm, 1000, 800), Picture("to", _explanation, 1000, 800))
"""One picture that tells the whole: from an alarm, on the left, to why, on the right."""


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with _dashboard(sys.argv[1:]) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for picture in PICTURES:
            _keep(_taken(browser, picture, url), picture.name)
        _keep(_beside([_taken(browser, side, url) for side in SIDES]), "alarm-to-why")
        browser.close()


@contextmanager
def _dashboard(told: list[str]) -> Iterator[str]:
    if told:
        yield told[0].rstrip("/")
        return
    with TemporaryDirectory() as folder, standing(Path(folder) / "here") as demo:
        yield demo.dashboard


def _taken(browser: Browser, picture: Picture, url: str) -> Image.Image:
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        device_scale_factor=SHARPNESS,
        color_scheme="dark" if picture.scheme == "dark" else "light",
        locale="en-GB",
        timezone_id="UTC",
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    picture.open(page, url)
    _draw(page)
    taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    context.close()
    return taken


def _draw(page: Page) -> None:
    """Every chart that is there, and the top of the page again."""
    for figure in page.locator("figure[data-chart]").all():
        figure.scroll_into_view_if_needed()
        figure.locator("svg.main-svg").first.wait_for()
    page.wait_for_function(ALL_DRAWN)
    page.evaluate("window.scrollTo(0, 0)")
    page.wait_for_timeout(SETTLED_MS)


def _beside(sides: list[Image.Image]) -> Image.Image:
    wide = sum(one.width for one in sides) + GAP * (len(sides) - 1)
    whole = Image.new("RGB", (wide, max(one.height for one in sides)), "white")
    left = 0
    for one in sides:
        whole.paste(one, (left, 0))
        left += one.width + GAP
    return whole


def _keep(picture: Image.Image, name: str) -> None:
    path = FOLDER / f"{name}.png"
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name:<20}{path.stat().st_size / 1000:6.0f} kB")


if __name__ == "__main__":
    main()
