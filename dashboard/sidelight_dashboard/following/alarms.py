"""Alarms raised and cleared into `alarm`."""

from __future__ import annotations

import apsw

from sidelight.errors import MalformedPayload
from sidelight_dashboard.following.packing import packed, text
from sidelight_dashboard.following.wire import Alarm, Told
from sidelight_dashboard.store.rows import Values, add


def fold_alarm(series: apsw.Connection, told: Told) -> None:
    """One that is cleared without having been raised (retention took that) is passed by."""
    alarm = told.content
    if not isinstance(alarm, Alarm):
        raise MalformedPayload("no alarm, though it stands in `alarms`", where="type")
    if alarm.state == "raised":
        _raise(series, told, alarm)
    else:
        _clear(series, told, alarm)


def _raise(series: apsw.Connection, told: Told, alarm: Alarm) -> None:
    raised: Values = {
        "id": told.id,
        "model": told.meta.model,
        "version": told.meta.version,
        "against": told.meta.against,
        "detector": told.meta.detector,
        "plan": told.meta.plan,
        "raised_ns": told.time_ns,
        "cleared_ns": None,
        "cleared_reason": "",
        "appended_ns": told.appended_ns,
        "reason": alarm.reason,
        "evidence": alarm.evidence,
        "evidence_threshold": alarm.evidence_threshold,
        "suspects": text(told.data["suspects"]),
        "typical": text(told.data["typical"]),
        "address": told.address,
        "data": packed(told.data),
    }
    add(series, "alarm", raised)


def _clear(series: apsw.Connection, told: Told, alarm: Alarm) -> None:
    series.execute(
        "UPDATE alarm SET cleared_ns = ?, cleared_reason = ? WHERE id = ? AND cleared_ns IS NULL",
        (told.time_ns, alarm.reason, alarm.raised_by),
    )
