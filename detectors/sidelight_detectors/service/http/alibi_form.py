"""An answer in alibi-detect's form: ``{"data": {...}, "meta": {...}}``, as its servers give it."""

from __future__ import annotations

from typing import Any

from sidelight import __version__
from sidelight.errors import NotEnoughData
from sidelight_detectors.contract import DriftFinding, Finding, RowScores
from sidelight_detectors.service.http.answers import Answer, Wish

Json = dict[str, Any]


def alibi_form(answer: Answer, wish: Wish) -> Json:
    """One detector's answer as it is; those of several by the detector's name."""
    told = {name: _told(answer, name, wish) for name in answer.detectors}
    return next(iter(told.values())) if len(told) == 1 else told


def _told(answer: Answer, name: str, wish: Wish) -> Json:
    data: Json = {}
    if name in answer.scores:
        data |= _rows(answer.scores[name], wish)
    if name in answer.findings:
        data |= _batch(answer.findings[name], answer.rows)
    return {"data": data, "meta": _meta(answer, name)}


def _meta(answer: Answer, name: str) -> Json:
    return {
        "name": name,
        "detector_type": name,
        "data_type": "tabular",
        "online": False,
        "version": __version__,
        "model": answer.plan.model,
        "plan": answer.plan.id,
        "columns": list(answer.plan.fitted.columns),
    }


def _rows(scores: RowScores, wish: Wish) -> Json:
    return {
        "is_outlier": scores.flagged.astype(int).tolist(),
        "instance_score": scores.scores.tolist() if wish.instance_score else None,
        "feature_score": scores.contributions.tolist() if wish.feature_score else None,
        "p_val": scores.p_values.tolist(),
    }


def _batch(finding: Finding | NotEnoughData, rows: int) -> Json:
    if isinstance(finding, NotEnoughData):
        return {"is_drift": None, "n": rows, "not_enough_data": str(finding)}
    if not isinstance(finding, DriftFinding):
        return {"is_drift": int(finding.is_drift), "n": finding.rows, "finding": finding}
    columns = finding.columns
    return {
        "is_drift": int(finding.is_drift),
        "distance": [column.distance for column in columns],
        "p_val": [column.p_value for column in columns],
        "threshold": min(column.threshold for column in columns),
        "effect": [column.effect for column in columns],
        "drifted": [column.column for column in columns if column.drifted],
        "n": finding.rows,
        "n_reference": finding.reference_rows,
        "tolerance": finding.tolerance,
    }
