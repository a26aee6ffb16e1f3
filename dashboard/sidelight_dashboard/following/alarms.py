"""Alarms raised and cleared into `alarm`."""

from __future__ import annotations

import apsw

from sidelight.errors import MalformedPayload
from sidelight_dashboard.following.packing import packed, text
from sidelight_dashboard.following.wire import Alarm, Told


def fold_alarm(series: apsw.Connection, told: Told) -> None:
    """One that is cleared without having been raised (retention took that) is passed by."""
    alarm = told.content
    if not isinstance(alarm, Alarm):
        raise MalformedPayload("no alarm, though it stands in `alarms`", where="type")
    if alarm.state == "raised":
        _raise(series, told, alarm)
    else:
        series.execute(
            "UPDATE alarm SET cleared_ns = ?, cleared_reason = ?"
            " WHERE id = ? AND cleared_ns IS NULL",
            (told.time_ns, alarm.reason, alarm.raised_by),
        )


def _raise(series: apsw.Connection, told: Told, alarm: Alarm) -> None:
    about = told.meta
    series.execute(
        f"INSERT OR IGNORE INTO alarm VALUES ({', '.join('?' * 16)})",
        (
            told.id,
            about.model,
            about.version,
            about.detector,
            about.plan,
            told.time_ns,
            None,
            "",
            told.appended_ns,
            alarm.reason,
            alarm.evidence,
            alarm.evidence_threshold,
            text(told.data["suspects"]),
            text(told.data["typical"]),
            told.address,
            packed(told.data),
        ),
    )
