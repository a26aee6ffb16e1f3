"""Alarms as JSON: what was found, with why it is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sidelight.events import CloudEvent
from sidelight.log import Address
from sidelight_detectors.alarms.rule import Suspect
from sidelight_detectors.results.findings import (
    About,
    Alarm,
    AttackResult,
    ComparisonResult,
    DriftResult,
    Judged,
    TypicalRow,
    WindowResult,
)
from sidelight_detectors.results.rows import attack_data, attack_of
from sidelight_detectors.results.windows import (
    about_of,
    comparison_data,
    comparison_of,
    drift_data,
    drift_of,
    window_data,
    window_of,
)

Json = Mapping[str, Any]


def alarm_data(alarm: Alarm) -> Json:
    told: dict[str, Any] = {
        "state": alarm.change,
        "reason": alarm.reason,
        "raised_by": alarm.raised_by,
        "evidence": alarm.evidence,
        "evidence_threshold": alarm.threshold,
        "suspects": alarm.suspects,
        "rows_seen": alarm.rows_seen,
        "typical": [
            {"exchange": str(row.address), "row": row.row, "log_ratio": row.log_ratio}
            for row in alarm.rows
        ],
    }
    if alarm.segment_result is not None:
        told["segment"] = _segment_data(alarm.segment_result)
    match alarm.result:
        case None:
            return {"is_drift": int(alarm.change == "raised"), **told}
        case DriftResult():
            return {**drift_data(alarm.result), **told, "result": alarm.result.id}
        case WindowResult():
            return {**window_data(alarm.result), **told, "result": alarm.result.id}
        case AttackResult():
            return {**attack_data(alarm.result), **told, "result": alarm.result.id}
        case ComparisonResult():
            return {**comparison_data(alarm.result), **told, "result": alarm.result.id}


def _segment_data(result: DriftResult) -> Json:
    data = {"n": result.finding.rows, "name": result.about.segment, "result": result.id}
    return {**drift_data(result), **data}


def alarm_of(event: CloudEvent, meta: Json, data: Json) -> Alarm:
    about, result = about_of(meta), _result_of(meta, data)
    return Alarm(
        event.id,
        about,
        meta["detector_type"],
        data["state"],
        data["reason"],
        data["raised_by"],
        event.time_ns or 0,
        data["evidence"],
        data["evidence_threshold"],
        tuple(Suspect(**suspect) for suspect in data["suspects"]),
        result,
        data["rows_seen"],
        _segment_of(about, data),
        tuple(
            TypicalRow(Address.parse(row["exchange"]), row["row"], row["log_ratio"])
            for row in data["typical"]
        ),
    )


def _segment_of(about: About, data: Json) -> DriftResult | None:
    segment = data.get("segment")
    if segment is None:
        return None
    return drift_of(segment["result"], replace(about, segment=segment["name"]), segment)


def _result_of(meta: Json, data: Json) -> Judged | AttackResult | None:
    """What an alarm was raised or cleared by; None when a new plan ended it."""
    if "result" not in data:
        return None
    if "episode" in data:
        return attack_of(data["result"], meta, data)
    if "finding" in data:
        return window_of(data["result"], meta, data)
    if "against" in data:
        return comparison_of(data["result"], about_of(meta), data)
    return drift_of(data["result"], about_of(meta), data)
