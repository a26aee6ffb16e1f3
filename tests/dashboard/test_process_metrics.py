"""What the process tells of itself."""

from __future__ import annotations

import re
import threading
from pathlib import Path

from prometheus_client import CollectorRegistry

from sidelight_dashboard.delivering.delivering import Delivering
from sidelight_dashboard.following.metrics import FollowingCollector
from sidelight_dashboard.showing import Showing

README = Path(__file__).parents[2] / "dashboard" / "README.md"


def _registry(showing: Showing, waits_for: str | None) -> CollectorRegistry:
    found = CollectorRegistry()
    found.register(FollowingCollector(showing, lambda: waits_for))
    Delivering(showing, lambda: waits_for, found, threading.Event())
    return found


def test_the_readme_names_every_metric_and_no_other(showing: Showing) -> None:
    there = {
        metric.name + ("_total" if metric.type == "counter" else "")
        for metric in _registry(showing, None).collect()
    }

    assert set(re.findall(r"`(sidelight_dashboard_[a-z_]+)`", README.read_text())) == there


def test_a_store_that_has_all_of_the_log_has_no_lag(showing: Showing) -> None:
    registry = _registry(showing, None)

    for topic in ("panes", "results", "alarms", "dead-letters"):
        labels = {"topic": topic}
        assert registry.get_sample_value("sidelight_dashboard_lag_records", labels) == 0
    assert registry.get_sample_value("sidelight_dashboard_waits") == 0
    assert (
        registry.get_sample_value("sidelight_dashboard_store_bytes", {"file": "series"}) or 0
    ) > 0


def test_a_log_that_is_away_is_told(showing: Showing) -> None:
    registry = _registry(showing, "the log is away")

    assert registry.get_sample_value("sidelight_dashboard_waits") == 1
