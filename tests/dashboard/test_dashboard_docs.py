"""The manual names every page and every part of the API, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from sidelight.config.settings import Settings
from sidelight_dashboard.showing import Showing
from tests.dashboard.browsing import client
from tests.detectors.traffic import MODEL

DOCS = Path(__file__).parents[2] / "docs"
MANUAL = (DOCS / "dashboard.md").read_text()


def test_the_manual_names_every_part_of_the_api_and_no_other(showing: Showing) -> None:
    paths = client(showing).get("/openapi.json").json()["paths"]
    documented = set(re.findall(r"`(/api/[^`?]*)`", MANUAL))
    assert documented <= set(paths)
    # Charts lie below what they are drawn from, and are told together.
    assert {
        one for one in paths if one.startswith("/api") and not _is_below(one, documented)
    } == set()


def _is_below(path: str, documented: set[str]) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in documented)


def test_the_manual_has_every_page_of_a_model(showing: Showing) -> None:
    page = client(showing).get(f"/models/{MODEL}/bias").text
    tabs = set(re.findall(rf'href="/models/{MODEL}/(\w+)', page))
    assert {"drift", "bias"} <= tabs
    for tab in tabs:
        assert f"`/models/MODEL/{tab}`" in MANUAL


def test_links_of_the_manual_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", MANUAL):
        assert (DOCS / link).exists(), link


def test_the_manuals_configuration_is_one() -> None:
    for block in re.findall(r"```yaml\n(.*?)```", MANUAL, re.DOTALL):
        Settings.model_validate(yaml.safe_load(block))


def test_settings_that_the_manual_names_exist() -> None:
    reference = (DOCS / "configuration.md").read_text()
    for name in re.findall(r"`(dashboard\.[a-z_.]+)`", MANUAL):
        assert f"`{name}`" in reference, name
