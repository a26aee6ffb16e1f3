"""What the template of the overview is filled with."""

from __future__ import annotations

from typing import Any

from sidelight_dashboard.alarms.measured import measured
from sidelight_dashboard.alarms.naming import title_of
from sidelight_dashboard.alarms.told import Search
from sidelight_dashboard.overview.ages import length
from sidelight_dashboard.overview.status import ASPECTS
from sidelight_dashboard.overview.told import Overview
from sidelight_dashboard.showing import Showing

LAST_ALARMS = 5


def shown(showing: Showing, told: Overview) -> dict[str, Any]:
    last_alarms = Search().rows(showing, LAST_ALARMS)
    return {
        "told": told,
        "aspects": ASPECTS,
        "last_alarms": last_alarms,
        "measured": measured(showing, last_alarms),
        "kind": kind,
        "length": length,
        "title_of": title_of,
        "stale_seconds": showing.settings.dashboard.stale_seconds,
        "lag_seconds": showing.settings.detectors.stalled_seconds,
    }


def kind(word: str) -> str:
    """The style of a word of state: ``no-data``."""
    return word.lower().replace(" ", "-")
