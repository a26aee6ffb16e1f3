"""What the template of the overview is filled with."""

from __future__ import annotations

from typing import Any

from sidelight_dashboard.alarms.measured import measured
from sidelight_dashboard.alarms.naming import title_of
from sidelight_dashboard.alarms.told import Search
from sidelight_dashboard.overview.status import ASPECTS
from sidelight_dashboard.overview.told import Overview
from sidelight_dashboard.showing import Showing
from sidelight_dashboard.times import NS

LAST_ALARMS = 5

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


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


def length(begin_ns: int, end_ns: int) -> str:
    """How long ago in one unit: ``3 h``."""
    seconds = max(end_ns - begin_ns, 0) // NS
    size, unit = next((one for one in _UNITS if seconds >= one[0]), _UNITS[-1])
    return f"{seconds // size} {unit}"
