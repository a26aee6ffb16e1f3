"""Results into `judged`, `series`, `point`, `flagged`, `attack`, `plan`."""

from __future__ import annotations

import sys

import apsw

from sidelight_dashboard.following.packing import packed, text
from sidelight_dashboard.following.versions import see_version
from sidelight_dashboard.following.wire import Attack, Column, Drift, Promise, Row, Told, Window
from sidelight_dashboard.store.rows import Values, add, found, put

_UNBOUNDED = sys.float_info.max
"""A score beyond all numbers: JSON knows no infinity."""

_BY_COLUMN = ("columns", "distance", "p_val")
"""Members of a drift result that `point` has."""


def fold_result(series: apsw.Connection, told: Told) -> None:
    """What was told before, by its id, changes nothing."""
    match told.content:
        case Window():
            _window(series, told, told.content)
        case Row():
            _row(series, told, told.content)
        case Attack():
            _attack(series, told, told.content)
        case Promise():
            _promise(series, told, told.content)


def _window(series: apsw.Connection, told: Told, window: Window) -> None:
    about = told.meta
    judged: Values = {
        "id": told.id,
        "model": about.model,
        "version": about.version,
        "segment": about.segment,
        "against": about.against,
        "detector": about.detector,
        "plan": about.plan,
        "begin_ns": window.times.begin,
        "end_ns": window.times.end,
        "rows": window.rows,
        "flagged": window.flagged,
        "is_drift": window.is_drift,
        "refused": window.refused,
        "evidence": window.e_value,
        "evidence_threshold": window.e_value_threshold,
        "promise": window.promise,
        "address": told.address,
        "data": packed(told.data.get("finding", _head(told))),
    }
    if not add(series, "judged", judged):
        return
    if about.version:
        see_version(series, about.model, about.version, window.times.begin, window.times.end)
    if isinstance(window, Drift):
        for column in window.columns:
            _point(series, told, window, column)


def _head(told: Told) -> dict[str, object]:
    return {name: value for name, value in told.data.items() if name not in _BY_COLUMN}


def _point(series: apsw.Connection, told: Told, window: Drift, column: Column) -> None:
    point: Values = {
        "series": _series(series, told, column),
        "end_ns": window.times.end,
        "begin_ns": window.times.begin,
        "windows": 1,
        "drifted": int(column.drifted),
        "rows": column.rows,
        "effect": column.effect,
        "effect_least": column.effect,
        "low": column.low,
        "high": column.high,
        "distance": column.distance,
        "p_value": column.p_value,
        "p_threshold": column.threshold,
        "tolerance": window.tolerance,
    }
    add(series, "point", point)


def _series(series: apsw.Connection, told: Told, column: Column) -> int:
    about = told.meta
    key: Values = {
        "model": about.model,
        "version": about.version,
        "segment": about.segment,
        "against": about.against,
        "column": column.column,
        "method": column.method,
    }
    query = (
        "SELECT id FROM series WHERE (model, version, segment, against, column, method)"
        " = (?, ?, ?, ?, ?, ?)"
    )
    known = found(series, query, tuple(key.values()))
    if not known:
        add(series, "series", key)
        return series.last_insert_rowid()
    return int(known[0][0])


def _row(series: apsw.Connection, told: Told, row: Row) -> None:
    has_p_value = row.p_value is not None
    flagged: Values = {
        "id": told.id,
        "model": told.meta.model,
        "version": told.meta.version,
        "detector": told.meta.detector,
        "exchange": row.exchange,
        "row": row.row,
        "time_ns": told.time_ns,
        "score": _UNBOUNDED if row.score is None else row.score,
        "p_value": row.p_value,
        "rate": row.threshold if has_p_value else None,
        "rate_bound": row.rate_bound,
        "threshold": None if has_p_value else row.threshold,
        "method": row.method,
        "contributions": text(row.contributions),
        "reasons": text(row.reasons),
    }
    add(series, "flagged", flagged)


def _attack(series: apsw.Connection, told: Told, attack: Attack) -> None:
    """The episode as it was last told: it only grows, then ends."""
    query = "SELECT queries, is_over FROM attack WHERE episode = ?"
    known = found(series, query, (attack.episode,))
    if known and (attack.queries, attack.is_over) < known[0]:
        return
    episode: Values = {
        "episode": attack.episode,
        "model": told.meta.model,
        "first_ns": attack.times.begin,
        "last_ns": attack.times.end,
        "queries": attack.queries,
        "expected": attack.expected,
        "is_over": int(attack.is_over),
        "data": packed(told.data),
    }
    put(series, "attack", episode)


def _promise(series: apsw.Connection, told: Told, promise: Promise) -> None:
    plan: Values = {
        "model": told.meta.model,
        "version": told.meta.version,
        "plan": told.meta.plan,
        "time_ns": told.time_ns,
        "begins_at": promise.begins_at,
        "promise": promise.promise,
    }
    add(series, "plan", plan)
