"""What the pages point at is there, and their configurations are valid."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sidelight.config.settings import Settings

ROOT = Path(__file__).parent.parent
ROOMS = ("docs", "logger", "detectors", "explainers", "dashboard", "deploy")
PAGES = [*ROOT.glob("*.md"), *(page for room in ROOMS for page in (ROOT / room).rglob("*.md"))]

each = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """The files of ours that the page links, and the headings in them."""
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if "://" not in target:
            path, _, heading = target.partition("#")
            yield (page.parent / path if path else page), heading


def headings(page: Path) -> set[str]:
    """As GitHub names them in an address."""
    told = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", one).lower() for one in told)
    return {re.sub(r"[^\w\- ]", "", one).replace(" ", "-") for one in plain}


@each
def test_every_link_leads_somewhere(page: Path) -> None:
    for file, heading in links(page):
        assert file.exists(), f"{page} links {file}"
        assert not heading or heading in headings(file), f"{page} links {file}#{heading}"


@each
def test_every_module_that_is_run_is_there(page: Path) -> None:
    for name in re.findall(r"python -m ((?:benchmarks|docs|tests)\.[\w.]*\w)", page.read_text()):
        assert (ROOT / name.replace(".", "/")).with_suffix(".py").exists(), f"{page}: {name}"


@each
def test_every_whole_configuration_is_valid(page: Path) -> None:
    for text in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL):
        if re.search("^models:", text, re.MULTILINE):
            Settings.model_validate(yaml.safe_load(text))
