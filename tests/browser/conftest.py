"""A real browser, and a page that remembers what went wrong on it.

Contexts are shared: the library of charts is fetched and compiled once for each of them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    sync_playwright,
)

from tests.demo import Demo, standing

ZONE = "Asia/Kolkata"
"""Half an hour off, so that a time in it is like no other."""
PATIENCE = 60_000
"""Milliseconds, for what a busy machine may take; nothing here is timed."""
SCREENS = {"wide": (1440, 900), "narrow": (390, 844)}
QUIET = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
"""A browser that asks nobody anything by itself."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of one module: while it is there its loop runs in this thread, and no other test's can."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no Chromium on this machine: scripts/machine installs Debian's")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield started
        started.close()


def _opened(browser: Browser, screen: str, **options: bool) -> BrowserContext:
    width, height = SCREENS[screen]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        timezone_id=ZONE,
        locale="en-GB",
        **options,  # type: ignore[arg-type]
    )
    context.set_default_timeout(PATIENCE)
    return context


@pytest.fixture(scope="module")
def wide(browser: Browser) -> Iterator[BrowserContext]:
    with _opened(browser, "wide") as context:
        yield context


@pytest.fixture(scope="module")
def narrow(browser: Browser) -> Iterator[BrowserContext]:
    with _opened(browser, "narrow") as context:
        yield context


@pytest.fixture(scope="module")
def scriptless(browser: Browser) -> Iterator[BrowserContext]:
    with _opened(browser, "wide", java_script_enabled=False) as context:
        yield context


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with standing(tmp_path_factory.mktemp("demo") / "here") as stands:
        yield stands


@dataclass
class Watched:
    """A page, what its console complained of, and whom else it asked."""

    page: Page
    host: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def see(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self.host:
            self.foreign.append(request.url)


def watched(page: Page, demo: Demo) -> Watched:
    """Hears everything from here on."""
    seen = Watched(page, urlsplit(demo.dashboard).netloc)
    page.on("console", seen.hear)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("request", seen.see)
    return seen
