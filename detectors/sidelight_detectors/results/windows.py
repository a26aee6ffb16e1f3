"""Judged windows as JSON: data keeps alibi-detect's names, plus ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidelight.log import Address
from sidelight_detectors.contract import ColumnFinding, DriftFinding
from sidelight_detectors.results.findings import (
    About,
    ComparisonResult,
    DriftResult,
    Seen,
    Stretch,
    UnjudgedResult,
    WindowResult,
)
from sidelight_detectors.results.kinds import finding_of

Json = Mapping[str, Any]


def drift_data(result: DriftResult) -> Json:
    return {
        **_finding_data(result.finding),
        "effect": _effect_data(result.worst),
        "promise": result.promise,
        **_evidence_data(result),
        **_seen_data(result.seen),
    }


def comparison_data(result: ComparisonResult) -> Json:
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


def window_data(result: WindowResult) -> Json:
    return {
        "is_drift": int(result.finding.is_drift),
        "n": result.finding.rows,
        "finding": result.finding,
        "promise": result.promise,
        **_evidence_data(result),
        **_seen_data(result.seen),
    }


def _evidence_data(result: DriftResult | WindowResult) -> Json:
    if result.e_value is None:
        return {}
    return {"e_value": result.e_value, "e_value_threshold": result.e_value_threshold}


def _effect_data(worst: ColumnFinding) -> Json:
    return {
        "column": worst.column,
        "distance": worst.distance,
        "size": worst.effect,
        "low": worst.low,
        "high": worst.high,
    }


def unjudged_data(result: UnjudgedResult) -> Json:
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


def about_of(meta: Json) -> About:
    names = ("model", "model_version", "plan", "segment", "against")
    return About(*(meta[name] for name in names))


def _seen(data: Json) -> Seen:
    exchanges = tuple(
        Stretch(Address.parse(stretch["from"]), Address.parse(stretch["to"]))
        for stretch in data["exchanges"]
    )
    times = data["time_ns"]
    return Seen(data["n"], data["flagged"], exchanges, times["from"], times["to"])


def drift_of(id_: str, about: About, data: Json) -> DriftResult:
    return DriftResult(id_, about, _seen(data), _finding(data), data["promise"], *_evidence(data))


def _evidence(data: Json) -> tuple[float | None, float | None]:
    return data.get("e_value"), data.get("e_value_threshold")


def comparison_of(id_: str, about: About, data: Json) -> ComparisonResult:
    seen, against = _seen(data), _seen(data["against"])
    return ComparisonResult(id_, about, seen, against, _finding(data), data["promise"])


def _finding(data: Json) -> DriftFinding:
    columns = tuple(map(ColumnFinding.from_json, data["columns"]))
    return DriftFinding(
        data["n"], data["n_reference"], data["window"], data["alpha"], data["tolerance"], columns
    )


def window_of(id_: str, meta: Json, data: Json) -> WindowResult:
    detector = meta["detector_type"]
    finding = finding_of(detector, data["finding"])
    judged = (_seen(data), finding, data["promise"], *_evidence(data))
    return WindowResult(id_, about_of(meta), detector, *judged)


def unjudged_of(id_: str, meta: Json, data: Json) -> UnjudgedResult:
    detector = meta["detector_type"]
    return UnjudgedResult(id_, about_of(meta), detector, _seen(data), data["not_enough_data"])
