"""A real browser, and a page that remembers what went wrong on it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from tests.demo import Demo, standing

QUIET = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
"""A browser that asks nobody anything by itself."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no Chromium on this machine: scripts/machine installs Debian's")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield started
        started.close()


@pytest.fixture(scope="session")
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


SCREENS = {"wide": (1440, 900), "narrow": (390, 844)}


@pytest.fixture
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")
