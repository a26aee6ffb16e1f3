"""Alarms as Prometheus' Alertmanager takes them: told again while they stand.

Source: Alertmanager's OpenAPI specification, version 2, `postAlerts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from sidelight_dashboard.delivering.notice import Notice
from sidelight_dashboard.times import NS, iso

VALID_SECONDS = 3600.0
"""Of an alarm that is not told again: a dashboard may be away for so long without resolving any."""

_CRITICAL = ("adversarial", "bias", "flips", "performance", "squeezing")


class Alertmanager:
    """All alarms that stand, and those just cleared, in one post."""

    path = "/api/v2/alerts"
    content_type = "application/json"
    most = 200
    again_seconds: float | None = 60.0

    def body(self, notices: Sequence[Notice], now_ns: int) -> bytes:
        return orjson.dumps([alert_of(notice, now_ns) for notice in notices])


def alert_of(notice: Notice, now_ns: int) -> Mapping[str, Any]:
    """The label `alarm` tells two attacks at the same time apart."""
    began_ns = min(notice.raised_ns, now_ns)
    cleared_ns = notice.cleared_ns
    # one without length, or of the future, would be refused or fire on
    ends_ns = (
        now_ns + int(VALID_SECONDS * NS)
        if cleared_ns is None
        else min(max(cleared_ns, began_ns + NS), now_ns)
    )
    labels = {
        "alertname": "SidelightAlarm",
        "severity": "critical" if notice.detector.startswith(_CRITICAL) else "warning",
        "model": notice.model,
        "version": notice.version,
        "detector": notice.detector,
        "alarm": notice.alarm,
    }
    annotations = {
        "summary": notice.summary,
        "description": notice.headline,
        "suspects": ", ".join(notice.suspects),
        "runbook_url": notice.runbook,
        "dashboard_url": notice.url,
    }
    return {
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {name: value for name, value in annotations.items() if value},
        "startsAt": iso(began_ns),
        "endsAt": iso(ends_ns),
        "generatorURL": notice.url,
    }
