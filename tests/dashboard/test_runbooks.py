"""Each alert has a runbook, and each runbook says what somebody at night needs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sidelight_dashboard.alarms.naming import runbook_of
from tests.dashboard.asking import rules

ROOT = Path(__file__).parents[2]
RUNBOOKS = sorted(path for path in (ROOT / "docs" / "runbooks").glob("*.md"))
PAGES = [path for path in RUNBOOKS if path.stem != "README"]
HEADINGS = ["## What it means", "## Look", "## Mend"]
SETTING = r"`((?:log|logger|receiver|joiner|detectors|explainers|dashboard|probes)\.[a-z_.]+)`"

each = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)


@pytest.mark.parametrize("rule", list(rules("alert")), ids=lambda rule: rule["alert"])
def test_an_alert_links_a_runbook_that_names_it(rule: dict[str, dict[str, str]]) -> None:
    told = rule["annotations"]
    place = told["runbook_url"].removeprefix("{{ $externalLabels.runbooks }}")

    assert (ROOT / place).is_file()
    assert f"`{rule['alert']}`" in (ROOT / place).read_text()
    assert told["dashboard_url"].startswith("{{ $externalLabels.dashboard }}")
    assert told["summary"]


@each
def test_a_runbook_is_one_page_of_three_parts(path: Path) -> None:
    text = path.read_text()

    assert re.findall("^## .*", text, re.MULTILINE) == HEADINGS
    assert len(text.splitlines()) <= 60


@each
def test_a_runbook_is_about_alerts_that_there_are(path: Path) -> None:
    named = set(re.findall(r"`(Sidelight\w+)`", path.read_text()))

    assert named
    assert named <= {rule["alert"] for rule in rules("alert")}


@each
def test_settings_that_a_runbook_names_exist(path: Path) -> None:
    told = (ROOT / "docs" / "configuration.md").read_text()
    for name in re.findall(SETTING, path.read_text()):
        assert re.search(rf"\b{re.escape(name)}[`.]", told), name


@each
def test_the_list_of_runbooks_has_them_all(path: Path) -> None:
    assert f"({path.name})" in (path.parent / "README.md").read_text()


@pytest.mark.parametrize("detector", ["drift", "joint", "bias", "flips", "adversarial", "mine"])
def test_an_alarm_on_the_page_links_a_runbook_that_is_there(detector: str) -> None:
    assert (ROOT / runbook_of(detector)).is_file()
