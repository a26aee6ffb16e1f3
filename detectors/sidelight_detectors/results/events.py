"""Results and alarms as CloudEvents; data keeps alibi-detect's ``{"data": ..., "meta": ...}``.

The bytes depend on the value alone (no clock, no host), so a result written again after a crash is
the same result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import orjson

from sidelight import __version__
from sidelight.errors import MalformedPayload
from sidelight.events import CloudEvent
from sidelight.events.records import from_record, to_record
from sidelight.log import Address, Record
from sidelight_detectors.alarms.rule import Suspect
from sidelight_detectors.contract import ColumnFinding, DriftFinding
from sidelight_detectors.results.findings import (
    VERSIONS,
    About,
    Alarm,
    ComparisonResult,
    DriftResult,
    Judged,
    OutlierResult,
    Output,
    PromiseResult,
    Seen,
    Stretch,
    TypicalRow,
    UnjudgedResult,
    WindowResult,
)
from sidelight_detectors.results.kinds import finding_of

DRIFT_TYPE = "io.sidelight.result.drift.v1"
WINDOW_TYPE = "io.sidelight.result.window.v1"
COMPARISON_TYPE = "io.sidelight.result.comparison.v1"
UNJUDGED_TYPE = "io.sidelight.result.unjudged.v1"
OUTLIER_TYPE = "io.sidelight.result.outlier.v1"
PROMISE_TYPE = "io.sidelight.result.promise.v1"
ALARM_TYPE = "io.sidelight.alarm.v1"

SOURCE = "/sidelight/detectors"

Json = Mapping[str, Any]


def output_record(output: Output) -> Record:
    """The log record of a result or alarm, keyed by its id."""
    return to_record(output_event(output), output.id.encode())


def output_event(output: Output) -> CloudEvent:
    match output:
        case DriftResult():
            data, time_ns = _drift_data(output), output.seen.last_ns
            return _event(output, DRIFT_TYPE, time_ns, "drift", data)
        case WindowResult():
            data, time_ns = _window_data(output), output.seen.last_ns
            return _event(output, WINDOW_TYPE, time_ns, output.detector, data)
        case ComparisonResult():
            data, time_ns = _comparison_data(output), output.seen.last_ns
            return _event(output, COMPARISON_TYPE, time_ns, VERSIONS, data)
        case UnjudgedResult():
            data, time_ns = _unjudged_data(output), output.seen.last_ns
            return _event(output, UNJUDGED_TYPE, time_ns, output.detector, data)
        case OutlierResult():
            data = _outlier_data(output)
            return _event(output, OUTLIER_TYPE, output.time_ns, output.detector, data)
        case PromiseResult():
            return _event(output, PROMISE_TYPE, output.time_ns, "promise", _promise_data(output))
        case Alarm():
            data = _alarm_data(output)
            return _event(output, ALARM_TYPE, output.time_ns, output.detector, data)


def output_of(record: Record) -> Output:
    """The result or alarm a record holds; `MalformedPayload` when it is none of ours."""
    event = from_record(record)
    reader = _READERS.get(event.type)
    if reader is None:
        raise MalformedPayload(f"{event.type!r} is none of {sorted(_READERS)}", where="type")
    try:
        body = orjson.loads(event.data or b"")
        return reader(event, body["meta"], body["data"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as exc:
        raise MalformedPayload(f"not a {event.type} ({exc!r})", where="data") from exc


def _event(output: Output, type_: str, time_ns: int, detector: str, data: Json) -> CloudEvent:
    meta = {
        "name": _NAMES.get(detector, detector),
        "detector_type": detector,
        "data_type": "tabular",
        "version": __version__,
        "model": output.about.model,
        "model_version": output.about.version,
        "plan": output.about.plan,
        "segment": output.about.segment,
        "against": output.about.against,
    }
    extensions = {"modelname": output.about.model, "plan": output.about.plan}
    if output.about.version:
        extensions["modelversion"] = output.about.version
    return CloudEvent(
        id=output.id,
        source=SOURCE,
        type=type_,
        time_ns=time_ns,
        datacontenttype="application/json",
        subject=output.about.model,
        extensions=extensions,
        data=orjson.dumps({"data": data, "meta": meta}),
    )


_NAMES = {
    "drift": "CellDrift",
    "versions": "VersionDrift",
    "outlier": "RowOutlier",
    "promise": "Plan",
}


def _drift_data(result: DriftResult) -> Json:
    return {
        **_finding_data(result.finding),
        "effect": _effect_data(result.worst),
        "promise": result.promise,
        **_seen_data(result.seen),
    }


def _comparison_data(result: ComparisonResult) -> Json:
    return {
        **_finding_data(result.finding),
        "promise": result.promise,
        "against": {"n": result.seen_against.rows, **_seen_data(result.seen_against)},
        **_seen_data(result.seen),
    }


def _finding_data(finding: DriftFinding) -> Json:
    columns = finding.columns
    return {
        "is_drift": int(finding.is_drift),
        "distance": [column.distance for column in columns],
        "p_val": [column.p_value for column in columns],
        "threshold": min(column.threshold for column in columns),
        "columns": columns,
        "n": finding.rows,
        "n_reference": finding.reference_rows,
        "window": finding.window,
        "alpha": finding.alpha,
        "tolerance": finding.tolerance,
    }


def _window_data(result: WindowResult) -> Json:
    return {
        "is_drift": int(result.finding.is_drift),
        "n": result.finding.rows,
        "finding": result.finding,
        "promise": result.promise,
        **_seen_data(result.seen),
    }


def _effect_data(worst: ColumnFinding) -> Json:
    return {
        "column": worst.column,
        "distance": worst.distance,
        "size": worst.effect,
        "low": worst.low,
        "high": worst.high,
    }


def _unjudged_data(result: UnjudgedResult) -> Json:
    return {
        "is_drift": None,
        "n": result.seen.rows,
        "not_enough_data": result.reason,
        **_seen_data(result.seen),
    }


def _seen_data(seen: Seen) -> Json:
    return {
        "flagged": seen.flagged,
        "exchanges": [
            {"from": str(stretch.first), "to": str(stretch.last)} for stretch in seen.exchanges
        ],
        "time_ns": {"from": seen.first_ns, "to": seen.last_ns},
    }


def _outlier_data(result: OutlierResult) -> Json:
    return {
        "is_outlier": 1,
        "instance_score": result.score,
        "feature_score": dict(result.contributions),
        "p_val": result.p_value,
        "threshold": result.rate if result.threshold is None else result.threshold,
        "exchange": str(result.address),
        "row": result.row,
        "method": result.method,
        "rate_bound": result.bound,
        "reasons": result.reasons,
    }


def _promise_data(result: PromiseResult) -> Json:
    return {"promise": result.text, "begins_at": str(result.begins_at)}


def _alarm_data(alarm: Alarm) -> Json:
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
            return {**_drift_data(alarm.result), **told, "result": alarm.result.id}
        case WindowResult():
            return {**_window_data(alarm.result), **told, "result": alarm.result.id}
        case ComparisonResult():
            return {**_comparison_data(alarm.result), **told, "result": alarm.result.id}


def _segment_data(result: DriftResult) -> Json:
    data = {"n": result.finding.rows, "name": result.about.segment, "result": result.id}
    return {**_drift_data(result), **data}


def _about(meta: Json) -> About:
    names = ("model", "model_version", "plan", "segment", "against")
    return About(*(meta[name] for name in names))


def _seen(data: Json) -> Seen:
    exchanges = tuple(
        Stretch(Address.parse(stretch["from"]), Address.parse(stretch["to"]))
        for stretch in data["exchanges"]
    )
    times = data["time_ns"]
    return Seen(data["n"], data["flagged"], exchanges, times["from"], times["to"])


def _drift(id_: str, about: About, data: Json) -> DriftResult:
    return DriftResult(id_, about, _seen(data), _finding(data), data["promise"])


def _comparison(id_: str, about: About, data: Json) -> ComparisonResult:
    seen, against = _seen(data), _seen(data["against"])
    return ComparisonResult(id_, about, seen, against, _finding(data), data["promise"])


def _finding(data: Json) -> DriftFinding:
    columns = tuple(map(ColumnFinding.from_json, data["columns"]))
    return DriftFinding(
        data["n"], data["n_reference"], data["window"], data["alpha"], data["tolerance"], columns
    )


def _read_drift(event: CloudEvent, meta: Json, data: Json) -> DriftResult:
    return _drift(event.id, _about(meta), data)


def _read_comparison(event: CloudEvent, meta: Json, data: Json) -> ComparisonResult:
    return _comparison(event.id, _about(meta), data)


def _window(id_: str, meta: Json, data: Json) -> WindowResult:
    detector = meta["detector_type"]
    finding = finding_of(detector, data["finding"])
    return WindowResult(id_, _about(meta), detector, _seen(data), finding, data["promise"])


def _read_window(event: CloudEvent, meta: Json, data: Json) -> WindowResult:
    return _window(event.id, meta, data)


def _read_unjudged(event: CloudEvent, meta: Json, data: Json) -> UnjudgedResult:
    return UnjudgedResult(
        event.id, _about(meta), meta["detector_type"], _seen(data), data["not_enough_data"]
    )


def _read_outlier(event: CloudEvent, meta: Json, data: Json) -> OutlierResult:
    # JSON has no NaN and writes null; then the threshold is the score's.
    has_p_value = data["p_val"] is not None
    return OutlierResult(
        event.id,
        _about(meta),
        meta["detector_type"],
        Address.parse(data["exchange"]),
        data["row"],
        event.time_ns or 0,
        data["instance_score"],
        data["p_val"] if has_p_value else math.nan,
        data["threshold"] if has_p_value else math.nan,
        tuple(data["feature_score"].items()),
        data.get("method", ""),
        data.get("rate_bound"),
        tuple(data.get("reasons", ())),
        None if has_p_value else data["threshold"],
    )


def _read_promise(event: CloudEvent, meta: Json, data: Json) -> PromiseResult:
    begins_at = Address.parse(data["begins_at"])
    return PromiseResult(event.id, _about(meta), begins_at, event.time_ns or 0, data["promise"])


def _read_alarm(event: CloudEvent, meta: Json, data: Json) -> Alarm:
    about, result = _about(meta), _result_of(meta, data)
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
    return _drift(segment["result"], replace(about, segment=segment["name"]), segment)


def _result_of(meta: Json, data: Json) -> Judged | None:
    """What an alarm was raised or cleared by; None when a new plan ended it."""
    if "result" not in data:
        return None
    if "finding" in data:
        return _window(data["result"], meta, data)
    if "against" in data:
        return _comparison(data["result"], _about(meta), data)
    return _drift(data["result"], _about(meta), data)


_READERS: Mapping[str, Callable[[CloudEvent, Json, Json], Output]] = {
    DRIFT_TYPE: _read_drift,
    WINDOW_TYPE: _read_window,
    COMPARISON_TYPE: _read_comparison,
    UNJUDGED_TYPE: _read_unjudged,
    OUTLIER_TYPE: _read_outlier,
    PROMISE_TYPE: _read_promise,
    ALARM_TYPE: _read_alarm,
}
